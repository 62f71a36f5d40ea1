"""What every `Index` does, whatever it is built on; a backend's tests subclass `IndexContract`."""

from collections.abc import Sequence

import pytest

from knowledge_base.errors import InputError, NotFoundError
from knowledge_base.notes import Note
from knowledge_base.values import Document
from retrieval.values import Candidates, Filter, Index
from tests.fakes import a_document

FEES = a_document(
    "fees/cards.md",
    ["The platinum card costs 680 yuan a year.", "The gold card costs 200 yuan a year."],
    title="Fees 2026",
    heading=("Cards", "Annual fees"),
    modified="2026-01-01",
)
LOANS = a_document(
    "loans/home.pdf",
    ["A first home loan has a rate of 3.35 %."],
    title="Home loans",
    modified="2025-06-30",
    notes=(Note("pictures_without_text", pages=(2, 3)), Note("part_damaged", name="附件.docx")),
    ocr=0.97265625,
)
CHINESE = a_document(
    "zh/收费.txt",
    ["白金卡年费为680元。", "首套住房贷款利率为3.35%。"],
    title="收费标准",
    modified="2026-03-05",
)
ALL = (FEES, LOANS, CHINESE)


def paths(found: Candidates) -> tuple[set[str], set[str]]:
    """Documents that the dense and the lexical retriever found."""
    return {hit.passage.document for hit in found.dense}, {hit.passage.document for hit in found.lexical}


def everything(index: Index, limit: Filter, question: str = "card 年费 loan") -> tuple[set[str], set[str]]:
    """What both retrievers find when they may return as much as they like."""
    return paths(index.search([question], 100, limit)[0])


class IndexContract:
    """Subclasses give a fixture `index`: a new, empty index, closed afterwards."""

    def test_an_empty_index_finds_nothing(self, index: Index) -> None:
        assert index.catalogue() == {}
        assert index.search(["anything"], 5) == [Candidates((), (), index.revision)]

    def test_a_stored_document_comes_back_as_it_was(self, index: Index) -> None:
        index.add(ALL)
        assert [index.document(document.path) for document in ALL] == list(ALL)

    def test_the_catalogue_describes_every_document(self, index: Index) -> None:
        index.add(ALL)
        catalogue = index.catalogue()
        assert set(catalogue) == {document.path for document in ALL}
        entry = catalogue[FEES.path]
        assert (entry.digest, entry.size, entry.modified) == (FEES.digest, FEES.size, "2026-01-01")
        assert (entry.source, entry.format, entry.title, entry.passages) == ("/docs", "md", "Fees 2026", 2)
        assert (entry.notes, catalogue[LOANS.path].notes) == ((), LOANS.notes)

    @pytest.mark.parametrize(
        ("question", "text"),
        [
            ("What does the platinum card cost?", FEES.passages[0].text),
            ("first home loan rate", LOANS.passages[0].text),
            ("白金卡年费是多少？", CHINESE.passages[0].text),
            ("住房贷款利率", CHINESE.passages[1].text),
        ],
    )
    def test_both_retrievers_find_the_passage_first(self, index: Index, question: str, text: str) -> None:
        index.add(ALL)
        (found,) = index.search([question], 3)
        assert found.dense[0].passage.text == text
        assert found.lexical[0].passage.text == text

    def test_a_single_chinese_character_is_found(self, index: Index) -> None:
        index.add(ALL)
        (found,) = index.search(["贷"], 3)
        assert [hit.passage for hit in found.lexical] == [CHINESE.passages[1]]

    @pytest.mark.parametrize(
        ("stored", "asked"),
        [
            ("個人貸款", "个人贷款"),
            ("个人贷款", "個人貸款"),
            ("ＭＴ１０３", "mt103"),
            ("MT103", "ｍｔ１０３"),
        ],
    )
    def test_scripts_and_widths_are_the_same(self, index: Index, stored: str, asked: str) -> None:
        index.add([FEES, a_document("other.txt", [f"{stored} 2026"])])
        (found,) = index.search([asked], 3)
        assert found.lexical[0].passage.document == "other.txt"
        assert found.lexical[0].passage.text == f"{stored} 2026"

    def test_title_and_heading_are_searched_too(self, index: Index) -> None:
        index.add(ALL)
        (found,) = index.search(["annual fees"], 3)
        assert found.lexical[0].passage.document == FEES.path

    def test_hits_are_whole_passages_best_first_and_at_most_depth(self, index: Index) -> None:
        index.add(ALL)
        (found,) = index.search(["platinum card 3.35"], 2)
        for hits in (found.dense, found.lexical):
            assert len(hits) == 2
            assert hits[0].score >= hits[1].score
            assert all(hit.passage in index.document(hit.passage.document).passages for hit in hits)

    def test_questions_together_find_what_each_finds_alone(self, index: Index) -> None:
        index.add(ALL)
        questions = ["gold card", "贷款利率", "home loan", ""]
        together = index.search(questions, 3)
        alone = [index.search([question], 3)[0] for question in questions]
        assert [_texts(found) for found in together] == [_texts(found) for found in alone]

    def test_no_question_no_answer(self, index: Index) -> None:
        index.add(ALL)
        assert index.search([], 3) == []

    @pytest.mark.parametrize("blank", ["", "  \n ", "?!"])
    def test_a_question_without_words_has_no_lexical_hits(self, index: Index, blank: str) -> None:
        index.add(ALL)
        assert index.search([blank], 3)[0].lexical == ()

    def test_a_very_long_question_is_answered(self, index: Index) -> None:
        index.add(ALL)
        (found,) = index.search(["platinum card " * 7_000], 1)
        assert found.lexical[0].passage == FEES.passages[0]

    def test_signs_of_a_query_language_are_only_text(self, index: Index) -> None:
        index.add(ALL)
        (found,) = index.search(['+"platinum" AND (card OR -year) ~2 field:[* TO *] \\'], 1)
        assert found.lexical[0].passage == FEES.passages[0]

    def test_a_depth_below_one_is_refused(self, index: Index) -> None:
        with pytest.raises(InputError):
            index.search(["card"], 0)

    def test_a_changed_document_replaces_its_passages(self, index: Index) -> None:
        index.add(ALL)
        changed = a_document(FEES.path, ["The diamond card costs 2,600 yuan."], title="Fees 2026")
        index.add([changed])
        assert index.document(FEES.path) == changed
        (found,) = index.search(["platinum diamond"], 10)
        assert [hit.passage.text for hit in found.lexical] == [changed.passages[0].text]
        assert not {hit.passage for hit in found.dense} & set(FEES.passages)

    def test_a_deleted_document_is_gone_from_everywhere(self, index: Index) -> None:
        index.add(ALL)
        index.delete([FEES.path])
        assert FEES.path not in index.catalogue()
        with pytest.raises(NotFoundError):
            index.document(FEES.path)
        dense, lexical = everything(index, Filter())
        assert dense == lexical == {LOANS.path, CHINESE.path}

    def test_a_deleted_document_can_come_back(self, index: Index) -> None:
        index.add(ALL)
        index.delete([FEES.path])
        index.add([FEES])
        assert index.search(["platinum card"], 1)[0].lexical[0].passage == FEES.passages[0]

    def test_deleting_what_is_not_there_changes_nothing(self, index: Index) -> None:
        index.add(ALL)
        before = index.revision
        index.delete(["nowhere.md"])
        index.delete([])
        index.add([])
        assert index.revision == before
        assert set(index.catalogue()) == {document.path for document in ALL}

    def test_an_unknown_document_is_an_error_that_names_it(self, index: Index) -> None:
        with pytest.raises(NotFoundError, match="nowhere.md"):
            index.document("nowhere.md")

    def test_every_change_is_a_new_revision_and_hits_carry_theirs(self, index: Index) -> None:
        seen = [index.revision]
        for document in (FEES, FEES, None):
            if document:
                index.add([document])
            else:
                index.delete([FEES.path])
            seen.append(index.revision)
            assert index.search(["card"], 1)[0].revision == seen[-1]
        assert seen == sorted(set(seen))

    def test_a_document_without_passages_is_kept(self, index: Index) -> None:
        empty = a_document("empty.txt", [])
        index.add([empty, FEES])
        assert index.document("empty.txt") == empty
        assert index.catalogue()["empty.txt"].passages == 0

    def test_the_same_text_in_two_documents_is_found_in_both(self, index: Index) -> None:
        copies = [a_document(path, ["The vault opens at nine."]) for path in ("a.txt", "b.txt")]
        index.add(copies)
        assert everything(index, Filter(), "vault") == ({"a.txt", "b.txt"}, {"a.txt", "b.txt"})

    @pytest.mark.parametrize(
        ("limit", "allowed"),
        [
            (Filter(documents=frozenset({LOANS.path, "nowhere.md"})), {LOANS.path}),
            (Filter(folder="fees"), {FEES.path}),
            (Filter(formats=frozenset({"md", "txt"})), {FEES.path, CHINESE.path}),
            (Filter(after="2026-01-01"), {FEES.path, CHINESE.path}),
            (Filter(before="2026-01-01"), {FEES.path, LOANS.path}),
            (Filter(after="2026-01-01", before="2026-01-01"), {FEES.path}),
            (Filter(folder="zh", formats=frozenset({"md"})), set()),
            (Filter(documents=frozenset({"nowhere.md"})), set()),
        ],
    )
    def test_a_filter_limits_both_retrievers(self, index: Index, limit: Filter, allowed: set[str]) -> None:
        index.add(ALL)
        assert everything(index, limit) == (allowed, allowed)

    @pytest.mark.parametrize(
        "limit", [Filter(after="2026"), Filter(before="1 May"), Filter(after="2026-1-5")]
    )
    def test_a_date_that_is_none_is_refused(self, index: Index, limit: Filter) -> None:
        index.add(ALL)
        with pytest.raises(InputError, match="YYYY-MM-DD"):
            index.search(["card"], 1, limit)

    def test_a_folder_is_not_any_prefix(self, index: Index) -> None:
        index.add([a_document(path, ["vault"]) for path in ("a/x.txt", "ab/x.txt", "a.txt", "a/b/x.txt")])
        assert everything(index, Filter(folder="a"), "vault") == ({"a/x.txt", "a/b/x.txt"},) * 2
        assert everything(index, Filter(folder="a/b"), "vault") == ({"a/b/x.txt"},) * 2

    def test_a_filter_is_not_starved_by_better_passages_outside(self, index: Index) -> None:
        better = [a_document(f"other/{n}.txt", ["vault vault vault hours"]) for n in range(60)]
        wanted = a_document("mine/notes.txt", ["Something about one vault and much else besides."])
        index.add([*better, wanted])
        assert everything(index, Filter(folder="mine"), "vault hours") == ({wanted.path},) * 2
        (found,) = index.search(["vault hours"], 1, Filter(folder="mine"))
        assert paths(found) == ({wanted.path}, {wanted.path})

    def test_odd_texts_come_back_unchanged(self, index: Index) -> None:
        odd = a_document(
            "odd ' \" % 文.txt", ["\ttab 'quote' \"x\" 😀 𠮷野家 e\u0301", "\u0000nul and \u202e"]
        )
        index.add([odd])
        assert index.document(odd.path) == odd
        assert index.search(["quote"], 1)[0].lexical[0].passage == odd.passages[0]


def _texts(found: Candidates) -> tuple[Sequence[str], Sequence[str]]:
    return [hit.passage.text for hit in found.dense], [hit.passage.text for hit in found.lexical]


def documents_of(count: int, passages: int = 3) -> list[Document]:
    """Documents for larger tests; each has a word of its own, `unique0007`, in every passage."""
    return [
        a_document(f"d{n % 7}/{n:04}.md", [f"unique{n:04} passage {p} of card fees" for p in range(passages)])
        for n in range(count)
    ]

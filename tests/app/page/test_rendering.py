"""What the page shows of answers, documents, searches and errors."""

import re
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering.values import Citation, Question, Sentence
from app.page.exchanges import Arriving, Exchange, Shown
from app.page.rendering import answers, documents, notices, search
from app.page.texts import EN, ZH, Texts
from app.workspace import CollectionInfo
from knowledge_base.errors import InputError
from knowledge_base.ingest import FailedFile, Report, SkippedFile
from knowledge_base.notes import Note
from tests.fake_workspace import FakeWorkspace, document_of
from tests.fakes import FakeIndex, a_document

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'


def citation(number: int = 1, quote: str = "It costs 680.") -> Citation:
    return Citation(number, "id", "fees.pdf", "Fees", 3, 10, 23, quote, 0.9)


def shown(**changes: object) -> Shown:
    base = Shown(
        adapter="base",
        text="It costs 680.\nMaybe more.",
        id="a1",
        confidence=0.87,
        threshold=0.5,
        sentences=(Sentence("It costs 680.", (1,)), Sentence("Maybe more.", ())),
        citations=(citation(),),
        seconds=1.23,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def conversation(answer: Shown) -> str:
    return str(answers.conversation([Exchange("q?", "bank", (answer,))], EN))


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


def test_sentences_carry_their_citations_and_unsupported_ones_are_marked() -> None:
    html = conversation(shown())
    assert 'data-document="fees.pdf"' in html
    assert 'data-start="10"' in html
    assert 'data-end="23"' in html
    assert "page 3" in html
    unsupported = re.search(r'<span class="dq-unsupported"[^>]*>(.*?)</span></span>', html)
    assert unsupported is not None
    assert "Maybe more." in unsupported[1]
    assert EN.unsupported in unsupported[1]
    assert "It costs 680.1\nMaybe more." in text_of(html)  # the line break stays


def test_confidence_and_threshold_are_shown() -> None:
    html = conversation(shown())
    assert "width:87%" in html
    assert "left:50%" in html
    assert "Confidence87" in text_of(html)


def test_a_refusal_is_distinct_and_names_the_nearest_documents() -> None:
    html = conversation(shown(outcome="not_found", sentences=(), citations=(), nearest=("a.pdf", "b.pdf")))
    assert "dq-refused" in html
    assert EN.refused in html
    assert re.findall(r'data-document="(.*?)"', html) == ["a.pdf", "b.pdf"]
    assert "dq-chip" not in html


def test_a_stopped_answer_offers_no_judgement() -> None:
    html = conversation(Shown("base", "It cos"))
    assert EN.stopped in html
    assert 'data-event="vote"' not in html
    assert 'data-event="again"' in html


def test_only_the_last_exchange_can_be_answered_again() -> None:
    html = str(answers.conversation([Exchange("q", "c", (shown(),)), Exchange("r", "c", (shown(),))], EN))
    assert html.count('data-event="again"') == 1


def test_a_very_long_question_is_shortened() -> None:
    html = str(answers.conversation([Exchange("x" * 100_000, "c", (shown(),))], EN))
    assert len(html) < 10_000


@given(st.text(min_size=1, max_size=40))
def test_whatever_a_model_or_document_says_is_text(said: str) -> None:
    evil = said + EVIL
    html = conversation(
        shown(text=evil, sentences=(Sentence(evil, (1,)),), citations=(citation(quote=evil),), adapter=evil)
    )
    assert "<script" not in html
    assert "<img" not in html
    assert evil.strip() in text_of(html)


def test_an_arriving_answer_shows_its_stage() -> None:
    columns = [Arriving("a", "reading", passages=4), Arriving("b", "writing", text=EVIL), Arriving("c")]
    html = str(answers.arriving("q", "bank", columns, EN))
    assert "Reading 4 passages" in html
    assert "<script" not in html
    assert html.count('aria-busy="true"') == 3


@pytest.mark.parametrize(
    ("texts", "told"), [(EN, "other questions in progress: 3"), (ZH, "另有 3 个问题正在处理")]
)
def test_a_waiting_reader_sees_how_many_are_before(texts: Texts, told: str) -> None:
    assert told in str(answers.arriving("q", "bank", [Arriving("a", others=3)], texts))
    assert "<small>" not in str(answers.arriving("q", "bank", [Arriving("a")], texts))


def test_the_supporting_sentence_is_marked_inside_its_passage() -> None:
    document = document_of("fees.pdf", "Before.\nGold is 200. Platinum is 680. Done.\nAfter.", "Fees")
    start = document.text.index("Platinum")
    html = str(documents.in_place(document, "bank", (start, start + len("Platinum is 680.")), EN))
    assert re.search(r'<mark id="dq-marked">Platinum is 680.</mark>', html)
    passage = re.search(r'<span class="dq-passage">(.*?)</span>', html, re.DOTALL)
    assert passage is not None
    assert text_of(passage[1]) == "Gold is 200. Platinum is 680. Done."
    assert "page 1" in html


@given(st.integers(-50, 5000), st.integers(-50, 5000))
def test_any_span_shows_the_text_once_and_whole(start: int, end: int) -> None:
    document = document_of("a.txt", "\n".join(f"Line {number} of the text." for number in range(60)))
    html = str(documents.in_place(document, "bank", (start, end), EN))
    body = re.search(r'<div class="dq-page-text" tabindex="0">(.*)</div></section>', html, re.DOTALL)
    assert body is not None
    assert text_of(body[1]) == document.text


def test_only_the_surroundings_of_a_passage_in_a_long_document_are_sent() -> None:
    document = document_of("a.txt", "\n".join(f"Line {number}." for number in range(50_000)))
    middle = document.text.index("Line 25000.")
    html = str(documents.in_place(document, "bank", (middle, middle + 11), EN))
    assert len(html) < 20_000
    assert "…" in html
    assert EN.shortened in html


def test_documents_are_found_by_title_and_path_in_any_case() -> None:
    workspace = FakeWorkspace()
    workspace.put("bank", "cards/FEES.pdf", "x", "Prices")
    workspace.put("bank", "loans.pdf", "x", EVIL)
    entries = workspace.documents("bank")
    assert [entry.path for entry in documents.matching(entries, " fees ")] == ["cards/FEES.pdf"]
    assert [entry.path for entry in documents.matching(entries, "PRICES")] == ["cards/FEES.pdf"]
    html = str(documents.table(entries, "", "bank", EN))
    assert "2 of 2 shown" in html
    assert "<script" not in html
    assert EN.nothing_found in documents.table(entries, "zzz", "bank", EN)
    assert EN.empty_collection in documents.table([], "", "bank", EN)


def test_a_report_names_each_failure_with_cause_and_remedy() -> None:
    failed = (FailedFile("bad.pdf", "It is encrypted.", "Save it without a password."),)
    html = str(documents.report(Report(("a.txt",), ("b.txt",), (), (), failed, 7, 1.5), EN))
    assert "1 added, 1 changed, 0 unchanged, 1 failed, 0 not read · 7 passages in 1.5 s" in html
    assert html.index("bad.pdf") < html.index("a.txt")
    assert "It is encrypted. Save it without a password." in text_of(html)


def test_a_report_names_what_was_not_read_in_the_language_of_the_page() -> None:
    skipped = (SkippedFile("old.exe", "Files of the format .exe are not read.", "Save it as .docx."),)
    notes = {"b.pdf": (Note("pictures_without_ocr", pages=(2, 3)), Note("part_damaged", name=EVIL))}
    told = Report(("a.txt", "b.pdf"), (), (), (), (), 7, 1.5, skipped, notes)
    html = str(documents.report(told, EN))
    assert html.index("old.exe") < html.index("b.pdf") < html.index("a.txt")
    assert "pages 2–3" in text_of(html)
    assert "<script" not in html
    assert "第 2–3 页" in text_of(str(documents.report(told, ZH)))


def test_a_cited_page_is_shown_as_a_picture_where_there_is_one() -> None:
    for path, shown in (("a b/费用.pdf", True), ("scan.png", True), ("fees.txt", False)):
        html = str(documents.in_place(a_document(path, ["Text of it."]), "bank 1", (0, 4), EN))
        assert ("<img" in html) == shown
    html = unescape(str(documents.in_place(a_document("a b/费用.pdf", ["Text."]), "bank 1", (0, 4), ZH)))
    assert (
        '"/v1/collections/bank%201/pages/a%20b/%E8%B4%B9%E7%94%A8.pdf?page=1&width=1000&start=0&end=4"'
        in html
    )
    assert 'alt="第 1 页的图像"' in html


def test_what_was_not_read_stays_beside_the_document() -> None:
    document = a_document("b.pdf", ["Text."], notes=(Note("pictures_without_text", pages=(2,)),), ocr=0.973)
    html = text_of(str(documents.passages(document, EN)))
    assert "OCR found no text in the picture of page 2." in html
    assert "read by OCR, confidence 97 %" in html
    index = FakeIndex()
    index.add([document])
    assert "部分读取" in documents.table(list(index.catalogue().values()), "", "bank", ZH)


def test_sizes_are_readable() -> None:
    sizes = [documents.readable_size(size) for size in (0, 999, 1500, 12_300_000, 10**15)]
    assert sizes == ["0 B", "999 B", "1.5 kB", "12.3 MB", "1000.0 TB"]


def test_dates_are_those_of_the_filters() -> None:
    assert documents.is_date("2026-01-31")
    assert not any(map(documents.is_date, ("2026-02-30", "20260131", "last week", "2026-1-1")))


def test_a_search_shows_each_retriever() -> None:
    workspace = FakeWorkspace()
    workspace.put("bank", "fees.txt", f"The platinum card costs 680. {EVIL}\nNothing here.", "Fees")
    (found,) = workspace.search(["platinum"], "bank")
    html = str(search.results(found, EN))
    assert "#1" in html
    assert "–" in html  # not found by words
    assert "<script" not in html


def test_the_prompt_and_its_signals_are_shown_as_text() -> None:
    workspace = FakeWorkspace()
    workspace.put("bank", "fees.txt", "The platinum card costs 680.")
    answer = workspace.answer(Question("platinum?", "bank"))
    trace = replace(answer.trace, prompt=EVIL, signals={"margin": 0.25}, left_out=("x",))
    html = str(search.reading(replace(answer, trace=trace), ZH))
    assert EVIL in text_of(html)
    assert "<script" not in html
    assert "0.250" in html
    assert f"{ZH.left_out}: 1" in html


def test_an_error_shows_its_cause_and_remedy_once() -> None:
    html = str(notices.failure(InputError("The <b> is wrong.", "Write it anew.")))
    assert html.count("The &lt;b&gt; is wrong.") == 1
    assert html.count("Write it anew.") == 1
    assert 'role="alert"' in html


def test_a_collection_is_summed_up() -> None:
    html = str(documents.summary(CollectionInfo("<bank>", 3, 12, 1, "fake", 2_500_000), EN))
    assert "3 documents · 12 passages · 2.5 MB" in html
    assert "&lt;bank&gt;" in html


def test_an_answer_that_a_capable_model_wrote_freely_says_so_and_shows_its_last_note() -> None:
    cut = "*The answer was cut off.*"
    free = shown(profile="free", text=f"{shown().text}\n\n{cut}")
    assert EN.reads_freely in conversation(free)
    assert "The answer was cut off." in conversation(free)
    assert EN.reads_freely not in conversation(shown())

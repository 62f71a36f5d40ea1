"""The retriever over an index in memory: order, filters, cache, diversity."""

from collections.abc import Sequence

import pytest

from knowledge_base.errors import InputError
from retrieval.retriever import Retriever
from retrieval.values import NO_FILTER, Candidates, Filter
from tests.fakes import FakeIndex, a_document


class CountingIndex(FakeIndex):
    """Counts the questions that reach it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def search(self, questions: Sequence[str], depth: int, limit: Filter = NO_FILTER) -> list[Candidates]:
        self.asked.extend(questions)
        return super().search(questions, depth, limit)


@pytest.fixture
def index() -> CountingIndex:
    index = CountingIndex()
    index.add(
        [
            a_document("fees/2026.txt", ["the platinum card costs 680 a year"]),
            a_document("fees/2025.txt", ["the platinum card costs 580 a year"]),
            a_document("hours.txt", ["branches open at nine", "and close at five", "on weekdays only"]),
        ]
    )
    return index


def documents(retriever: Retriever, question: str, **options: object) -> list[str]:
    found = retriever.search([question], **options)[0]  # type: ignore[arg-type]
    return [entry.passage.document for entry in found.ranked]


def test_the_best_passage_comes_first(index: CountingIndex) -> None:
    assert documents(Retriever(index), "when do branches open", k=1) == ["hours.txt"]


def test_answers_come_in_the_order_of_the_questions_even_if_one_is_repeated(index: CountingIndex) -> None:
    found = Retriever(index).search(["branches open", "platinum card", "branches open"], k=1)
    assert [result.question for result in found] == ["branches open", "platinum card", "branches open"]
    assert found[0] is found[2]


def test_a_repeated_question_is_answered_from_the_cache(index: CountingIndex) -> None:
    told: list[tuple[int, int]] = []
    retriever = Retriever(index, on_search=lambda questions, cached: told.append((questions, cached)))
    (first,) = retriever.search(["platinum card"])
    assert retriever.search(["platinum card", "branches open", "branches open"])[0] == first
    assert index.asked == ["platinum card", "branches open"]
    assert told == [(1, 0), (2, 1)]


def test_a_changed_collection_is_never_served_from_the_old_cache(index: CountingIndex) -> None:
    retriever = Retriever(index)
    assert "new.txt" not in documents(retriever, "gold card")
    index.add([a_document("new.txt", ["the gold card is free"])])
    assert documents(retriever, "gold card")[0] == "new.txt"
    index.delete(["new.txt"])
    assert "new.txt" not in documents(retriever, "gold card")


def test_filters_and_k_make_different_cache_entries(index: CountingIndex) -> None:
    retriever = Retriever(index)
    assert documents(retriever, "platinum card", limit=Filter(documents=frozenset({"fees/2025.txt"}))) == [
        "fees/2025.txt"
    ]
    assert len(documents(retriever, "platinum card", k=2)) == 2
    assert len(documents(retriever, "platinum card", k=1)) == 1


def test_a_copy_gives_way_but_another_years_figures_are_no_copy(index: CountingIndex) -> None:
    index.add([a_document("copy.txt", ["the platinum card costs 680 a year!"])])
    found = documents(Retriever(index), "the platinum card costs 680", k=10)
    assert {"fees/2026.txt", "copy.txt"} == {found[0], found[-1]}
    assert "fees/2025.txt" in found[:2]


class LongestFirst:
    """A reranker that prefers long texts."""

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        return [float(len(text)) for text in texts]


def test_a_reranker_has_the_last_word(index: CountingIndex) -> None:
    index.add([a_document("long.txt", ["platinum " + "words " * 30])])
    assert documents(Retriever(index, reranker=LongestFirst()), "platinum card", k=1) == ["long.txt"]


@pytest.mark.parametrize("question", ["", "  \n"])
def test_an_empty_question_is_refused(index: CountingIndex, question: str) -> None:
    with pytest.raises(InputError, match="empty"):
        Retriever(index).search([question])


def test_fewer_than_one_passage_cannot_be_asked_for(index: CountingIndex) -> None:
    with pytest.raises(InputError, match="at least one"):
        Retriever(index).search(["fee"], k=0)


def test_an_empty_collection_finds_nothing_and_says_so() -> None:
    assert Retriever(FakeIndex()).search(["anything"])[0].ranked == ()


def test_radicals_in_a_question_are_ordinary_characters(index: CountingIndex) -> None:
    index.add([a_document("wind.txt", ["长风大厦 opens at nine"])])
    assert documents(Retriever(index), "⻓⻛⼤厦", k=1) == ["wind.txt"]

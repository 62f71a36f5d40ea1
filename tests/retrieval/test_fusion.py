"""Fusion: each retriever helps, and an uninformative one cannot ruin the other."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.values import Passage
from retrieval.fusion import fuse, retriever_weights
from retrieval.values import Candidates, Hit

WORDS = ("annual", "fee", "platinum", "card", "loan", "branch", "年费", "白金卡")


def passage(number: int, text: str = "something else") -> Passage:
    return Passage(f"{number}.txt", 0, text, 0, len(text), title="")


def hit_list(*scores: tuple[int, float], text: str = "something else") -> tuple[Hit, ...]:
    return tuple(Hit(passage(number, text), score) for number, score in scores)


def order(question: str, found: Candidates) -> list[str]:
    return [entry.passage.document for entry in fuse(question, found)]


def test_a_passage_that_both_retrievers_find_comes_before_one_that_only_one_finds() -> None:
    text = "annual fee of the card"
    found = Candidates(
        hit_list((1, 0.9), (2, 0.88), (3, 0.8), text=text),
        hit_list((2, 9.0), (4, 8.9), (5, 2.0), text=text),
        1,
    )
    assert order("annual fee card", found)[0] == "2.txt"


def test_keywords_in_another_language_have_no_say() -> None:
    found = Candidates(
        hit_list((1, 0.9), (2, 0.8), (3, 0.79)), hit_list((9, 5.0), (8, 1.0), text="第50届超级碗"), 1
    )
    dense, lexical = retriever_weights("Who won Super Bowl number 50?", found)
    assert dense > 0.95
    assert lexical < 0.05
    assert order("Who won Super Bowl number 50?", found)[0] == "1.txt"


def test_an_embedder_that_does_not_speak_the_language_loses_weight() -> None:
    """Its first places are far from the passage that holds every word of the question."""
    right = Hit(passage(0, "白金卡年费680元"), 12.0)
    noise = hit_list(*((number, 0.5 - number / 1000) for number in range(1, 30)))
    found = Candidates(noise, (right, *hit_list((40, 3.0), (41, 2.9))), 1)
    dense, lexical = retriever_weights("白金卡年费", found)
    assert lexical > 0.95
    assert dense < 0.35
    assert order("白金卡年费", found)[0] == "0.txt"


def test_a_dense_retriever_that_agrees_with_the_keywords_keeps_its_weight() -> None:
    right = passage(0, "白金卡年费680元")
    found = Candidates((*hit_list((1, 0.9)), Hit(right, 0.85)), (Hit(right, 7.0),), 1)
    assert retriever_weights("白金卡年费", found)[0] == 1.0


def test_one_retriever_alone_keeps_its_order() -> None:
    hits = hit_list((3, 0.9), (1, 0.8), (2, 0.7))
    assert order("anything", Candidates(hits, (), 1)) == ["3.txt", "1.txt", "2.txt"]
    assert order("something else", Candidates((), hits, 1)) == ["3.txt", "1.txt", "2.txt"]
    assert order("anything", Candidates((), (), 1)) == []


def test_every_rank_and_score_of_both_retrievers_is_kept() -> None:
    found = Candidates(hit_list((1, 0.9), (2, 0.8)), hit_list((2, 4.0)), 1)
    by_name = {entry.passage.document: entry for entry in fuse("question", found)}
    second = by_name["2.txt"]
    assert (second.dense_rank, second.dense_score, second.lexical_rank, second.lexical_score) == (
        2,
        0.8,
        1,
        4.0,
    )
    assert by_name["1.txt"].lexical_rank is None


hits = st.lists(
    st.tuples(st.integers(0, 20), st.floats(0.01, 50, allow_nan=False)),
    max_size=12,
    unique_by=lambda pair: pair[0],
).map(lambda pairs: hit_list(*sorted(pairs, key=lambda pair: -pair[1]), text="annual fee"))


@given(dense=hits, lexical=hits, question=st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join))
def test_fusion_keeps_every_passage_once_in_falling_order(
    dense: tuple[Hit, ...], lexical: tuple[Hit, ...], question: str
) -> None:
    candidates = Candidates(dense, lexical, 1)
    ranked = fuse(question, candidates)
    found = {hit.passage.id for hit in (*dense, *lexical)}
    assert {entry.passage.id for entry in ranked} == found
    assert len(ranked) == len(found)
    scores = [entry.score for entry in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= weight <= 1.0 for weight in retriever_weights(question, candidates))


@given(dense=hits)
def test_the_scale_of_a_retriever_does_not_matter(dense: tuple[Hit, ...]) -> None:
    scaled = tuple(replace(hit, score=hit.score * 1024) for hit in dense)
    assert order("fee", Candidates(dense, (), 1)) == order("fee", Candidates(scaled, (), 1))

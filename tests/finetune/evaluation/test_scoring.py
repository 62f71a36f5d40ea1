"""What replies are worth, and the figures of a contender."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.evaluation.scoring import cites_evidence, overlap, score, summarise
from finetune.pairs.values import Evidence
from tests.finetune.evaluation.synthetic import a_case, an_answer, contender, some_cases

CASE = a_case(3)
NO_ANSWER = a_case(3, answerable=False)


def test_an_answer_is_worth_its_nearness() -> None:
    right = score(CASE, an_answer("delta 3"))
    near = score(CASE, an_answer("it is delta 3 indeed"))
    assert (right.em, right.f1) == (1.0, 1.0)
    assert (near.em, near.f1) == (0.0, pytest.approx(4 / 7))


def test_a_refusal_is_worth_nothing_where_there_is_an_answer_and_all_where_there_is_none() -> None:
    wrongly = score(CASE, an_answer("delta 3", refused=True))
    rightly = score(NO_ANSWER, an_answer(refused=True))
    invented = score(NO_ANSWER, an_answer("delta 3"))
    assert (wrongly.em, wrongly.f1, wrongly.refused) == (0, 0, True)
    assert (rightly.em, rightly.f1, rightly.refused) == (1, 1, True)
    assert (invented.em, invented.f1, invented.refused) == (0, 0, False)


@pytest.mark.parametrize(
    ("cited", "right"),
    [
        ((("3.txt", "It is delta 3."),), True),
        ((("3.txt", "Row: 3;\n  It is\ndelta 3. And more."),), True),
        ((("3.txt", "delta 3"),), True),
        ((("4.txt", "It is delta 3."),), False),
        ((("3.txt", "Something else."),), False),
        ((("9.txt", "x"), ("3.txt", "delta 3")), True),
        ((("3.txt", ""),), False),
        ((), False),
    ],
)
def test_a_citation_must_be_in_the_right_document_at_the_evidence(
    cited: tuple[tuple[str, str], ...], right: bool
) -> None:
    assert score(CASE, an_answer("delta 3", cited=cited)).cites is right


def test_evidence_without_a_quote_is_anywhere_in_its_document() -> None:
    assert cites_evidence(an_answer(cited=[("a.txt", "anything")]), (Evidence("a.txt", ""),))
    assert not cites_evidence(an_answer(cited=[("b.txt", "anything")]), (Evidence("a.txt", ""),))


@given(st.text(min_size=1, max_size=20).filter(str.strip), st.text(max_size=20), st.text(max_size=20))
def test_a_text_overlaps_what_holds_it_whatever_the_spaces(text: str, before: str, after: str) -> None:
    assert overlap(text, f"{before} {text}\n{after}")
    assert overlap(f"{before}\n{text} {after}", text)


def test_a_refusal_and_a_question_without_answer_cite_nothing() -> None:
    assert score(CASE, an_answer(refused=True)).cites is None
    assert score(NO_ANSWER, an_answer("x", cited=(("3.txt", "x"),))).cites is None
    assert score(replace(CASE, evidence=()), an_answer("x")).cites is None


def test_a_hit_is_an_evidence_document_among_those_that_were_read() -> None:
    assert score(CASE, an_answer("x", found=("1.txt", "3.txt"))).hit is True
    assert score(CASE, an_answer("x", found=("1.txt",))).hit is False
    assert score(NO_ANSWER, an_answer("x", found=("3.txt",))).hit is None


def test_the_figures_of_a_contender() -> None:
    cases = some_cases(4, 2)
    replies = [
        an_answer("amber 0", cited=(("0.txt", "It is amber 0."),), found=("0.txt",), seconds=1),
        an_answer("nothing of it", cited=(("9.txt", "x"),), found=("1.txt",), seconds=2),
        an_answer(refused=True, found=("7.txt",), seconds=3),
        an_answer("delta 3", cited=(("3.txt", "delta 3"),), found=("3.txt",), seconds=4),
        an_answer(refused=True, seconds=5),
        an_answer("invented", seconds=6),
    ]
    found = summarise([score(case, reply) for case, reply in zip(cases, replies, strict=True)])
    means = {
        name: getattr(found, name).mean
        for name in ("em", "f1", "f1_all", "refusal_recall", "false_refusals", "citations", "hits")
    }
    assert means == {
        "em": 0.5,
        "f1": 0.5,
        "f1_all": 0.5,
        "refusal_recall": 0.5,
        "false_refusals": 0.25,
        "citations": pytest.approx(2 / 3),
        "hits": 0.75,
    }
    assert found.refusal_precision is not None
    assert (found.refusal_precision.mean, found.refusal_precision.count) == (0.5, 2)
    assert (found.count, found.median) == (6, 3.5)
    assert 5 < found.slow <= 6


def test_what_was_not_asked_has_no_figure() -> None:
    only_answerable = summarise(contender(some_cases(5, 0), right=1.0, wrongly=0.0))
    assert only_answerable.refusal_recall is None
    assert only_answerable.refusal_precision is None
    nothing = summarise([])
    assert (nothing.count, nothing.f1, nothing.f1_all, nothing.median, nothing.slow) == (0, None, None, 0, 0)


def test_every_mean_has_its_interval() -> None:
    found = summarise(contender(some_cases(), right=0.7))
    assert found.f1 is not None
    assert found.f1.low < found.f1.mean < found.f1.high
    assert found.f1.count == 60

"""What verdicts and corrections teach, and when they teach nothing."""

from dataclasses import replace

import pytest

from answering.values import Question
from app.workspace import Workspace
from finetune.pairs.feedback import Feedback, feedback_source
from finetune.pairs.values import Evidence, Pair
from finetune.report.words import sentence_of
from retrieval.prompt import refusal
from tests.finetune.bank import fee, sentence

READ = "The gold card costs 107 yuan this year.\nOr 200."
GIVEN = Feedback(
    answer_id="a1",
    given_at="2026-11-25T20:00:00+00:00",
    collection="bank",
    question="And this year?",
    standalone="What does the gold card cost this year (2026)?",
    answer="107 yuan",
    refused=False,
    adapter="base",
    prompt_version=1,
    passages=(
        {
            "id": "p",
            "document": "fees.txt",
            "page": 1,
            "start": 40,
            "end": 40 + len(READ),
            "text": f"Fees › Cards\n{READ}",
        },
    ),
    citations=({"document": "fees.txt", "page": 1, "quote": "The gold card costs 107 yuan this year."},),
    verdict="up",
    correction="",
    comment="",
)


def one(entry: Feedback) -> Pair:
    (pair,) = feedback_source([entry]).pairs
    return pair


def test_a_thumb_up_confirms_the_answer_with_its_citations() -> None:
    pair = one(GIVEN)
    assert pair.question == "What does the gold card cost this year (2026)?"
    assert (pair.answers, pair.sentence, pair.id) == (("107 yuan",), "", "feedback-a1")
    assert pair.evidence == (Evidence("fees.txt", "The gold card costs 107 yuan this year."),)


def test_a_whole_sentence_is_a_reply_for_the_page_too() -> None:
    assert one(replace(GIVEN, answer="It costs 107 yuan.")).sentence == "It costs 107 yuan."


def test_a_correction_counts_and_is_located_in_what_was_read() -> None:
    pair = one(replace(GIVEN, verdict="down", answer="20 yuan", correction="107 yuan"))
    assert pair.answers == ("107 yuan",)
    assert pair.evidence == (Evidence("fees.txt", "The gold card costs 107 yuan this year."),)


def test_title_and_headings_are_no_evidence() -> None:
    passage = {**GIVEN.passages[0], "start": 0, "end": len("The gold card is golden.")}
    told = {**passage, "text": "Cards for 200 yuan\nThe gold card is golden."}
    pair = one(replace(GIVEN, verdict="down", correction="200 yuan", passages=(told,)))
    assert pair.evidence == ()


def test_a_correction_that_nothing_read_holds_is_left_to_the_check() -> None:
    pair = one(replace(GIVEN, verdict="down", correction="5 yuan", refused=True))
    assert (pair.answers, pair.evidence) == (("5 yuan",), ())


@pytest.mark.parametrize(
    "changes",
    [
        {"refused": True, "answer": refusal("en"), "citations": ()},
        {"verdict": "down", "correction": refusal("en")},
        {"verdict": "down", "correction": refusal("zh")},
    ],
)
def test_the_documents_do_not_say(changes: dict[str, object]) -> None:
    pair = one(replace(GIVEN, **changes))  # type: ignore[arg-type]
    assert not pair.answerable
    assert pair.evidence == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"verdict": "down"}, "thumbs-down without"),
        ({"verdict": "down", "refused": True}, "thumbs-down without"),
        ({"citations": ()}, "without a citation"),
    ],
)
def test_what_teaches_nothing_has_its_reason(changes: dict[str, object], reason: str) -> None:
    found = feedback_source([replace(GIVEN, **changes)])  # type: ignore[arg-type]
    assert found.pairs == ()
    assert reason in sentence_of(found.dropped[0].reason)
    assert found.dropped[0].question == GIVEN.question


def test_the_source_counts_its_pairs_and_changes_with_them() -> None:
    one, two = feedback_source([GIVEN]).data, feedback_source([GIVEN, replace(GIVEN, answer_id="b")]).data
    assert (one.name, one.pairs, two.pairs) == ("feedback", 1, 2)
    assert one.digest != two.digest == feedback_source([GIVEN, replace(GIVEN, answer_id="b")]).data.digest


def test_what_users_gave_passes_the_checks(workspace: Workspace) -> None:
    for thing in ("gold", "silver"):
        answer = workspace.answer(Question(f"What does the {thing} card cost a year?", "bank"))
        workspace.feedback(answer.id, "down", correction=fee(thing))
    found = feedback_source(workspace.feedback_on("bank"))
    checked = workspace.pairs.check("bank", found.pairs)
    assert checked.dropped == ()
    assert {pair.evidence for pair in checked.kept} == {
        (Evidence("gold.txt", sentence("gold")),),
        (Evidence("silver.txt", sentence("silver")),),
    }

"""Of what a model wrote, only what leads back to its passage and is answered there is kept."""

from collections.abc import Sequence

import pytest

from finetune.pairs.check import check_pairs
from finetune.pairs.generate import Candidate, GenerateSettings, keep_generated
from finetune.pairs.values import Evidence, Pair
from finetune.report.words import sentence_of
from knowledge_base.values import Passage
from retrieval.retriever import Retriever
from tests.fakes import FakeIndex, a_document

DOCUMENT = a_document(
    "fees.pdf",
    [
        "Platinum card. The annual fee of the platinum card is 680 yuan. It is waived after 18 purchases.",
        "Opening hours. The branch in Quay Street opens at 9:30 a.m. on weekdays.",
        "白金卡年费为680元。刷满18笔免收年费。",
        "Transfers abroad cost 120 yuan.",
    ],
)
PLATINUM, HOURS, CHINESE, ABROAD = DOCUMENT.passages
TOO_LONG = "the question is too long: 271 characters, the limit is 200"
ANSWER_TOO_LONG = "the answer is too long: 89 characters, the limit is 80"


def found_by_words(question: str) -> Sequence[Passage]:
    index = FakeIndex()
    index.add([DOCUMENT])
    (result,) = Retriever(index).search([question], k=10)
    return [entry.passage for entry in result.ranked]


def everything(question: str) -> Sequence[Passage]:
    return DOCUMENT.passages


def reason(passage: Passage, question: str, answer: str) -> str:
    found = keep_generated([Candidate(passage, question, answer)], everything)
    return sentence_of(found.dropped[0].reason) if found.dropped else ""


def test_a_good_question_is_kept_with_the_sentence_that_holds_its_answer() -> None:
    candidates = [
        Candidate(PLATINUM, "What is the annual fee of the platinum card?", "680 yuan."),
        Candidate(CHINESE, "白金卡的年费是多少", "680元"),
        Candidate(HOURS, "When does the branch in Quay Street open?", "9:30 a.m."),
    ]
    found = keep_generated(candidates, found_by_words, GenerateSettings(k=2))
    assert found.dropped == ()
    assert [(pair.answers, pair.evidence, pair.origin) for pair in found.kept] == [
        (
            ("680 yuan",),
            (Evidence("fees.pdf", "The annual fee of the platinum card is 680 yuan."),),
            "generated",
        ),
        (("680元",), (Evidence("fees.pdf", "白金卡年费为680元。"),), "generated"),
        (
            ("9:30 a.m.",),
            (Evidence("fees.pdf", "The branch in Quay Street opens at 9:30 a.m. on weekdays."),),
            "generated",
        ),
    ]
    assert len({pair.id for pair in found.kept}) == 3
    assert check_pairs(found.kept, documents={"fees.pdf": DOCUMENT.text}).kept == found.kept
    assert keep_generated(candidates, found_by_words, GenerateSettings(k=2)) == found


@pytest.mark.parametrize(
    ("passage", "question", "answer", "expected"),
    [
        (PLATINUM, "", "", "the model's reply contains no question with an answer"),
        (PLATINUM, "The annual fee is 5.", "680 yuan", "the question does not end like a question"),
        (CHINESE, "白金卡年费很高", "680元", "the question does not end like a question"),
        (PLATINUM, "What?", "680 yuan", "the question is too short or too general"),
        (PLATINUM, "What fee " * 30 + "?", "680 yuan", TOO_LONG),
        (PLATINUM, "Which card has a fee?", "P", "the answer has no content"),
        (PLATINUM, "Which card has a fee?", "...", "the answer has no content"),
        (PLATINUM, "Which card has a fee?", "Not in the documents.", "the answer is a refusal"),
        (PLATINUM, "Which card has a fee?", "the annual fee " * 6, ANSWER_TOO_LONG),
        (PLATINUM, "Is the annual fee 680 yuan?", "680 yuan", "the question contains its answer"),
        (PLATINUM, "What is the annual fee?", "580 yuan", "the passage does not contain the answer"),
        (PLATINUM, "What is the annual fee?", "68", "the passage does not contain the answer"),
        (ABROAD, "What is said of fees?", "Transfers abroad cost 120 yuan.",
         "the answer is almost the whole passage"),
        (PLATINUM, "What is the annual fee?", "680 yuan. It is waived",
         "no single sentence of the passage contains the answer"),
    ],
)  # fmt: skip
def test_each_doubtful_candidate_is_dropped_with_its_reason(
    passage: Passage, question: str, answer: str, expected: str
) -> None:
    assert reason(passage, question, answer) == expected


def test_a_question_that_does_not_lead_back_to_its_passage_is_dropped() -> None:
    candidate = Candidate(PLATINUM, "What opens at Quay Street on weekdays?", "18 purchases")
    found = keep_generated([candidate], found_by_words, GenerateSettings(k=1))
    assert [sentence_of(entry.reason) for entry in found.dropped] == [
        "the passage is not among the first 1 found for the question"
    ]
    assert found.dropped[0].question == candidate.question
    assert found.dropped[0].origin == "generated from fees.pdf"


def test_the_retriever_is_not_asked_about_what_is_dropped_anyway() -> None:
    asked: list[str] = []

    def find(question: str) -> Sequence[Passage]:
        asked.append(question)
        return []

    keep_generated([Candidate(PLATINUM, "", ""), Candidate(PLATINUM, "What is the annual fee?", "5")], find)
    assert asked == []


def test_near_duplicates_of_known_and_of_earlier_questions_are_dropped() -> None:
    known = Pair("en-1", "What do transfers abroad cost?", ("120 yuan",))
    first = Candidate(PLATINUM, "What is the annual fee of the platinum card?", "680 yuan")
    candidates = [
        first,
        Candidate(PLATINUM, "What's the platinum card's annual fee?", "680 yuan"),
        Candidate(ABROAD, "What do the transfers abroad cost?", "120 yuan"),
    ]
    found = keep_generated(candidates, everything, known=[known])
    assert [pair.question for pair in found.kept] == [first.question]
    assert [sentence_of(entry.reason) for entry in found.dropped] == [
        f"nearly the same question as {found.kept[0].id}",
        "nearly the same question as en-1",
    ]


def test_a_question_with_several_answers_says_too_little_and_is_dropped_with_all_its_copies() -> None:
    candidates = [
        Candidate(PLATINUM, "What is the annual fee of the card?", "680 yuan"),
        Candidate(ABROAD, "What is the annual fee of the card?", "120 yuan"),
        Candidate(PLATINUM, "When is it waived?", "after 18 purchases"),
    ]
    found = keep_generated(candidates, everything)
    assert [pair.question for pair in found.kept] == []
    reasons = [sentence_of(entry.reason) for entry in found.dropped]
    assert reasons[0] == "the question is too short or too general"
    first, second = (entry.id for entry in found.dropped[1:])
    assert reasons[1:] == [
        f"nearly the same question as {second}, with different answers",
        f"nearly the same question as {first}, with different answers",
    ]


def test_candidates_are_taken_one_by_one() -> None:
    candidates = (Candidate(PLATINUM, f"What is fee number {number}?", "680 yuan") for number in range(3))
    assert len(keep_generated(candidates, everything).kept) == 3

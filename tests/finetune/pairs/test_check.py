"""Every reason for which a pair is dropped, what is mended instead, and that the sample pairs all pass."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.pairs.check import check_pairs
from finetune.pairs.formats import read_pairs
from finetune.pairs.values import Dropped, Evidence, Pair
from finetune.reasons import Reason
from finetune.report.words import sentence_of
from finetune.settings import CheckSettings
from knowledge_base.errors import InputError
from knowledge_base.loaders.registry import load
from knowledge_base.values import Passage
from tests.fakes import a_document

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
FEES = "Platinum card\nThe annual fee is 680\nyuan. The fee of the gold card is 200 yuan."
DOCUMENTS = {"fees.pdf": FEES, "网点.md": "老城支行周一至周五 9:00 开门。"}


def a_pair(question: str = "What is the annual fee?", *answers: str, **changes: object) -> Pair:
    pair = Pair(question, question, answers)
    return replace(pair, **changes)  # type: ignore[arg-type]


def reason(pair: Pair, settings: CheckSettings | None = None, **given: object) -> str:
    found = check_pairs([pair], settings, **given)  # type: ignore[arg-type]
    assert len(found.kept) + len(found.dropped) == 1
    return sentence_of(found.dropped[0].reason) if found.dropped else ""


def on(document: str, quote: str) -> tuple[Evidence, ...]:
    return (Evidence(document, quote),)


@cache
def samples() -> tuple[list[Pair], dict[str, str]]:
    files = [file for file in sorted((SAMPLES / "bank").rglob("*")) if file.is_file()]
    documents = {
        file.relative_to(SAMPLES / "bank").as_posix(): "\n".join(block.text for block in load(file).blocks)
        for file in files
    }
    pairs = [pair for name in ("en", "zh") for pair in read_pairs(SAMPLES / "pairs" / f"{name}.jsonl").pairs]
    return pairs, documents


def test_all_sample_pairs_pass_as_they_are() -> None:
    pairs, documents = samples()
    found = check_pairs(pairs, documents=documents)
    assert found.dropped == ()
    assert found.kept == tuple(pairs)


def test_the_sample_pairs_do_not_hold_against_other_documents() -> None:
    pairs, documents = samples()
    others = dict.fromkeys(documents, "Nothing of the kind.")
    found = check_pairs(pairs, documents=others)
    assert {pair.answerable for pair in found.kept} == {False}
    assert all("evidence" in sentence_of(entry.reason) for entry in found.dropped)


# --- shape


def test_empty_and_long_texts_are_dropped_with_their_size() -> None:
    assert reason(a_pair("?!", "5")) == "the question is empty"
    assert reason(a_pair("Fee?", "5", " ")) == "one of the answers is empty"
    assert reason(a_pair("Fee " * 101, "5")) == "the question is too long: 404 characters, the limit is 400"
    assert reason(a_pair("Fee?", "5", "x" * 301)).startswith("the answer is too long: 301")
    assert reason(a_pair("Fee?", "5", sentence="x" * 1001)).startswith("the sentence is too long: 1001")
    assert reason(a_pair("Fee?", "5"), CheckSettings(longest_question=4)) == ""


def test_a_question_that_holds_its_answer_is_dropped_if_wanted() -> None:
    pair = a_pair("Is the annual fee 680 yuan?", "680")
    assert reason(pair) == ""
    assert reason(pair, CheckSettings(given_away=False)) == "the question contains its answer"
    assert reason(a_pair("Is the annual fee 1680 yuan?", "680"), CheckSettings(given_away=False)) == ""
    assert reason(a_pair("白金卡年费是多少？", "白金卡"), CheckSettings(given_away=False)) != ""


@pytest.mark.parametrize(
    "question", ["Какая плата за карту?", "رسوم البطاقة؟", "カードの手数料はいくらですか"]
)
def test_other_languages_are_dropped(question: str) -> None:
    assert reason(a_pair(question, "5")) == "the question is neither English nor Chinese"


@pytest.mark.parametrize("question", ["年费？", "VISA 卡?", "Gebühr?", "2026?", "ＶＩＳＡ fee"])
def test_english_and_chinese_are_kept(question: str) -> None:
    assert reason(a_pair(question, "5")) == ""


def test_one_language_can_be_asked_for() -> None:
    english = CheckSettings(languages=("en",))
    assert (
        reason(a_pair("年费？", "5"), english)
        == "the question is in a language that the options exclude: Chinese"
    )
    assert reason(a_pair("Fee?", "5"), english) == ""


# --- evidence


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (on("fees.pdf", "The annual  fee is 680 yuan."), ""),
        (on("fees.pdf", "the annual fee is\n６８０ yuan."), ""),
        (on("fees.pdf", ""), ""),
        (
            on("loans.pdf", "680 yuan"),
            "the evidence names a document that is not in the collection: loans.pdf",
        ),
        (on("fees.pdf", "It is 680 yuan."), "fees.pdf does not contain the evidence: It is 680 yuan."),
        (on("fees.pdf", "The fee of the gold card"), "the evidence does not contain the answer: 680 yuan"),
        (on("网点.md", ""), "the evidence does not contain the answer: 680 yuan"),
        (on("", "680 yuan in gold"), "no document contains the evidence: 680 yuan in gold"),
    ],
)
def test_evidence_must_stand_where_it_says_and_hold_the_answer(
    evidence: tuple[Evidence, ...], expected: str
) -> None:
    assert reason(a_pair("Fee?", "680 yuan", evidence=evidence), documents=DOCUMENTS) == expected


def test_without_the_documents_evidence_is_believed() -> None:
    assert reason(a_pair("Fee?", "5", evidence=on("none.pdf", "x"))) == ""


def test_a_quote_alone_finds_its_document() -> None:
    (kept,) = check_pairs(
        [a_pair("Fee?", "680", evidence=on("", "fee is 680 yuan"))], documents=DOCUMENTS
    ).kept
    assert kept.evidence == on("fees.pdf", "fee is 680 yuan")


def test_places_that_do_not_hold_go_and_the_others_stay() -> None:
    evidence = (Evidence("gone.pdf", ""), Evidence("fees.pdf", "680 yuan"), Evidence("fees.pdf", "not there"))
    (kept,) = check_pairs([a_pair("Fee?", "680", evidence=evidence)], documents=DOCUMENTS).kept
    assert kept.evidence == (evidence[1],)


@pytest.mark.parametrize("answer", ["Yes.", "no", "可以", "不是。"])
def test_yes_and_no_need_not_stand_in_the_evidence(answer: str) -> None:
    assert reason(a_pair("Is there a fee?", answer, evidence=on("fees.pdf", "")), documents=DOCUMENTS) == ""


def test_an_answer_in_other_words_needs_its_numbers_and_most_of_its_words() -> None:
    quote = on("fees.pdf", "The fee of the gold card is 200 yuan.")
    for answer, is_held in (
        ("gold card: 200 yuan", True),
        ("gold card: 300 yuan", False),
        ("nobody knows", False),
    ):
        assert (reason(a_pair("Fee?", answer, evidence=quote), documents=DOCUMENTS) == "") is is_held


PASSAGES = a_document("fees.pdf", ["Welcome.", FEES.replace("\n", " ")]).passages


def found_for(question: str) -> Sequence[Passage]:
    return PASSAGES if "fee" in question else ()


def test_a_pair_without_evidence_is_given_the_passage_that_is_found() -> None:
    pairs = [
        a_pair("gold fee?", "200"),
        a_pair("all about the fee?", "The gold card's fee is 200 yuan, annual 680"),
    ]
    found = check_pairs(pairs, find=found_for)
    assert [pair.evidence for pair in found.kept] == [
        on("fees.pdf", "The fee of the gold card is 200 yuan."),
        on("fees.pdf", ""),
    ]


def test_a_pair_whose_answer_is_found_nowhere_is_dropped() -> None:
    expected = "none of the passages found for the question contains the answer: 300"
    assert reason(a_pair("fee?", "300"), find=found_for) == expected
    assert reason(a_pair("opening hours?", "300"), find=found_for) == expected


@pytest.mark.parametrize(
    "pair", [a_pair("fee?"), a_pair("fee?", "Yes"), a_pair("x?", "5", evidence=on("a", "b"))]
)
def test_what_needs_no_place_is_not_looked_for(pair: Pair) -> None:
    assert check_pairs([pair], find=found_for).kept == (pair,)


# --- personal data

CARD = "4111 1111 1111 1111"


def test_personal_data_is_masked_and_a_quote_with_it_left_out() -> None:
    pair = a_pair(
        f"My card {CARD} is lost, whom do I call?", "the hotline", "call 13812345678",
        sentence=f"Block {CARD}.",
        evidence=(Evidence("a.md", f"the hotline for {CARD}"), Evidence("a.md", "the hotline")),
    )  # fmt: skip
    (kept,) = check_pairs([pair]).kept
    assert kept.question == "My card [card number] is lost, whom do I call?"
    assert kept.answers == ("the hotline",)
    assert kept.sentence == "Block [card number]."
    assert kept.evidence == (Evidence("a.md", ""), Evidence("a.md", "the hotline"))


def test_an_answer_that_is_personal_data_drops_the_pair() -> None:
    assert reason(a_pair("Mr Li's number?", "13812345678")) == "the answer is personal data: phone number"


def test_personal_data_can_drop_a_pair_or_be_kept() -> None:
    pair = a_pair(f"My card {CARD}?", "5", sentence="a.b@c.de")
    found = check_pairs([pair], CheckSettings(personal="drop"))
    assert found.dropped == (
        Dropped(
            pair.id,
            "My card [card number]?",
            "",
            Reason("personal_data", {"personal": "card number, e-mail address"}),
        ),
    )
    assert check_pairs([pair], CheckSettings(personal="keep")).kept == (pair,)


def test_what_everybody_may_know_is_no_personal_data() -> None:
    pair = a_pair("Whom do I write to or call?", "north.gate@bank.example", "13812345678")
    public = CheckSettings(public=("@bank.example", "13812345678"))
    assert check_pairs([pair], public).kept == (pair,)
    assert reason(pair) != ""


# --- repetitions


def dropped_for(*pairs: Pair) -> list[tuple[str, str]]:
    numbered = [replace(pair, id=str(number)) for number, pair in enumerate(pairs, start=1)]
    return [(entry.id, sentence_of(entry.reason)) for entry in check_pairs(numbered).dropped]


def test_near_duplicates_with_a_common_answer_are_dropped() -> None:
    assert dropped_for(
        a_pair("What is the annual fee of the platinum card?", "680 yuan", "680"),
        a_pair("What's the platinum card's annual fee?", "CNY 680", "680", evidence=on("other.pdf", "x")),
        a_pair("What was the annual fee of the platinum card in 2025?", "680"),
        a_pair("Is the moon made of cheese?"),
        a_pair("is the moon made of cheese"),
    ) == [
        ("2", "nearly the same question and answer as 1"),
        ("5", "nearly the same question and answer as 4"),
    ]


def test_the_same_question_with_another_answer_is_a_contradiction() -> None:
    same = "What is the annual fee of the platinum card?"
    contradicts = "contradicts 1: same question, different answer"
    assert dropped_for(a_pair(same, "680"), a_pair(same, "580")) == [("2", contradicts)]
    assert dropped_for(a_pair(same, "680"), a_pair(same)) == [("2", contradicts)]
    evidence = on("fees.pdf", "680 and 580")
    both = [a_pair(same, answer, evidence=evidence) for answer in ("680", "580")]
    assert dropped_for(*both) == [("2", contradicts)]
    assert dropped_for(both[0], replace(both[1], evidence=on("fees-2025.pdf", "580"))) == []


def test_other_words_make_no_contradiction() -> None:
    pairs = [
        a_pair("How long is the loan for my new car?", "5 years"),
        a_pair("How much is the loan for my new car?", "50,000 yuan"),
        a_pair("What does a replacement of a lost gold card with express delivery cost me?", "20 yuan"),
        a_pair("What does a replacement of a lost platinum card with express delivery cost me?", "0 yuan"),
    ]
    assert dropped_for(*pairs) == []


def test_ids_must_differ() -> None:
    with pytest.raises(InputError, match="Two pairs have the id 'x'"):
        check_pairs([a_pair("x", "1"), a_pair("x", "2")])


QUESTIONS = st.sampled_from(
    ["gold fee?", "fee of gold", "platinum fee?", "金卡年费？", "金卡年费", "?", "fee 2025", "fee 2026"]
)


@given(st.lists(st.tuples(QUESTIONS, st.sampled_from(["", "680", "580", CARD])), max_size=8))
def test_each_pair_is_kept_or_dropped_in_its_order_and_a_second_check_changes_nothing(
    given: list[tuple[str, str]],
) -> None:
    pairs = [
        Pair(str(i), question, (answer,) if answer else ()) for i, (question, answer) in enumerate(given)
    ]
    found = check_pairs(pairs)
    kept, dropped = [pair.id for pair in found.kept], [entry.id for entry in found.dropped]
    assert sorted([*kept, *dropped], key=int) == [pair.id for pair in pairs]
    assert kept == sorted(kept, key=int)
    assert dropped == sorted(dropped, key=int)
    assert all(entry.reason for entry in found.dropped)
    again = check_pairs(found.kept)
    assert (again.kept, again.dropped) == (found.kept, ())

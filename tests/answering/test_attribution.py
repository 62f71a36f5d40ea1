"""Attribution: the sentence that carries an answer is found, and nothing else is cited."""

import pytest

from answering.attribution import attribute
from answering.values import Citation, Sentence
from knowledge_base.values import Passage
from retrieval.context import Packed
from tests.fakes import FakeEmbedder

FEES = (
    "Card: Classic; Annual fee: 0\nCard: Gold; Annual fee: 200\nCard: Platinum; Annual fee: 680\n"
    "The platinum fee is waived with 18 purchases in a year."
)
HOURS = "Branches open at 09:00. On Saturday they close at 13:00."


def packed(text: str, document: str = "fees.txt", start: int = 50) -> Packed:
    passage = Passage(document, 0, text, start, start + len(text), title="Fee schedule 2026", page=3)
    return Packed(passage, passage.indexed_text, passage.end, len(text.split()))


def cite(question: str, answer: str, *read: Packed) -> tuple[tuple[Sentence, ...], tuple[Citation, ...]]:
    embedder = FakeEmbedder()
    return attribute(question, answer, read, lambda texts: embedder.embed(texts, "query"))


def test_a_figure_is_cited_from_the_row_that_holds_it() -> None:
    sentences, citations = cite(
        "annual fee of the platinum card", "680", packed(FEES), packed(HOURS, "hours.txt")
    )
    assert [citation.quote for citation in citations] == ["Card: Platinum; Annual fee: 680"]
    assert sentences == (Sentence("680", (1,)),)
    assert (citations[0].document, citations[0].page) == ("fees.txt", 3)


def test_a_citation_spans_exactly_its_quote_in_the_document() -> None:
    document = "x" * 50 + FEES
    _, citations = cite("fee", "680", packed(FEES))
    assert document[citations[0].start : citations[0].end] == citations[0].quote


def test_every_sentence_gets_its_own_citation_and_a_place_its_own_number() -> None:
    answer = "The platinum fee is 680. It is waived with 18 purchases. The annual fee: Platinum 680."
    sentences, citations = cite("platinum fee", answer, packed(FEES))
    assert [sentence.citations for sentence in sentences] == [(1,), (2,), (1,)]
    assert [citation.number for citation in citations] == [1, 2]


def test_a_number_that_no_sentence_holds_is_unsupported_however_similar_the_rest() -> None:
    sentences, citations = cite("platinum card annual fee", "Card: Platinum; Annual fee: 580", packed(FEES))
    assert citations == ()
    assert not sentences[0].supported


def test_a_full_sentence_is_carried_by_a_row_with_the_title_above_it() -> None:
    told = "In 2026 the platinum card fee is 680."
    sentences, citations = cite("What does the platinum card cost this year?", told, packed(FEES))
    assert sentences[0].supported
    assert [citation.quote for citation in citations] == ["Card: Platinum; Annual fee: 680"]


@pytest.mark.parametrize("told", ["In 2026 the fee is 580.", "In 2025 the fee is 680.", "Fee schedule 2026"])
def test_the_title_alone_carries_nothing(told: str) -> None:
    sentences, _ = cite("What does the platinum card cost?", told, packed(FEES))
    assert not sentences[0].supported


def test_words_that_stand_nowhere_are_unsupported() -> None:
    sentences, _ = cite("fee", "Quantum chromodynamics forbids it", packed(FEES))
    assert [sentence.supported for sentence in sentences] == [False]


def test_chinese_is_matched_without_spaces() -> None:
    text = "卡种：金卡；年费：200元\n卡种：白金卡；年费：680元"
    _, citations = cite("白金卡的年费是多少", "680元", packed(text))
    assert citations[0].quote == "卡种：白金卡；年费：680元"


@pytest.mark.parametrize("answer", ["1950年", "1950 年", "红"])
def test_a_single_character_is_found_within_a_longer_run(answer: str) -> None:
    convention = packed("公约于1950年在罗马签署。封面为红色。", "公约.txt")
    sentences, citations = cite("公约是什么时候签署的？", answer, convention)
    assert sentences[0].supported
    assert citations[0].quote == ("封面为红色。" if answer == "红" else "公约于1950年在罗马签署。")


def test_what_the_model_did_not_read_is_not_cited() -> None:
    passage = packed(FEES).passage
    shown = Packed(passage, "", passage.start + FEES.index("Card: Platinum") - 1, 5)
    assert cite("platinum fee", "680", shown)[1] == ()


def test_an_empty_answer_or_nothing_read_cites_nothing() -> None:
    assert cite("fee", "", packed(FEES)) == ((), ())
    assert cite("fee", "680")[1] == ()

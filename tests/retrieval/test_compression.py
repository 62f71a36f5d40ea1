"""Focus: the sentences nearest to the question, in their order, under their headings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.values import Passage
from retrieval.context import Packed, asks_for_figure, compress, holds_figure
from tests.fakes import FakeEmbedder

ROWS = ("Card: Classic; Annual fee: 0", "Card: Gold; Annual fee: 200", "Card: Platinum; Annual fee: 680")


def packed(*sentences: str, title: str = "Fees 2026") -> Packed:
    text = "\n".join(sentences)
    passage = Passage("fees.txt", 0, text, 10, 10 + len(text), title=title, heading=("Cards",))
    return Packed(passage, passage.indexed_text, passage.end, len(text.split()))


def embed_counting(embedder: FakeEmbedder, question: str, pieces: list[Packed], keep: int) -> list[str]:
    narrowed = compress(question, pieces, keep, lambda texts: embedder.embed(texts, "query"))
    return [piece.text for piece in narrowed]


def test_the_row_that_is_asked_for_stays_under_its_headings() -> None:
    texts = embed_counting(FakeEmbedder(), "annual fee of the platinum card", [packed(*ROWS)], 1)
    assert texts == [f"Fees 2026 › Cards\n{ROWS[2]}"]


def by_words(question: str, piece: Packed) -> str:
    """The one sentence that stays if all are equally near to the embedder."""
    (narrowed,) = compress(question, [piece], 1, lambda texts: np.ones((len(texts), 1), dtype=np.float32))
    return narrowed.text.partition("\n")[2]


def test_a_word_that_few_sentences_hold_weighs_more() -> None:
    rows = ("Gold card, annual price: 200", "Silver card, annual price: 90", "Platinum: 680")
    assert by_words("annual price of platinum", packed(*rows)) == rows[2]


def test_a_word_of_the_headings_does_not_distinguish_rows() -> None:
    rows = ("Cards: see the fees below", "Silver at desk: 90", "Gold at desk: 200")
    assert by_words("gold cards fees 2026", packed(*rows)) == rows[2]


def test_a_question_for_a_number_is_nearer_to_the_sentence_with_one() -> None:
    rows = ("The box is let for a year.", "It costs 500 yuan.", "Boxes are large.")
    assert by_words("how much?", packed(*rows)) == rows[1]
    assert by_words("why?", packed(*rows)) == rows[0]


def test_what_stays_keeps_its_order() -> None:
    texts = embed_counting(FakeEmbedder(), "platinum or classic card?", [packed(*ROWS)], 2)
    assert texts == [f"Fees 2026 › Cards\n{ROWS[0]}\n{ROWS[2]}"]


def test_short_passages_are_left_alone_without_any_embedding() -> None:
    embedder = FakeEmbedder()
    piece = packed(*ROWS)
    assert embed_counting(embedder, "fee", [piece], 3) == [piece.text]
    assert embedder.calls == 0


def test_all_sentences_of_all_passages_are_embedded_in_one_call() -> None:
    embedder = FakeEmbedder()
    embed_counting(embedder, "fee", [packed(*ROWS), packed(*ROWS), packed("One.", "Two.", "Three.")], 2)
    assert embedder.calls == 1
    assert len(embedder.texts) == len(set(embedder.texts))


def test_the_passage_itself_stays_whole_for_citing() -> None:
    piece = packed(*ROWS)
    narrowed = compress("gold", [piece], 1, lambda texts: FakeEmbedder().embed(texts, "query"))[0]
    assert (narrowed.passage, narrowed.end) == (piece.passage, piece.end)


sentences = st.lists(
    st.sampled_from(["One card.", "Two fees.", "Three loans.", "四项费用。"]), min_size=1, max_size=6
)


@given(texts=sentences, keep=st.integers(1, 4), question=st.sampled_from(["card", "费用", "loans?"]))
def test_at_most_so_many_sentences_stay_and_none_is_changed(
    texts: list[str], keep: int, question: str
) -> None:
    narrowed = embed_counting(FakeEmbedder(), question, [packed(*texts, title="")], keep)[0]
    lines = narrowed.split("\n")[1:]
    assert len(lines) == min(keep, len(texts))
    remaining = iter(texts)
    assert all(line in remaining for line in lines)


@pytest.mark.parametrize(
    "question",
    [
        "How many teams are there?",
        "In what year was it founded?",
        "when does it close",
        "What is the annual fee of the gold card?",
        "年费是多少？",
        "哪年成立的？",
        "要等几天",
        "首套房贷款利率",
    ],
)
def test_who_asks_for_a_figure(question: str) -> None:
    assert asks_for_figure(question)


@pytest.mark.parametrize(
    "question",
    ["Who founded it?", "Whenever was meant?", "Which branch lets boxes?", "谁创立的？", "在哪里？"],
)
def test_who_does_not(question: str) -> None:
    assert not asks_for_figure(question)


@pytest.mark.parametrize(
    "text", ["It costs 500 yuan.", "Two papers are needed.", "三年后到期", "百分之五，二十元"]
)
def test_a_text_with_a_figure(text: str) -> None:
    assert holds_figure(text)


@pytest.mark.parametrize("text", ["It is free.", "Nobody won.", "一般不收费", ""])
def test_a_text_without(text: str) -> None:
    assert not holds_figure(text)

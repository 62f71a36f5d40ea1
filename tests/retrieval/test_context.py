"""Packing: within the budget, best first, never inside a sentence."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.sentences import sentence_spans
from knowledge_base.values import Passage
from retrieval.context import pack, pack_each


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def passage(number: int, text: str, title: str = "") -> Passage:
    return Passage(f"{number}.txt", 0, text, 100, 100 + len(text), title=title)


def test_what_fits_is_taken_whole_and_in_order() -> None:
    passages = [passage(1, "One two."), passage(2, "Three four.")]
    context = pack(passages, 10, words)
    assert [packed.text for packed in context.packed] == ["One two.", "Three four."]
    assert context.left_out == ()


def test_a_passage_that_does_not_fit_keeps_its_first_whole_sentences() -> None:
    context = pack([passage(1, "One two. Three four. Five six.", "Title")], 5, words)
    assert context.packed[0].text == "Title\nOne two. Three four."
    assert context.packed[0].end == 100 + len("One two. Three four.")


def test_what_does_not_fit_is_left_out_and_a_shorter_one_behind_it_still_gets_in() -> None:
    passages = [
        passage(1, "One two three."),
        passage(2, "A sentence much too long for it."),
        passage(3, "Four."),
    ]
    context = pack(passages, 4, words)
    assert [packed.passage.document for packed in context.packed] == ["1.txt", "3.txt"]
    assert [left.document for left in context.left_out] == ["2.txt"]


def test_each_passage_can_have_the_whole_budget_for_itself() -> None:
    passages = [passage(1, "One two three."), passage(2, "Four five six."), passage(3, "Much too long " * 3)]
    context = pack_each(passages, 4, words)
    assert [packed.passage.document for packed in context.packed] == ["1.txt", "2.txt"]
    assert [left.document for left in context.left_out] == ["3.txt"]


sentences = st.lists(
    st.sampled_from(["Short one.", "A somewhat longer sentence.", "这是一句。", "第 2 条？"]), min_size=1
)
texts = st.lists(sentences.map(" ".join), max_size=6)


@given(texts=texts, budget=st.integers(1, 40))
def test_packing_keeps_to_the_budget_and_to_sentences(texts: list[str], budget: int) -> None:
    passages = [passage(number, text) for number, text in enumerate(texts)]
    context = pack(passages, budget, words)
    assert sum(packed.tokens for packed in context.packed) <= budget
    packed_ids = [packed.passage.id for packed in context.packed]
    left_ids = [left.id for left in context.left_out]
    assert sorted(packed_ids + left_ids) == sorted(p.id for p in passages)
    assert packed_ids == [p.id for p in passages if p.id in packed_ids]
    for packed in context.packed:
        ends = {end for _, end in sentence_spans(packed.passage.text)}
        assert len(packed.text) in ends

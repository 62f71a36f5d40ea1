"""Packs passages into the model's token budget: best first, and never cut inside a sentence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from knowledge_base.sentences import sentence_spans
from knowledge_base.values import Passage

CountTokens = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class Packed:
    """A passage as the model will read it.

    `text` is the passage under its title and headings, or as many of its first whole sentences as fit;
    `end` is the offset in the document's text where what is shown ends.
    """

    passage: Passage
    text: str
    end: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Context:
    """What fits, best first, and what had to be left out."""

    packed: tuple[Packed, ...]
    left_out: tuple[Passage, ...]


def pack(passages: Sequence[Passage], budget: int, count_tokens: CountTokens) -> Context:
    """Fit `passages`, best first, into `budget` tokens of the model's own tokenizer.

    A passage that does not fit whole is shortened to its first sentences; if not even one fits, it is left
    out and later, shorter ones still get their chance.
    """
    counts = count_tokens([passage.indexed_text for passage in passages])
    packed: list[Packed] = []
    left_out: list[Passage] = []
    room = budget
    for passage, tokens in zip(passages, counts, strict=True):
        piece = _whole(passage, tokens) if tokens <= room else _shortened(passage, room, count_tokens)
        if piece is None:
            left_out.append(passage)
            continue
        packed.append(piece)
        room -= piece.tokens
    return Context(tuple(packed), tuple(left_out))


def pack_each(passages: Sequence[Passage], budget: int, count_tokens: CountTokens) -> Context:
    """Fit every passage into a prompt of its own, each with the whole `budget`."""
    singles = [pack([passage], budget, count_tokens) for passage in passages]
    return Context(
        tuple(piece for single in singles for piece in single.packed),
        tuple(passage for single in singles for passage in single.left_out),
    )


def _whole(passage: Passage, tokens: int) -> Packed:
    return Packed(passage, passage.indexed_text, passage.end, tokens)


def _shortened(passage: Passage, room: int, count_tokens: CountTokens) -> Packed | None:
    heading = passage.indexed_text[: len(passage.indexed_text) - len(passage.text)]
    ends = [end for _, end in sentence_spans(passage.text)][:-1]
    texts = [heading + passage.text[:end] for end in ends]
    fitting = [
        Packed(passage, text, passage.start + end, tokens)
        for text, end, tokens in zip(texts, ends, count_tokens(texts), strict=True)
        if tokens <= room
    ]
    return fitting[-1] if fitting else None

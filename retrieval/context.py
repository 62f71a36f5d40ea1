"""Fits passages into a model's token budget: whole, shortened, or cut to their nearest sentences."""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from knowledge_base.sentences import sentence_spans
from knowledge_base.values import Passage
from retrieval.analysis import content_terms
from retrieval.values import TextKind, Vectors

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


_ASKS = re.compile(
    r"\bhow (?:many|much|long|old|far|large|big|tall|high|often|fast|soon)\b"
    r"|\b(?:when|year|date|percentage|age|amount|number of|rate|limit|fee|price|costs?)\b"
    r"|多少|几|何时|什么时候|哪一?年|哪天|多[久长大高远快]|比例|费|利率|时间",
    re.IGNORECASE,
)
_HOLDS = re.compile(
    r"\d|[一二三四五六七八九十百千万亿两]+[年月日个人名次元倍天%％]"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million"
    r"|billion|first|second|third|half|twice)\b",
    re.IGNORECASE,
)


def asks_for_figure(question: str) -> bool:
    """Whether the answer is likely to be a number, an amount or a date; in English or Chinese."""
    return bool(_ASKS.search(question))


def holds_figure(text: str) -> bool:
    """Whether it contains a number, in digits or in words."""
    return bool(_HOLDS.search(text))


class Embed(Protocol):
    """Texts to unit vectors, all alike unless one of them is a question that the others may answer."""

    def __call__(self, texts: Sequence[str], *, kind: TextKind = "passage") -> Vectors:
        """Vectors of shape [len(texts), dimension], each row of length one."""
        ...


# Cosines of sentences lie within about .15 of each other, shares of words within 1: this makes them equals.
_COSINE_WEIGHT = 4.0
# What a word keeps of its weight if the headings of the passage hold it.
_ABOVE = 0.3
# What a sentence with a number is nearer to a question for one.
_FIGURE = 0.2


def compress(question: str, packed: Sequence[Packed], keep: int, embed: Embed) -> tuple[Packed, ...]:
    """Each of `packed` with the `keep` sentences nearest to `question`, in their order, under its headings.

    Near is the share of the question's words that a sentence holds, and its cosine with the question. A word
    weighs more the fewer sentences of its passage hold it (inverse document frequency, Spärck Jones 1972),
    and little if the headings hold it too: "platinum" distinguishes the rows of a fee list, "fee" does not. A
    question for a number is nearer to the sentences with numbers. The two nearest sentences hold the answer
    in .95 of the sample bank's cases, .94 of SQuAD's and .89 of CMRC's, the three nearest in .99, .97 and .93
    (`benchmarks/compression.py`).

    All sentences are embedded in one call; a passage of no more than `keep` sentences stays as it is.
    """
    texts = [_sentences(piece) for piece in packed]
    long = [sentences for sentences in texts if len(sentences) > keep]
    if not long:
        return tuple(packed)
    unique = list(dict.fromkeys(sentence for sentences in long for sentence in sentences))
    vectors = embed([question, *unique])
    nearness = dict(zip(unique, (vectors[1:] @ vectors[0]).tolist(), strict=True))
    asked, figure = content_terms(question), asks_for_figure(question)
    return tuple(
        piece
        if len(sentences) <= keep
        else _narrowed(piece, sentences, keep, _scores(asked, figure, piece, nearness))
        for piece, sentences in zip(packed, texts, strict=True)
    )


def _sentences(piece: Packed) -> list[str]:
    shown = piece.passage.text[: piece.end - piece.passage.start]
    return [shown[start:end] for start, end in sentence_spans(shown)]


def _scores(
    asked: frozenset[str], figure: bool, piece: Packed, nearness: Mapping[str, float]
) -> dict[str, float]:
    """How near each sentence of a passage is to the question, which asks for a `figure` or not."""
    held = {sentence: content_terms(sentence) for sentence in _sentences(piece)}
    above = content_terms(_heading(piece))
    weights = {word: _weight(word, held.values()) * (_ABOVE if word in above else 1.0) for word in asked}
    total = sum(weights.values()) or 1.0
    return {
        sentence: sum(weights[word] for word in asked & words) / total
        + _COSINE_WEIGHT * nearness[sentence]
        + (_FIGURE if figure and holds_figure(sentence) else 0.0)
        for sentence, words in held.items()
    }


def _weight(word: str, sentences: Collection[frozenset[str]]) -> float:
    return math.log((len(sentences) + 1) / (1 + sum(word in words for words in sentences)))


def _heading(piece: Packed) -> str:
    return piece.passage.indexed_text[: -len(piece.passage.text)]


def _narrowed(piece: Packed, sentences: Sequence[str], keep: int, scores: Mapping[str, float]) -> Packed:
    best = sorted(range(len(sentences)), key=lambda place: -scores[sentences[place]])[:keep]
    return replace(piece, text=_heading(piece) + "\n".join(sentences[place] for place in sorted(best)))

"""Narrows what is read to the sentences nearest to the question.

A small model that reads a whole fee list takes the wrong row; shown the title and the two or three rows that
speak of the question, it takes the right one, and has half as much to read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from knowledge_base.sentences import sentence_spans
from retrieval.context import Packed
from retrieval.units import share, units_of
from retrieval.values import Vectors

Embed = Callable[[Sequence[str]], Vectors]

# Cosines of sentences lie within about .15 of each other, shares of words within 1: this makes them equals.
_COSINE_WEIGHT = 4.0


def focus(question: str, packed: Sequence[Packed], keep: int, embed: Embed) -> tuple[Packed, ...]:
    """Each of `packed` with the `keep` sentences nearest to `question`, in their order, under its headings.

    Near is the share of the question's words that a sentence holds, and its cosine with the question.
    All sentences are embedded in one call; a passage of no more than `keep` sentences stays as it is.
    """
    texts = [_sentences(piece) for piece in packed]
    long = [sentences for sentences in texts if len(sentences) > keep]
    if not long:
        return tuple(packed)
    unique = list(dict.fromkeys(sentence for sentences in long for sentence in sentences))
    vectors = embed([question, *unique])
    nearness = dict(zip(unique, (vectors[1:] @ vectors[0]).tolist(), strict=True))
    asked = units_of(question)
    scores = {text: share(asked, units_of(text)) + _COSINE_WEIGHT * near for text, near in nearness.items()}
    return tuple(
        piece if len(sentences) <= keep else _narrowed(piece, sentences, keep, scores)
        for piece, sentences in zip(packed, texts, strict=True)
    )


def _sentences(piece: Packed) -> list[str]:
    shown = piece.passage.text[: piece.end - piece.passage.start]
    return [shown[start:end] for start, end in sentence_spans(shown)]


def _narrowed(piece: Packed, sentences: Sequence[str], keep: int, scores: Mapping[str, float]) -> Packed:
    best = sorted(range(len(sentences)), key=lambda place: -scores[sentences[place]])[:keep]
    heading = piece.passage.indexed_text[: -len(piece.passage.text)]
    return replace(piece, text=heading + "\n".join(sentences[place] for place in sorted(best)))

"""Unigram tokenizers of large vocabularies in a tenth of the memory, loaded in a fraction of the time.

The library `tokenizers` keeps the pieces in a trie with a hash table at every byte: 280 MB for the 250,000
pieces of XLM-RoBERTa. Here they are one dictionary, in which the beginnings of a word are looked up one after
another. Normalisation and the split into words stay the library's. The best split is that of `tokenizers` and
of SentencePiece, equal scores included: `EncodeOptimized` in the latter's `unigram_model.cc`.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_UNKNOWN_PENALTY = 10.0
_REMEMBERED_WORDS, _LONGEST_REMEMBERED = 20_000, 24


class UnigramTokenizer:
    """Texts to token ids, special tokens around them; those that are written in a text are plain text.

    `read_unigram` gives one where it computes what the library does.
    """

    def __init__(self, library: Tokenizer, vocabulary: Sequence[tuple[str, float]], unknown: int) -> None:
        self._normalise = library.normalizer.normalize_str if library.normalizer else str
        self._words = library.pre_tokenizer.pre_tokenize_str
        self._begin, self._end = library.encode("").ids
        self._ids = {piece: number for number, (piece, _) in enumerate(vocabulary)}
        self._scores = array("d", (score for _, score in vocabulary))
        self._unknown = unknown
        self._unknown_score = min(self._scores) - _UNKNOWN_PENALTY
        self._longest: dict[str, int] = {}  # of the pieces that begin with a character
        for piece in self._ids:
            self._longest[piece[0]] = max(self._longest.get(piece[0], 1), len(piece))
        self._remembered = lru_cache(_REMEMBERED_WORDS)(self._split)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""
        return [self._encode(text) for text in texts]

    def _encode(self, text: str) -> list[int]:
        ids = [self._begin]
        for word, _ in self._words(self._normalise(text)):
            ids += self._remembered(word) if len(word) <= _LONGEST_REMEMBERED else self._split(word)
        ids.append(self._end)
        return ids

    def _split(self, word: str) -> list[int]:
        """The pieces with the highest sum of scores; unknown characters in a row are one piece."""
        size, look_up = len(word), self._ids.get
        best, starts, found = [0.0] * (size + 1), [-1] * (size + 1), [0] * (size + 1)
        for start in range(size):
            before = best[start]
            longest = self._longest.get(word[start], 1)
            for end in range(start + 1, min(start + longest, size) + 1):
                piece = look_up(word[start:end])
                if piece is not None:
                    score = before + self._scores[piece]
                elif end == start + 1:
                    piece, score = self._unknown, before + self._unknown_score
                else:
                    continue
                if starts[end] < 0 or score > best[end]:
                    best[end], starts[end], found[end] = score, start, piece
        pieces: list[int] = []
        end = size
        while end:
            if not (found[end] == self._unknown and pieces and pieces[-1] == self._unknown):
                pieces.append(found[end])
            end = starts[end]
        return pieces[::-1]


def read_unigram(file: Path) -> UnigramTokenizer | None:
    """The tokenizer of a `tokenizer.json`; None for any that works otherwise, which the library reads."""
    from tokenizers import Tokenizer

    described: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    model: Mapping[str, Any] = described["model"]
    added = described["added_tokens"]
    if model.get("type") != "Unigram" or model["byte_fallback"] or not all(one["special"] for one in added):
        return None
    vocabulary, unknown = model["vocab"], model["unk_id"]
    if unknown is None or described["pre_tokenizer"] is None:
        return None
    described["model"] = {**model, "vocab": vocabulary[: unknown + 1]}
    described["added_tokens"], described["truncation"], described["padding"] = [], None, None
    library = Tokenizer.from_str(json.dumps(described))
    around = 2
    return UnigramTokenizer(library, vocabulary, unknown) if len(library.encode("").ids) == around else None

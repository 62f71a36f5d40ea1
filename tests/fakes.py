"""Small, honest stand-ins for models and backends: deterministic, in memory, quick."""

import hashlib
import itertools
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from answering.generation.protocol import Cancelled, Pieces, Request, TokenCounts, never
from knowledge_base.characters import HAN
from knowledge_base.errors import InputError, NotFoundError
from knowledge_base.notes import Note
from knowledge_base.values import CatalogueEntry, Document, Passage, digest_of
from retrieval.analysis import normalise
from retrieval.values import NO_FILTER, Candidates, Filter, Hit, TextKind, Vectors

_WORD = re.compile(rf"[{HAN}]|[^\W_{HAN}]+")


def words(text: str) -> list[str]:
    """Lower-cased words, and each Chinese character by itself."""
    return _WORD.findall(normalise(text))


def a_document(  # noqa: PLR0913 — a test names only what it is about
    path: str,
    texts: Sequence[str],
    *,
    title: str = "",
    source: str = "/docs",
    modified: str = "2026-01-02",
    heading: tuple[str, ...] = (),
    notes: tuple[Note, ...] = (),
    ocr: float | None = None,
) -> Document:
    """A document whose passages are `texts`, one to a line, with spans that fit."""
    text = "\n".join(texts)
    ends = list(itertools.accumulate(len(piece) + 1 for piece in texts))
    passages = tuple(
        Passage(path, ordinal, piece, end - len(piece) - 1, end - 1, title, heading, ordinal + 1, ocr)
        for ordinal, (piece, end) in enumerate(zip(texts, ends, strict=True))
    )
    digest = digest_of(text.encode())
    suffix = path.rpartition(".")[2]
    return Document(path, source, digest, title, suffix, len(text.encode()), modified, text, passages, notes)


class FakeEmbedder:
    """Hashed bag of words: texts that share words are near each other, in any process alike.

    `texts` collects what was embedded; `delay` are seconds for each text.
    """

    def __init__(self, name: str = "fake", dimension: int = 256, delay: float = 0.0) -> None:
        self.id = name
        self.digest = hashlib.sha256(name.encode()).hexdigest()
        self.dimension = dimension
        self.max_tokens = 512
        self.texts: list[str] = []
        self.calls = 0
        self._delay = delay

    def embed(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Vectors of shape [len(texts), dimension], unit rows; the kind makes no difference."""
        self.calls += 1
        self.texts.extend(texts)
        time.sleep(self._delay * len(texts))
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in words(text) or [""]:
                bits = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")
                vectors[row, bits % self.dimension] += 1.0
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words, and two for the ends."""
        return [len(words(text)) + 2 for text in texts]


def near(texts: Sequence[str], *, kind: TextKind = "passage") -> Vectors:
    """Cosines from .75 up, as those of e5, by shared words: an `Embed`."""
    shared = np.full((len(texts), 1), np.sqrt(0.75), dtype=np.float32)
    return np.hstack([shared, np.sqrt(0.25) * FakeEmbedder().embed(texts, kind)])


class FakeIndex:
    """`Index` in memory, by brute force: cosine for the dense retriever, TF-IDF for the lexical one."""

    def __init__(self, embedder: FakeEmbedder | None = None) -> None:
        self.embedder = embedder or FakeEmbedder()
        self.revision = 0
        self._documents: dict[str, Document] = {}

    def catalogue(self) -> Mapping[str, CatalogueEntry]:
        """Every document by its path."""
        return {path: _entry(document) for path, document in sorted(self._documents.items())}

    def add(self, documents: Sequence[Document]) -> None:
        """Store documents in place of those of their paths."""
        for document in documents:
            self._documents[document.path] = document
        self.revision += bool(documents)

    def delete(self, paths: Sequence[str]) -> None:
        """Remove documents; a path that is not there is ignored."""
        known = [path for path in paths if self._documents.pop(path, None)]
        self.revision += bool(known)

    def document(self, path: str) -> Document:
        """One document, or NotFoundError."""
        if path not in self._documents:
            raise NotFoundError(f"There is no document {path}.", "See the list of documents.")
        return self._documents[path]

    def search(self, questions: Sequence[str], depth: int, limit: Filter = NO_FILTER) -> list[Candidates]:
        """Candidates of both retrievers for each question, from the passages that pass the filter."""
        if depth < 1:
            raise InputError("A depth below one finds nothing.", "Ask for at least one passage.")
        for date in filter(None, (limit.after, limit.before)):
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
                raise InputError(f"{date!r} is not a date.", "Write it as YYYY-MM-DD.")
        allowed = [d for d in self._documents.values() if _passes(limit, d)]
        passages = [passage for document in allowed for passage in document.passages]
        return [
            Candidates(
                tuple(self._dense(question, passages)[:depth]),
                tuple(_lexical(question, passages)[:depth]),
                self.revision,
            )
            for question in questions
        ]

    def compact(self) -> None:
        """Nothing to forget."""

    def close(self) -> None:
        """Nothing to release."""

    def _dense(self, question: str, passages: Sequence[Passage]) -> list[Hit]:
        if not passages:
            return []
        texts = [passage.indexed_text for passage in passages]
        scores = self.embedder.embed(texts, "passage") @ self.embedder.embed([question], "query")[0]
        return _ranked(passages, scores.tolist())


def _lexical(question: str, passages: Sequence[Passage]) -> list[Hit]:
    bags = [Counter(words(passage.indexed_text)) for passage in passages]
    frequency = Counter(word for bag in bags for word in bag)
    wanted = [word for word in set(words(question)) if word in frequency]
    weight = {word: math.log(1 + len(bags) / frequency[word]) for word in wanted}
    scores = [sum(weight[word] * bag[word] / (bag[word] + 1) for word in wanted) for bag in bags]
    return [hit for hit in _ranked(passages, scores) if hit.score > 0]


def _ranked(passages: Sequence[Passage], scores: Sequence[float]) -> list[Hit]:
    hits = [Hit(passage, score) for passage, score in zip(passages, scores, strict=True)]
    return sorted(hits, key=lambda hit: -hit.score)


def _passes(limit: Filter, document: Document) -> bool:
    return (
        (not limit.documents or document.path in limit.documents)
        and (not limit.folder or document.path.startswith(f"{limit.folder}/"))
        and (not limit.formats or document.format in limit.formats)
        and (not limit.after or document.modified >= limit.after)
        and (not limit.before or document.modified <= limit.before)
    )


def _entry(document: Document) -> CatalogueEntry:
    return CatalogueEntry(
        path=document.path,
        source=document.source,
        digest=document.digest,
        title=document.title,
        format=document.format,
        size=document.size,
        modified=document.modified,
        passages=len(document.passages),
        notes=document.notes,
    )


_PIECE = re.compile(rf"\s*(?:[{HAN}]|[^\s{HAN}]+)|\s+$")


def last_words(request: Request) -> str:
    """The default reply: the last line of the prompt that says something, told back."""
    lines = [line for message in request.messages for line in message.content.splitlines() if line.strip()]
    return f"You said: {lines[-1].strip()}"


def even_odds(request: Request, continuation: str) -> float:
    """The default score: a number in (-2, 0] that only prompt and continuation decide."""
    prompt = "\n".join(message.content for message in request.messages)
    return -(hashlib.sha256(f"{prompt}\0{continuation}".encode()).digest()[0]) / 128


class FakeGenerator:
    """Writes what `reply` says, word by word, and scores what `score` says; a Generator and a Scorer.

    A token is a word or a Chinese character. `requests` collects what was streamed, `scored` what was scored.
    """

    def __init__(
        self,
        reply: Callable[[Request], str] = last_words,
        score: Callable[[Request, str], float] = even_odds,
        adapters: Sequence[str] = (),
        context: int = 8192,
        delay: float = 0.0,
        chats: bool = False,
    ) -> None:
        self.tokens = TokenCounts()
        self.chats = chats
        self.context = context
        self.requests: list[Request] = []
        self.scored: list[Request] = []
        self._reply = reply
        self._score = score
        self._adapters = frozenset(adapters)
        self._delay = delay

    def stream(self, request: Request, cancelled: Cancelled = never) -> Pieces:
        """Pieces of the reply, `delay` seconds apart."""
        self._check(request)
        self.requests.append(request)
        return self._write(request, cancelled)

    def logprobs(
        self, requests: Sequence[Request], continuation: str, cancelled: Cancelled = never
    ) -> list[float]:
        """The score of each request, `delay` seconds apart."""
        if not continuation:
            raise InputError("The continuation to score is empty.", "Give a text of at least one token.")
        for request in requests:
            self._check(request)
        scores: list[float] = []
        for request in requests:
            time.sleep(self._delay)
            if cancelled():
                break
            self.scored.append(request)
            scores.append(self._score(request, continuation))
        return scores

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words and Chinese characters."""
        return [len(_PIECE.findall(text)) for text in texts]

    def _check(self, request: Request) -> None:
        if request.adapter is not None and request.adapter not in self._adapters:
            known = ", ".join(sorted(self._adapters)) or "none"
            raise NotFoundError(f"There is no adapter {request.adapter}.", f"Known adapters: {known}.")
        tokens = sum(self.count_tokens([message.content for message in request.messages]))
        empty = not any(message.content.strip() for message in request.messages)
        if empty or tokens >= self.context:
            raise InputError(f"The prompt has {tokens} tokens.", f"Give 1 to {self.context - 1}.")
        self.tokens.add(prompt=tokens)

    def _write(self, request: Request, cancelled: Cancelled) -> Pieces:
        pieces = _PIECE.findall(self._reply(request))
        avoided = _PIECE.findall(request.unlike)[:1]
        if avoided and pieces and pieces[0].strip().lower() == avoided[0].strip().lower():
            pieces = pieces[1:]
        finish = "length" if len(pieces) > request.max_new_tokens else "stop"
        pieces = pieces[: request.max_new_tokens]
        written = "".join(pieces)
        ends = [at for stop in request.stop if stop and (at := written.find(stop)) >= 0]
        left = min(ends, default=len(written))
        for piece in pieces:
            if cancelled() or left <= 0:
                return "stop"
            time.sleep(self._delay)
            self.tokens.add(completion=1)
            yield piece[:left]
            left -= len(piece)
        return finish

"""Quality of retrieval on public question sets, and its speed on a large collection.

usage: python benchmarks/retrieval.py --data xquad.en.json xquad.zh.json [--bank] [--size 100000]
                                      [--backend embedded elasticsearch] [--json FILE]

Elasticsearch is the one that DOMAINQA_ELASTICSEARCH_URL names; collections `benchmark-…` are made there and
deleted again.

For every file: its paragraphs are the collection, each question's own paragraph the one relevant passage.
Files with the same question ids are also crossed: questions of one, paragraphs of the other. --bank: the
answerable questions of samples/pairs, asked of the ingested sample bank; relevant are the documents of their
evidence. Measured: each retriever by itself, and both fused as they are served.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from app.factories import build_embedder, open_collections
from app.settings import load_settings
from benchmarks.measuring import (
    SAMPLES,
    QuestionSet,
    Row,
    ingest_bank,
    paragraph_document,
    read_set,
    save,
    show,
)
from benchmarks.ranking_metrics import mean_reciprocal_rank, ndcg_at, recall_at
from finetune.pairs.formats import read_pairs
from retrieval.collections import Collections, WritableIndex
from retrieval.embedded import Home
from retrieval.retriever import Retriever, SearchSettings
from retrieval.values import Embedder, TextKind, Vectors

DEPTH = 50
REPEATS = 50
BACKENDS = ["embedded", "elasticsearch"]


class Remembering:
    """An embedder that computes each text once, since every backend is asked for the same ones."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[tuple[str, TextKind], Vectors] = {}
        self.id, self.digest = embedder.id, embedder.digest
        self.dimension, self.max_tokens = embedder.dimension, embedder.max_tokens

    def embed(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """As the embedder does."""
        missing = [text for text in dict.fromkeys(texts) if (text, kind) not in self._known]
        if missing:
            rows = self._embedder.embed(missing, kind)
            self._known.update(((text, kind), row) for text, row in zip(missing, rows, strict=True))
        return np.stack([self._known[text, kind] for text in texts])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """As the embedder counts."""
        return self._embedder.count_tokens(texts)


class SyntheticPassages:
    """The real embedder for questions and single passages; many get random directions, not hours of work."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.id, self.digest = "synthetic", "synthetic"
        self.dimension, self.max_tokens = embedder.dimension, embedder.max_tokens
        self._random = np.random.default_rng(0)

    def embed(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Unit vectors: the embedder's for questions and for a passage alone, else random ones."""
        if kind == "query" or len(texts) == 1:
            return self._embedder.embed(texts, kind)
        vectors = self._random.standard_normal((len(texts), self.dimension), dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """As the real embedder counts."""
        return self._embedder.count_tokens(texts)


def main() -> None:
    """Measure, print, save."""
    arguments = _arguments()
    embedder = build_embedder(load_settings({}))
    remembering = Remembering(embedder)
    sets = [read_set(file) for file in arguments.data]
    quality: list[Row] = []
    speed: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for backend in arguments.backend:
            collections = _collections(backend, Path(folder))
            for asked, held in _pairs(sets):
                with _collection(collections, f"benchmark-{held.name}", remembering) as index:
                    quality.extend({"backend": backend, **row} for row in _of_set(asked, held, index))
            if arguments.bank:
                with _collection(collections, "benchmark-bank", remembering) as index:
                    quality.extend({"backend": backend, **row} for row in _of_bank(index, embedder))
            if arguments.size:
                with _collection(collections, "benchmark-large", SyntheticPassages(embedder)) as index:
                    speed.append({"backend": backend, **_speed(arguments.size, sets, index)})
    show("Retrieval quality", quality)
    tables = {"quality": quality}
    if speed:
        tables["speed"] = speed
        show("Retrieval speed", speed)
    save(arguments.json, "retrieval", tables)


def _collections(backend: str, folder: Path) -> Collections:
    settings = load_settings({"home": folder})
    if backend == "embedded":
        return Home(folder)
    if settings.elasticsearch_url is None:
        raise SystemExit("Name a cluster in DOMAINQA_ELASTICSEARCH_URL; scripts/elasticsearch.sh starts one.")
    return open_collections(settings)


@contextmanager
def _collection(collections: Collections, name: str, embedder: Embedder) -> Iterator[WritableIndex]:
    """An empty collection, deleted afterwards."""
    if collections.exists(name):
        collections.delete(name)
    index = collections.create(name, embedder)
    yield index
    index.close()
    collections.delete(name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", type=Path, required=True, help="question sets in SQuAD's layout")
    parser.add_argument("--bank", action="store_true", help="measure on the sample bank too")
    parser.add_argument("--size", type=int, default=0, help="also measure speed at so many passages")
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, default=BACKENDS[:1])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _pairs(sets: Sequence[QuestionSet]) -> list[tuple[QuestionSet, QuestionSet]]:
    """Every set with itself, and the first with each that has the same questions in another language."""
    crossed = [(sets[0], other) for other in sets[1:] if _ids(other) == _ids(sets[0])]
    return [*((one, one) for one in sets), *crossed]


def _ids(asked: QuestionSet) -> list[str]:
    return [question.id for question in asked.questions]


def _of_set(asked: QuestionSet, held: QuestionSet, index: WritableIndex) -> list[Row]:
    index.add([paragraph_document(held.name, number, text) for number, text in enumerate(held.paragraphs)])
    relevant = [frozenset({f"{held.name}/{question.paragraph:06d}.txt"}) for question in asked.questions]
    questions = [question.question for question in asked.questions]
    return _quality(f"{asked.name} → {held.name}", questions, relevant, index)


def _of_bank(index: WritableIndex, embedder: Embedder) -> list[Row]:
    ingest_bank(index, embedder)
    rows: list[Row] = []
    for language in ("en", "zh"):
        pairs = [
            pair for pair in read_pairs(SAMPLES / "pairs" / f"{language}.jsonl").pairs if pair.answerable
        ]
        relevant = [frozenset(place.document for place in pair.evidence) for pair in pairs]
        rows += _quality(f"bank {language} → bank", [pair.question for pair in pairs], relevant, index)
    return rows


def _quality(
    name: str, questions: Sequence[str], relevant: Sequence[frozenset[str]], index: WritableIndex
) -> list[Row]:
    """How early each retriever finds relevant documents, each at the place of its first passage."""
    found = Retriever(index, SearchSettings(depth=DEPTH, k=DEPTH)).search(questions)
    orders = {
        "lexical": [[hit.passage.document for hit in result.candidates.lexical] for result in found],
        "dense": [[hit.passage.document for hit in result.candidates.dense] for result in found],
        "fused": [[entry.passage.document for entry in result.ranked] for result in found],
    }
    rows: list[Row] = []
    for retriever, documents in orders.items():
        rankings = [list(dict.fromkeys(order)) for order in documents]
        rows.append(
            {
                "questions → passages": name,
                "retriever": retriever,
                "recall@1": recall_at(1, rankings, relevant),
                "recall@5": recall_at(5, rankings, relevant),
                "MRR": mean_reciprocal_rank(rankings, relevant),
                "nDCG@10": ndcg_at(10, rankings, relevant),
                "questions": len(found),
            }
        )
    return rows


def _speed(size: int, sets: Sequence[QuestionSet], index: WritableIndex) -> Row:
    texts = [text for held in sets for text in held.paragraphs]
    started = time.perf_counter()
    for first in range(0, size, 5000):
        numbers = range(first, min(first + 5000, size))
        index.add([paragraph_document("large", n, f"{texts[n % len(texts)]} №{n}") for n in numbers])
    index.compact()
    built = time.perf_counter() - started
    retriever = Retriever(index)
    questions = [question.question for held in sets for question in held.questions[:REPEATS]]
    retriever.search(questions[:1])
    seconds = [_timed(retriever, question) for question in questions[1:]]
    changed = _timed_change(index, retriever)
    return {
        "passages": size,
        "build s": built,
        "query p50 ms": statistics.median(seconds) * 1000,
        "query p95 ms": statistics.quantiles(seconds, n=20)[-1] * 1000,
        "change searchable s": changed,
    }


def _timed(retriever: Retriever, question: str) -> float:
    started = time.perf_counter()
    retriever.search([question])
    return time.perf_counter() - started


def _timed_change(index: WritableIndex, retriever: Retriever) -> float:
    """Seconds until a changed document is found by a word that only its new text holds."""
    started = time.perf_counter()
    index.add([paragraph_document("large", 0, "The quokkaberry clause was changed today.")])
    found = retriever.search(["quokkaberry clause"])[0]
    seconds = time.perf_counter() - started
    if found.ranked[0].passage.document != "large/000000.txt":
        raise SystemExit("The changed document was not found: a defect, not a figure.")
    return seconds


if __name__ == "__main__":
    main()

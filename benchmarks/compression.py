"""How often the sentences that are read hold the answer: narrowing to the nearest ones loses some.

usage: python benchmarks/compression.py [--data train.en.json train.zh.json] [--bank] [--questions 350]
       [--json FILE]

For every question its own passage is narrowed to the one, two, three and four nearest sentences. Counted are
the questions of whose passage a whole sentence holds an accepted answer. --bank: the pairs of samples/pairs
in the passages that hold their evidence.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean

from app.factories import build_embedder, sentence_embedding
from app.settings import load_settings
from benchmarks.measuring import SAMPLES, Row, ingest_bank, paragraph_document, read_set, save, show
from finetune.evaluation.cases import draw
from finetune.pairs.evidence import squeezed, stands_in
from finetune.pairs.formats import read_pairs
from knowledge_base.sentences import sentence_spans
from knowledge_base.values import Passage
from retrieval.context import Embed, Packed, compress
from retrieval.embedded.index import EmbeddedIndex
from retrieval.values import Embedder

KEPT = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question, the answers that are accepted, and the passage that holds one of them."""

    question: str
    answers: tuple[str, ...]
    passage: Passage

    def is_held_by(self, text: str) -> bool:
        """Whether an accepted answer stands in one of its sentences."""
        sentences = [text[start:end] for start, end in sentence_spans(text)]
        return any(stands_in(answer, sentence) for answer in self.answers for sentence in sentences)


def main() -> None:
    """Narrow, count, print, save."""
    arguments = _arguments()
    embedder = build_embedder(load_settings({}))
    sets = {file.stem: _public(file) for file in arguments.data}
    if arguments.bank:
        sets |= _bank(embedder)
    drawn = {name: _drawn(wanted, arguments.questions) for name, wanted in sets.items()}
    embed = sentence_embedding(embedder)
    held = {name: [_held(one, embed) for one in wanted] for name, wanted in drawn.items()}
    held["all"] = [one for found in held.values() for one in found]
    rows = [_row(name, found) for name, found in held.items()]
    show("Questions whose nearest sentences hold the answer", rows)
    save(arguments.json, "focus", {"focus": rows})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", type=Path, default=[], help="question sets in SQuAD's layout")
    parser.add_argument("--bank", action="store_true", help="measure on the sample bank too")
    parser.add_argument("--questions", type=int, default=350, help="questions of each set")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    if not arguments.data and not arguments.bank:
        parser.error("nothing to measure: give --data, --bank or both")
    return arguments


def _public(file: Path) -> list[Wanted]:
    read = read_set(file)
    passages = [paragraph_document(read.name, n, text).passages[0] for n, text in enumerate(read.paragraphs)]
    return [Wanted(asked.question, asked.answers, passages[asked.paragraph]) for asked in read.questions]


def _bank(embedder: Embedder) -> dict[str, list[Wanted]]:
    with tempfile.TemporaryDirectory() as home:
        index = EmbeddedIndex(Path(home), embedder)
        ingest_bank(index, embedder)
        sets = {f"bank {language}": list(_of_bank(language, index)) for language in ("en", "zh")}
        index.close()
    return sets


def _of_bank(language: str, index: EmbeddedIndex) -> Iterator[Wanted]:
    for pair in read_pairs(SAMPLES / "pairs" / f"{language}.jsonl").pairs:
        for place in pair.evidence:
            document = index.document(place.document)
            if document is None:
                raise SystemExit(f"{place.document} is not in the sample bank.")
            for passage in document.passages:
                if squeezed(place.quote) in squeezed(passage.text):
                    yield Wanted(pair.question, pair.answers, passage)


def _drawn(wanted: Sequence[Wanted], count: int) -> list[Wanted]:
    """Some of those that a whole sentence of the passage answers."""
    held = [one for one in wanted if one.is_held_by(one.passage.text)]
    return draw(held, count, seed=0)


def _held(wanted: Wanted, embed: Embed) -> list[bool]:
    """Whether the answer is left in the passage, for each of `KEPT`."""
    passage = wanted.passage
    whole = Packed(passage, passage.indexed_text, passage.end, 0)
    embedded = cache(embed)  # the same sentences each time
    narrowed = [
        compress(wanted.question, [whole], keep, lambda texts: embedded(tuple(texts))) for keep in KEPT
    ]
    return [wanted.is_held_by(packed.text) for (packed,) in narrowed]


def _row(name: str, held: Sequence[Sequence[bool]]) -> Row:
    shares = {
        f"nearest {keep}": fmean(column) for keep, column in zip(KEPT, zip(*held, strict=True), strict=True)
    }
    return {"set": name, "questions": len(held), **shares}


if __name__ == "__main__":
    main()

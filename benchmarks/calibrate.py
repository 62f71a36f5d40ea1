"""Fits the refusal threshold of the base model: which signals tell a passage that holds the answer.

usage: python benchmarks/calibrate.py --data train.en.json train.zh.json [--questions 150] [--write]

For every question the passages are retrieved twice: as they are, and with the right paragraph taken out (the
next best are about the same subject). A logistic regression over the signals of each passage is fitted, and
the threshold set so that at most 5 % of the answerable questions are refused; the figures are of
predictions for paragraphs that the regression had not seen (cross-validation by paragraph). --write stores
it as the calibration of the base model; an adapter brings its own, fitted when it is trained.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import random
import tempfile
from collections.abc import Sequence
from statistics import fmean

from answering.answer import Answerer
from answering.selection import Models
from answering.sufficiency import SIGNALS, dump_calibrations, signals_of
from app.factories import CALIBRATION_FILE, build_embedder, build_generator, build_reading, sentence_embedding
from app.settings import load_settings
from benchmarks.measuring import (
    Asked,
    QuestionSet,
    Row,
    machine,
    paragraph_document,
    paragraph_path,
    read_set,
    save,
    show,
)
from finetune.evaluation.calibration import Fitted, Read, curve, fit
from retrieval.embedded.index import EmbeddedIndex
from retrieval.retriever import Retriever, SearchSettings
from retrieval.values import NO_FILTER, Filter

WRONG_REFUSALS = 0.05
VARIANTS = {"scored": SIGNALS, "unscored": tuple(name for name in SIGNALS if name != "certainty")}


def main() -> None:
    """Read, fit, measure, print, and store if asked."""
    arguments = _arguments()
    settings = load_settings({})
    embedder, generator = build_embedder(settings), build_generator(settings)
    reading = build_reading(settings)
    reader = Answerer(generator, Models(sentence_embedding(embedder)), lambda _adapter: reading)
    reads: list[Read] = []
    for file in arguments.data:
        held = read_set(file)
        with tempfile.TemporaryDirectory() as home:
            index = EmbeddedIndex(Path(home), embedder)
            index.add([paragraph_document(held.name, n, text) for n, text in enumerate(held.paragraphs)])
            retriever = Retriever(index, SearchSettings(k=settings.read_k))
            for asked in _sample(held, arguments.questions):
                reads.extend(_read(held, asked, retriever, reader))
            index.close()
    fitted = {name: fit(reads, signals, WRONG_REFUSALS) for name, signals in VARIANTS.items()}
    rows = [
        _row(variant, language, fitted[variant], reads)
        for variant in VARIANTS
        for language in sorted({_set_of(read) for read in reads})
    ]
    show("Refusals on paragraphs that were not fitted", rows)
    save(arguments.json, "calibrate", {"refusals": rows})
    if arguments.write:
        measured = {"data": [file.name for file in arguments.data], "machine": machine(), "refusals": rows}
        calibrations = {name: entry.calibration for name, entry in fitted.items()}
        CALIBRATION_FILE.write_text(dump_calibrations(calibrations, measured), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", nargs="+", type=Path, required=True, help="question sets that may be trained on"
    )
    parser.add_argument("--questions", type=int, default=150, help="questions of each set")
    parser.add_argument("--write", action="store_true", help=f"store it in {CALIBRATION_FILE.name}")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _sample(held: QuestionSet, count: int) -> list[Asked]:
    """One question of each of `count` paragraphs, the same ones every time."""
    by_paragraph = {
        asked.paragraph: asked for asked in random.Random(0).sample(held.questions, len(held.questions))
    }
    chosen = random.Random(1).sample(sorted(by_paragraph), min(count, len(by_paragraph)))
    return [by_paragraph[paragraph] for paragraph in chosen]


def _read(held: QuestionSet, asked: Asked, retriever: Retriever, reader: Answerer) -> list[Read]:
    """The question as it is, if its paragraph is found, and with its paragraph taken out of the search."""
    paths = [paragraph_path(held.name, number) for number in range(len(held.paragraphs))]
    right = paths[asked.paragraph]
    others = Filter(documents=frozenset(paths) - {right})
    reads = []
    for limit in (NO_FILTER, others):
        ranked = retriever.search([asked.question], limit=limit)[0].ranked
        doubts = reader.doubts(asked.question, [entry.passage for entry in ranked])
        signals = [signals_of(asked.question, e, doubt) for e, doubt in zip(ranked, doubts, strict=True)]
        is_right = [entry.passage.document == right for entry in ranked]
        if any(is_right) or limit is others:
            group = f"{held.name}/{asked.paragraph}"
            reads.append(Read(group, tuple(signals), tuple(is_right), any(is_right)))
    return reads


def _set_of(read: Read) -> str:
    return read.group.partition("/")[0]


def _row(variant: str, language: str, fitted: Fitted, reads: Sequence[Read]) -> Row:
    judged = [j for read, j in zip(reads, fitted.held_out, strict=True) if _set_of(read) == language]
    yes = [entry.confidence for entry in judged if entry.answerable]
    no = [entry.confidence for entry in judged if not entry.answerable]
    line = curve(yes, no)
    return {
        "calibration": variant,
        "questions of": language,
        "answerable": len(yes),
        "unanswerable": len(no),
        "AUC": line.area,
        "refused at 5 % wrong": line.right_at(WRONG_REFUSALS),
        "refused at 10 % wrong": line.right_at(2 * WRONG_REFUSALS),
        "refused as shipped": fmean(value < fitted.calibration.threshold for value in no),
        "wrongly as shipped": fmean(value < fitted.calibration.threshold for value in yes),
        "right passage chosen": fmean(entry.chose_right for entry in judged if entry.answerable),
    }


if __name__ == "__main__":
    main()

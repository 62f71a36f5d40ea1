"""Fits the refusal threshold: which signals tell a passage that holds the answer from its neighbours.

usage: python benchmarks/calibrate.py --data train.en.json train.zh.json [--questions 150] [--write]

For every question the passages are retrieved twice: as they are, and with the right paragraph taken out (the
next best are about the same subject). Each passage that the model would read is one sample; it is positive
if it is the right paragraph. A logistic regression is fitted on half of the paragraphs, the threshold set
there so that at most 5 % of answerable questions are refused, and both are measured on the other half.
--write stores it as the shipped calibration.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from app.answering.answer import Answerer
from app.answering.sufficiency import SIGNALS, Calibration, dump_calibrations, signals_of
from app.engines import CALIBRATION_FILE, SentenceEmbedding, open_embedder, open_generator, open_reading
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
from retrieval.embedded.index import EmbeddedIndex
from retrieval.retriever import Retriever, SearchSettings
from retrieval.values import NO_FILTER, Filter

WRONG_REFUSALS = 0.05
VARIANTS = {"scored": SIGNALS, "unscored": tuple(name for name in SIGNALS if name != "certainty")}


@dataclass(frozen=True, slots=True)
class Read:
    """The passages read for one question: signals of each, whether each is right, and whether one can be."""

    language: str
    paragraph: int
    signals: list[dict[str, float]]
    right: list[bool]
    answerable: bool


def main() -> None:
    """Read, fit, measure, print, and store if asked."""
    arguments = _arguments()
    settings = load_settings({})
    embedder, generator = open_embedder(settings), open_generator(settings)
    reader = Answerer(generator, SentenceEmbedding(embedder), open_reading(settings))
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
    fitted = {name: _fit(_half(reads, 0), signals) for name, signals in VARIANTS.items()}
    rows = [
        _row(variant, language, fitted[variant], _half(reads, 1))
        for variant in VARIANTS
        for language in sorted({read.language for read in reads})
    ]
    show("Refusals on paragraphs that were not fitted", rows)
    save(arguments.json, "calibrate", {"refusals": rows})
    if arguments.write:
        measured = {"data": [file.name for file in arguments.data], "machine": machine(), "refusals": rows}
        CALIBRATION_FILE.write_text(dump_calibrations(fitted, measured), encoding="utf-8")


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
            reads.append(Read(held.name, asked.paragraph, signals, is_right, any(is_right)))
    return reads


def _half(reads: Sequence[Read], which: int) -> list[Read]:
    return [read for read in reads if read.paragraph % 2 == which]


def _fit(reads: Sequence[Read], names: Sequence[str]) -> Calibration:
    samples = np.array([[entry[name] for name in names] for read in reads for entry in read.signals])
    labels = np.array([right for read in reads for right in read.right])
    centre, spread = samples.mean(axis=0), samples.std(axis=0) + 1e-9
    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit(
        (samples - centre) / spread, labels
    )
    weights = model.coef_[0] / spread
    bias = float(model.intercept_[0] - (weights * centre).sum())
    unset = Calibration(
        {name: round(float(w), 5) for name, w in zip(names, weights, strict=True)}, round(bias, 5), 0.5
    )
    answerable = [_confidence(unset, read) for read in reads if read.answerable]
    return Calibration(unset.weights, unset.bias, round(float(np.quantile(answerable, WRONG_REFUSALS)), 5))


def _confidence(calibration: Calibration, read: Read) -> float:
    return max(calibration.probability(entry) for entry in read.signals)


def _row(variant: str, language: str, calibration: Calibration, reads: Sequence[Read]) -> Row:
    chosen = [read for read in reads if read.language == language]
    yes = [_confidence(calibration, read) for read in chosen if read.answerable]
    no = [_confidence(calibration, read) for read in chosen if not read.answerable]
    at_five = float(np.quantile(yes, WRONG_REFUSALS))
    at_ten = float(np.quantile(yes, 2 * WRONG_REFUSALS))
    return {
        "calibration": variant,
        "questions of": language,
        "answerable": len(yes),
        "unanswerable": len(no),
        "AUC": float(roc_auc_score([1] * len(yes) + [0] * len(no), yes + no)),
        "refused at 5 % wrong": float(np.mean(np.array(no) < at_five)),
        "refused at 10 % wrong": float(np.mean(np.array(no) < at_ten)),
        "refused as shipped": float(np.mean(np.array(no) < calibration.threshold)),
        "wrongly as shipped": float(np.mean(np.array(yes) < calibration.threshold)),
        "right passage chosen": _chosen(calibration, chosen),
    }


def _chosen(calibration: Calibration, reads: Sequence[Read]) -> float:
    picks = [
        read.right[int(np.argmax([calibration.probability(entry) for entry in read.signals]))]
        for read in reads
        if read.answerable
    ]
    return float(np.mean(picks))


if __name__ == "__main__":
    main()

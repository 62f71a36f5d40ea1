"""Quality of answers on public question sets and on the sample bank, as they are served.

usage: python benchmarks/quality.py [--data xquad.en.json xquad.zh.json] [--bank] [--questions 100] [--draw 0]
       [--readers "base" "base + examples" reader …] [--store FOLDER] [--json FILE] [--markdown FILE]
       [--plot FILE]

--data: every paragraph of a set is a document. Each question is asked twice: as it is, and with its own
paragraph taken out, when the only right reply is a refusal. --bank: the held-out pairs of samples/pairs,
asked of the ingested sample bank; its unanswerable ones must be refused. Whatever is measured went through
the answering function that the page and the command line use. With --store an interrupted run goes on;
replies of another version of an adapter do not count.
"gain" is the mean of F1 over the first reader's on the same questions, with its paired bootstrap interval.
--plot draws right against wrong refusals for every threshold.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import tempfile
from collections.abc import Sequence

from app.settings import load_settings
from app.workspace import Workspace
from benchmarks.asking import figures, public_cases, tell
from benchmarks.measuring import SAMPLES, Row, machine, read_set, save, show
from benchmarks.refusals import draw, refusal_figures
from finetune.evaluation.bootstrap import paired_gain
from finetune.evaluation.cases import BASE, EXAMPLES, Case, cases_of
from finetune.evaluation.evaluate import evaluate
from finetune.evaluation.scoring import Scored
from finetune.files import model_digest
from finetune.pairs.formats import read_pairs
from finetune.pipeline import Contender

_WRONG = 0.5


def main() -> None:
    """Ask, measure, print, save."""
    arguments = _arguments()
    rows: list[Row] = []
    examples: list[Row] = []
    replies: dict[str, Sequence[Scored]] = {}
    with tempfile.TemporaryDirectory() as home, Workspace(load_settings({"home": home})) as workspace:
        sets = [
            (read.name, public_cases(workspace, read, arguments.questions, arguments.draw))
            for read in map(read_set, arguments.data)
        ]
        if arguments.bank:
            sets += _bank(workspace)
        adapters = [reader for reader in arguments.readers if reader not in {BASE, EXAMPLES}]
        digests = {reader: model_digest(workspace.registry.find(reader).folder) for reader in adapters}
        for name, cases in sets:
            pipeline = workspace.pipeline("bank" if name.startswith("bank") else name)
            asks = {reader: pipeline.ask(_contender(reader)) for reader in arguments.readers}
            store = arguments.store / f"{name}.jsonl" if arguments.store else None
            answered = evaluate(cases, asks, tell, store, digests)
            first = answered[arguments.readers[0]]
            for reader, scored in answered.items():
                told = {**figures(scored), **_gain(scored, first), **refusal_figures(scored)}
                rows.append({"set": name, "reader": reader, **told})
                examples += _mistakes(name, reader, scored)
                replies[f"{name}, {reader}"] = scored
            show("Quality of answers", rows)
    if arguments.plot:
        draw(arguments.plot, replies)
    save(arguments.json, "quality", {"quality": rows, "mistakes": examples})
    if arguments.markdown:
        arguments.markdown.write_text(_document(rows, examples), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", type=Path, default=[], help="question sets in SQuAD's layout")
    parser.add_argument("--bank", action="store_true", help="measure on the sample bank too")
    parser.add_argument("--questions", type=int, default=100, help="questions of each set, drawn once")
    parser.add_argument("--draw", type=int, default=0, help="another one shares no question with an earlier")
    parser.add_argument("--readers", nargs="+", default=[EXAMPLES], help="adapters and ways of the base")
    parser.add_argument(
        "--store", type=Path, help="folder that keeps replies, to go on after an interruption"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--markdown", type=Path, help="write the table as a page of the documentation")
    parser.add_argument("--plot", type=Path, help="draw the refusals into this PNG or SVG file")
    return parser.parse_args()


def _contender(reader: str) -> Contender:
    if reader in (BASE, EXAMPLES):
        return Contender(reader, examples=reader == EXAMPLES)
    return Contender(reader, reader)


def _gain(scored: Sequence[Scored], first: Sequence[Scored]) -> Row:
    """F1 over the first reader's on the answerable questions, and the interval of that."""
    if scored is first:
        return {"gain": None, "gain from": None, "gain to": None}
    mine, others = ([entry.f1 for entry in of if entry.case.answerable] for of in (scored, first))
    gain = paired_gain(mine, others)
    return {"gain": gain.mean, "gain from": gain.low, "gain to": gain.high}


def _bank(workspace: Workspace) -> list[tuple[str, list[Case]]]:
    report = workspace.ingest(SAMPLES / "bank", "bank")
    if report.failed:
        raise SystemExit(f"The sample bank could not be read: {report.failed}")
    sets = []
    for language in ("en", "zh"):
        pairs = read_pairs(SAMPLES / "pairs" / f"{language}.jsonl").pairs
        sets.append((f"bank {language}", cases_of([p for p in pairs if p.split == "test"], share=0.0)))
    return sets


def _mistakes(name: str, reader: str, scored: Sequence[Scored], most: int = 10) -> list[Row]:
    return [
        {
            "set": name,
            "reader": reader,
            "question": entry.case.question,
            "wanted": entry.case.answers[0] if entry.case.answers else "(refusal)",
            "got": "(refusal)" if entry.refused else entry.answer.text,
            "confidence": entry.answer.confidence,
        }
        for entry in [entry for entry in scored if entry.f1 < _WRONG][:most]
    ]


def _document(rows: Sequence[Row], examples: Sequence[Row]) -> str:
    about = ", ".join(f"{key} {value}" for key, value in machine().items())
    parts = [_HEADING, _markdown(rows), f"Measured on: {about}.", "## Some mistakes", _markdown(examples)]
    return "\n\n".join(parts) + "\n"


_HEADING = """# Quality of answers

Made by `benchmarks/quality.py`. "Wrongly refused" are answerable questions that were refused (they count as
0 in EM and F1), "rightly refused" are those whose paragraph was taken out, or that the bank cannot answer.
"Citation right": of the answers given, those that cite a right document at the evidence, "document right"
those that cite one at all. "Found": a right document was among the passages that were read. "F1 from" and
"to" are the 95 % bootstrap interval, "gain" is the paired difference to the first reader with its own. AUC:
how often the surer one of an answerable and an unanswerable question is the answerable one; "refused at 5%
wrong": if the threshold stood there."""


def _markdown(rows: Sequence[Row]) -> str:
    if not rows:
        return "None."
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    lines += ["| " + " | ".join(_cell(value) for value in row.values()) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else "–" if value is None else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    main()

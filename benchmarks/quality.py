"""Quality of answers on public question sets and on the sample bank, as they are served.

usage: python benchmarks/quality.py [--data xquad.en.json xquad.zh.json] [--bank] [--questions 100]
       [--adapter base …] [--json FILE] [--markdown docs/quality.md]

--data: every paragraph of a set is a document. Each question is asked twice: as it is, and with its own
paragraph taken out, when the only right reply is a refusal. --bank: the held-out pairs of samples/pairs,
asked of the ingested sample bank; its unanswerable ones must be refused. Whatever is measured went through
the answering function that the page and the command line use.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import json
import random
import re
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.answering.values import Answer, Question
from app.settings import load_settings
from app.workspace import Workspace
from benchmarks.measuring import QuestionSet, Row, machine, paragraph_document, read_set, save, show
from finetune.metrics import exact_match, f1
from retrieval.values import NO_FILTER, Filter

_WRONG = 0.5
REPOSITORY = Path(__file__).parent.parent
_BLANK = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what would be right: the accepted answers (none: refuse) and where they stand."""

    question: str
    answers: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]
    limit: Filter = NO_FILTER


@dataclass(frozen=True, slots=True)
class Asked:
    """A case and the answer it got."""

    case: Case
    answer: Answer


def main() -> None:
    """Ask, measure, print, save."""
    arguments = _arguments()
    rows: list[Row] = []
    examples: list[Row] = []
    with tempfile.TemporaryDirectory() as home, Workspace(load_settings({"home": home})) as workspace:
        sets = [
            (held.name, _public(workspace, held, arguments.questions))
            for held in map(read_set, arguments.data)
        ]
        if arguments.bank:
            sets += _bank(workspace, arguments.questions)
        for adapter in arguments.adapter:
            for name, cases in sets:
                asked = [_ask(workspace, name, case, adapter) for case in cases]
                rows.append({"set": name, "reader": _reader(adapter), **_figures(asked)})
                examples += _mistakes(name, asked)
                show("Quality of answers", rows)
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
    parser.add_argument("--adapter", nargs="+", default=["base"], help="adapters to compare")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--markdown", type=Path, help="write the table as a page of the documentation")
    return parser.parse_args()


def _public(workspace: Workspace, held: QuestionSet, count: int) -> list[Case]:
    """Every drawn question with its paragraph there, and once more with it taken out."""
    index = workspace.index(held.name)
    documents = [paragraph_document(held.name, number, text) for number, text in enumerate(held.paragraphs)]
    index.add(documents)
    paths = frozenset(document.path for document in documents)
    cases = []
    for asked in random.Random(0).sample(held.questions, min(count, len(held.questions))):
        path = documents[asked.paragraph].path
        evidence = tuple((path, answer) for answer in asked.answers)
        cases.append(Case(asked.question, asked.answers, evidence))
        cases.append(Case(asked.question, (), (), Filter(documents=paths - {path})))
    return cases


def _bank(workspace: Workspace, count: int) -> list[tuple[str, list[Case]]]:
    report = workspace.ingest(REPOSITORY / "samples" / "bank", "bank")
    if report.failed:
        raise SystemExit(f"The sample bank could not be read: {report.failed}")
    sets = []
    for language in ("en", "zh"):
        file = REPOSITORY / "samples" / "pairs" / f"{language}.jsonl"
        pairs = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        held_out = [_bank_case(pair) for pair in pairs if pair["split"] == "heldout"]
        sets.append((f"bank {language}", held_out[:count]))
    return sets


def _bank_case(pair: dict[str, object]) -> Case:
    evidence = tuple((entry["document"], entry["quote"]) for entry in pair["evidence"])  # type: ignore[attr-defined]
    answers = tuple(pair["answers"]) if evidence else ()  # type: ignore[arg-type]
    return Case(str(pair["question"]), answers, evidence)


def _ask(workspace: Workspace, name: str, case: Case, adapter: str) -> Asked:
    collection = "bank" if name.startswith("bank") else name
    return Asked(
        case, workspace.answer(Question(case.question, collection, adapter=adapter, limit=case.limit))
    )


def _figures(asked: Sequence[Asked]) -> Row:
    answerable = [entry for entry in asked if entry.case.answers]
    unanswerable = [entry for entry in asked if not entry.case.answers]
    answered = [entry for entry in answerable if not entry.answer.refused]
    return {
        "answerable": len(answerable),
        "EM": _mean(
            answerable, lambda e: 0.0 if e.answer.refused else exact_match(e.answer.text, e.case.answers)
        ),
        "F1": _mean(answerable, lambda e: 0.0 if e.answer.refused else f1(e.answer.text, e.case.answers)),
        "wrongly refused": _mean(answerable, lambda e: float(e.answer.refused)),
        "unanswerable": len(unanswerable),
        "rightly refused": _mean(unanswerable, lambda e: float(e.answer.refused)),
        "citation right": _mean(answered, lambda e: float(_cites(e))),
        "seconds": statistics.median(entry.answer.seconds for entry in asked),
    }


def _mean(asked: Sequence[Asked], of: Callable[[Asked], float]) -> float | None:
    return statistics.fmean(of(entry) for entry in asked) if asked else None


def _cites(asked: Asked) -> bool:
    """Whether a citation is in a right document and its sentence overlaps the evidence."""
    return any(
        citation.document == document and _overlap(citation.quote, quote)
        for citation in asked.answer.citations
        for document, quote in asked.case.evidence
    )


def _overlap(one: str, other: str) -> bool:
    one, other = _BLANK.sub("", one), _BLANK.sub("", other)
    return one in other or other in one


def _mistakes(name: str, asked: Sequence[Asked], most: int = 10) -> list[Row]:
    wrong = [
        e
        for e in asked
        if (f1(e.answer.text, e.case.answers) < _WRONG if e.case.answers else not e.answer.refused)
    ]
    return [
        {
            "set": name,
            "question": entry.case.question,
            "wanted": entry.case.answers[0] if entry.case.answers else "(refusal)",
            "got": "(refusal)" if entry.answer.refused else entry.answer.text,
            "confidence": entry.answer.confidence,
        }
        for entry in wrong[:most]
    ]


def _reader(adapter: str) -> str:
    return "base, few-shot" if adapter == "base" else adapter


def _document(rows: Sequence[Row], examples: Sequence[Row]) -> str:
    about = ", ".join(f"{key} {value}" for key, value in machine().items())
    return (
        "\n\n".join(
            [_HEADING, _markdown(rows), f"Measured on: {about}.", "## Some mistakes", _markdown(examples)]
        )
        + "\n"
    )


_HEADING = """# Quality of answers

Made by `benchmarks/quality.py`. "Wrongly refused" are answerable questions that were refused (they count as
0 in EM and F1), "rightly refused" are those whose paragraph was taken out, or that the bank cannot answer.
"Citation right": of the answers given, those that cite a right document at the evidence."""


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

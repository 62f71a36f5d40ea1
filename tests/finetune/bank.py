"""A small bank whose documents, pairs and settings let a whole retraining run in seconds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from finetune.settings import Option

THINGS = ("platinum", "gold", "silver", "bronze", "student", "travel", "family", "business", "garden", "lake")

# Little of everything; the gate may judge on a handful of cases.
SMALL: Mapping[str, Option] = {
    "epochs": 1,
    "rank": 2,
    "samples_per_step": 8,
    "checkpoint_seconds": 0,
    "together": 0,
    "test_share": 0.3,
    "calibration_share": 0.3,
    "calibration_questions": 3,
    "mode_questions": 1,
    "test_questions": 3,
    "min_answerable": 1,
    "min_unanswerable": 1,
    "resamples": 100,
}


def fee(thing: str) -> str:
    return f"{100 + 7 * THINGS.index(thing)} yuan"


def sentence(thing: str) -> str:
    return f"The {thing} card costs {fee(thing)} a year."


def a_pair(thing: str, **fields: object) -> dict[str, object]:
    """A record of our own JSON Lines."""
    return {
        "id": f"fee-{thing}",
        "question": f"What does the {thing} card cost a year?",
        "answer": fee(thing),
        "evidence": [{"document": f"{thing}.txt", "quote": sentence(thing)}],
    } | fields


def write_documents(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for thing in THINGS:
        (folder / f"{thing}.txt").write_text(sentence(thing), encoding="utf-8")
    return folder


def write_lines(file: Path, records: Sequence[Mapping[str, object] | str]) -> Path:
    """One record a line; a text is written as it is."""
    lines = [r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in records]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def write_pairs(file: Path, things: Sequence[str] = THINGS) -> Path:
    unknown = {"id": "founder", "question": "Who founded the harbour bank?", "kind": "unanswerable"}
    return write_lines(file, [*map(a_pair, things), unknown])

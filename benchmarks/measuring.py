"""What the benchmarks share: public question sets, the sample bank, tables, figures as JSON."""

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from knowledge_base.ingest import IngestSettings, synchronise
from knowledge_base.values import Document, Passage, digest_of
from retrieval.collections import WritableIndex
from retrieval.values import Embedder

SAMPLES = Path(__file__).parents[1] / "samples"

Figure = str | int | float | None
Row = Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its accepted answers and the number of the paragraph that holds them."""

    id: str
    question: str
    answers: tuple[str, ...]
    paragraph: int


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Paragraphs, and the questions asked of them."""

    name: str
    paragraphs: tuple[str, ...]
    questions: tuple[Asked, ...]


def read_set(file: Path) -> QuestionSet:
    """A file in SQuAD's layout, or a list of {context, qas: [{question, answers}]}."""
    stored = json.loads(file.read_text(encoding="utf-8"))
    entries = [p for article in stored["data"] for p in article["paragraphs"]] if "data" in stored else stored
    questions = [
        Asked(
            id=str(asked.get("id", f"{number}-{place}")),
            question=asked["question"],
            answers=tuple(
                answer["text"] if isinstance(answer, dict) else answer for answer in asked["answers"]
            ),
            paragraph=number,
        )
        for number, entry in enumerate(entries)
        for place, asked in enumerate(entry["qas"])
    ]
    name = file.name.removesuffix(".json")
    return QuestionSet(name, tuple(entry["context"] for entry in entries), tuple(questions))


def paragraph_path(name: str, number: int) -> str:
    """The path of a paragraph as a document."""
    return f"{name}/{number:06d}.txt"


def paragraph_document(name: str, number: int, text: str) -> Document:
    """A paragraph as a document of one passage, so that ranks are those of paragraphs."""
    path = paragraph_path(name, number)
    passage = Passage(path, 0, text, 0, len(text), title="")
    return Document(
        path, name, digest_of(text.encode()), "", "txt", len(text.encode()), "2026-01-01", text, (passage,)
    )


def ingest_bank(index: WritableIndex, embedder: Embedder) -> None:
    """Take in the sample bank; ends the program if a document of it cannot be read."""
    report = synchronise(SAMPLES / "bank", index, IngestSettings(embedder.count_tokens))
    if report.failed:
        raise SystemExit(f"The sample bank could not be read: {report.failed}")


def show(title: str, rows: Sequence[Row]) -> None:
    """Print rows as a table whose columns are the keys of the first one."""
    table = Table(title=title)
    for place, name in enumerate(rows[0]):
        table.add_column(name, justify="left" if place == 0 else "right")
    for row in rows:
        table.add_row(*(_shown(value) for value in row.values()))
    Console(width=140).print(table)


def save(file: Path | None, benchmark: str, tables: Mapping[str, Sequence[Row]]) -> None:
    """Write the tables with what they were measured on; nothing if no file was asked for."""
    if file is None:
        return
    figures = {"benchmark": benchmark, "machine": machine(), "arguments": sys.argv[1:], "tables": tables}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def machine() -> dict[str, Figure]:
    """Processor, its features that matter here, and threads."""
    import torch

    flags = next((line for line in _cpu_lines() if line.startswith("flags")), "").split()
    model = next(
        (line.split(":", 1)[1].strip() for line in _cpu_lines() if line.startswith("model name")), ""
    )
    wanted = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    return {
        "processor": model or platform.machine(),
        "features": " ".join(name for name in wanted if name in flags),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _cpu_lines() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _shown(value: Figure) -> str:
    if value is None:
        return "–"
    return f"{value:,.3f}" if isinstance(value, float) else str(value)

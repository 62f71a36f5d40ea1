"""Files of many questions: one JSON object a line, {"id": …, "question": …}."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from knowledge_base.errors import InputError

T = TypeVar("T")
STANDARD_INPUT = Path("-")


@dataclass(frozen=True, slots=True)
class Line:
    """One question of a batch; `id` is given back as it came."""

    id: str | int
    question: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The usable lines of a file, in order, and what is wrong with the others."""

    file: Path
    lines: tuple[Line, ...]
    problems: tuple[str, ...]

    def raise_problems(self) -> None:
        """Raises InputError that names every broken line; called when the others have their results."""
        if self.problems:
            listed = "".join(f"\n  {problem}" for problem in self.problems)
            total = len(self.problems) + len(self.lines)
            cause = f"{len(self.problems)} of {total} lines in {self.file} cannot be used:{listed}"
            raise InputError(
                cause, "\nAll other lines were answered. Correct these lines and run them alone."
            )


def read_batch(file: Path, max_chars: int) -> Batch:
    """Read a file, or standard input for "-"; blank lines are skipped. Raises InputError if it cannot."""
    lines: list[Line] = []
    problems: list[str] = []
    for number, text in enumerate(_text_of(file).split("\n"), start=1):
        if not text.strip():
            continue
        try:
            lines.append(_line(text, max_chars))
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    return Batch(file, tuple(lines), tuple(problems))


def groups_of(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Consecutive groups of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _text_of(file: Path) -> str:
    try:
        data = sys.stdin.buffer.read() if file == STANDARD_INPUT else file.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        cause = f"The file {file} cannot be read: {error.strerror}."
        raise InputError(cause, 'Name a file of lines {"id": …, "question": …}.') from error
    except UnicodeDecodeError as error:
        raise InputError(f"The file {file} is not UTF-8 ({error}).", "Save it as UTF-8.") from error


def _line(text: str, max_chars: int) -> Line:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON ({error.msg} at character {error.colno})") from error
    if not isinstance(found, dict) or not {"id", "question"} <= found.keys():
        raise ValueError('not an object with "id" and "question"')
    name, question = found["id"], found["question"]
    if not isinstance(name, str | int):
        raise ValueError("id is neither text nor a whole number")
    if not isinstance(question, str) or not question.strip():
        raise ValueError("question is not text, or blank")
    if len(question) > max_chars:
        raise ValueError(f"question has {len(question)} characters, more than {max_chars}")
    return Line(name, question)

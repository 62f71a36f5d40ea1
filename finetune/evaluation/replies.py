"""Replies that were already given, as JSON lines in a file that only grows.

A line is written when its reply is there, so that an interrupted evaluation loses little. The line that a
kill cut short, and any other that cannot be read, is asked for again: the file saves work, it holds no
truth of its own.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from finetune.evaluation.values import Reply
from knowledge_base.errors import StorageError


@dataclass(frozen=True, slots=True)
class Key:
    """Whose reply to what: the contender and what it depends on, the case and what it asks."""

    contender: str
    case: str
    digest: str
    asked: str


class ReplyStore:
    """Replies by key, kept in `file`, or only in memory where there is none."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._replies: dict[Key, Reply] = {}
        if file is None:
            return
        try:
            text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        except OSError as error:
            raise _unusable(file, error) from error
        self._replies = dict(filter(None, map(_entry, text.split("\n"))))

    def __contains__(self, key: Key) -> bool:
        return key in self._replies

    def __getitem__(self, key: Key) -> Reply:
        return self._replies[key]

    def add(self, replies: Mapping[Key, Reply]) -> None:
        """Keep replies; they are on the disk when this returns.

        Raises:
            StorageError: if the file cannot be written.
        """
        self._replies.update(replies)
        if self._file is None:
            return
        # Each line is preceded by its line break, so that none is glued to a line that was cut short.
        text = "".join("\n" + _line(key, reply) for key, reply in replies.items())
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unusable(self._file, error) from error


def _line(key: Key, reply: Reply) -> str:
    return json.dumps({**asdict(key), "reply": asdict(reply)}, ensure_ascii=False)


def _entry(line: str) -> tuple[Key, Reply] | None:
    try:
        stored = json.loads(line)
        return _key(stored), _reply(stored["reply"])
    except (ValueError, KeyError, TypeError):
        return None


def _key(stored: Mapping[str, Any]) -> Key:
    return Key(*(str(stored[name]) for name in ("contender", "case", "digest", "asked")))


def _reply(stored: Mapping[str, Any]) -> Reply:
    return Reply(
        text=str(stored["text"]),
        refused=bool(stored["refused"]),
        confidence=float(stored["confidence"]),
        cited=tuple((str(document), str(quote)) for document, quote in stored["cited"]),
        found=tuple(map(str, stored["found"])),
        seconds=float(stored["seconds"]),
    )


def _unusable(file: Path, error: OSError) -> StorageError:
    return StorageError(
        f"The file of replies {file} cannot be used: {error}.",
        "Check that its folder is writable and the disk is not full, then run the same command again.",
    )

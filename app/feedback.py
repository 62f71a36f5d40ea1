"""Verdicts and corrections of users, stored with all that a training pair needs.

One SQLite file in the home. A row is complete in itself: question, the passages that were read as they
were worded then, the answer, the adapter and prompt version that gave it. It can therefore become a
reviewed pair after the documents have changed.
"""

import json
import re
import sqlite3
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from answering.values import Answer
from app.erasure import mentions
from app.sqlite_file import SqliteFile
from finetune.pairs.feedback import Feedback, Verdict
from knowledge_base.errors import InputError
from retrieval.prompt import PROMPT_VERSION

_SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    answer_id TEXT PRIMARY KEY,
    given_at TEXT NOT NULL,
    collection TEXT NOT NULL,
    question TEXT NOT NULL,
    standalone TEXT NOT NULL,
    answer TEXT NOT NULL,
    refused INTEGER NOT NULL,
    adapter TEXT NOT NULL,
    prompt_version INTEGER NOT NULL,
    passages TEXT NOT NULL,
    citations TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('up', 'down')),
    correction TEXT NOT NULL,
    comment TEXT NOT NULL
) STRICT;
"""


class FeedbackStore:
    """Feedback of one home folder, for many threads and processes; a second verdict replaces the first."""

    def __init__(self, file: Path) -> None:
        self._file = SqliteFile(file, "feedback file", "remove it and begin anew", (_SCHEMA,))

    def add(self, answer: Answer, verdict: Verdict, correction: str = "", comment: str = "") -> None:
        """Store a verdict on `answer`; raises InputError for a verdict that is neither up nor down."""
        if verdict not in ("up", "down"):
            raise InputError(f"The verdict '{verdict}' is not known.", 'Give "up" or "down".')
        row = (
            answer.id,
            datetime.now(UTC).isoformat(timespec="seconds"),
            answer.collection,
            answer.question,
            answer.trace.standalone,
            answer.text,
            int(answer.refused),
            answer.adapter,
            PROMPT_VERSION,
            _as_json(_passages(answer)),
            _as_json([{"document": c.document, "page": c.page, "quote": c.quote} for c in answer.citations]),
            verdict,
            correction.strip(),
            comment.strip(),
        )
        with self._file.writing() as database:
            database.execute(f"INSERT OR REPLACE INTO feedback VALUES ({', '.join('?' * len(row))})", row)

    def forget(self, collection: str, paths: Collection[str] | None) -> None:
        """Remove what was answered from documents, or (None) from the whole collection.

        Of answers that neither cited nor named them only their passages go.
        """
        with self._file.writing() as database:
            for row in database.execute(
                "SELECT * FROM feedback WHERE collection = ?", (collection,)
            ).fetchall():
                passages, citations = json.loads(row["passages"]), json.loads(row["citations"])
                # A refusal names the nearest documents in its text.
                named = row["refused"] and any(_names(row["answer"], path) for path in paths or ())
                if paths is None or named or mentions(citations, paths):
                    database.execute("DELETE FROM feedback WHERE answer_id = ?", (row["answer_id"],))
                elif mentions(passages, paths):
                    kept = [passage for passage in passages if passage["document"] not in paths]
                    database.execute(
                        "UPDATE feedback SET passages = ? WHERE answer_id = ?",
                        (_as_json(kept), row["answer_id"]),
                    )

    def all(self, collection: str) -> list[Feedback]:
        """All feedback on answers from one collection, oldest first."""
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT * FROM feedback WHERE collection = ? ORDER BY given_at, answer_id", (collection,)
            ).fetchall()
        return [_feedback(row) for row in rows]


def _passages(answer: Answer) -> list[dict[str, object]]:
    return [
        {
            "id": entry.passage.id,
            "document": entry.passage.document,
            "page": entry.passage.page,
            "start": entry.passage.start,
            "end": entry.passage.end,
            "text": entry.passage.indexed_text,
        }
        for entry in answer.trace.ranked
    ]


def _names(text: str, path: str) -> bool:
    """Whether a text names this document, and not only one whose name ends like it: a.txt, not data.txt."""
    return re.search(rf"(?<![\w/-]){re.escape(path)}(?![\w/-])", text) is not None


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _feedback(row: sqlite3.Row) -> Feedback:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - iterating a Row gives values, not names
    values["refused"] = bool(values["refused"])
    values["passages"] = tuple(json.loads(values["passages"]))
    values["citations"] = tuple(json.loads(values["citations"]))
    return Feedback(**values)

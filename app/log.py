"""The log of a server: lines of JSON on standard error, for the program that runs it.

Questions, answers, texts of documents, passwords and keys never stand in it.
"""

import json
import sys
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime

Write = Callable[..., None]
# The number of the request that is worked on, as its response names it; "" for work without one.
REQUEST: ContextVar[str] = ContextVar("request", default="")


def write(event: str, **fields: object) -> None:
    """Write one line, there at once."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {"time": time, "event": event, "request": REQUEST.get(), **fields}
    print(json.dumps(line, ensure_ascii=False), file=sys.stderr, flush=True)  # noqa: T201


def nowhere(event: str, **fields: object) -> None:
    """Keep no log."""

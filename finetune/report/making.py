"""When something was made, and with which versions of what its numbers depend on."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version

LIBRARIES = ("torch", "transformers", "peft", "sentence-transformers", "faiss-cpu", "tantivy")


def now() -> str:
    """This minute, as reports tell it."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def libraries() -> dict[str, str]:
    """Versions of the libraries."""
    return {name: version(name) for name in LIBRARIES}


def versions() -> dict[str, str]:
    """Versions of the libraries and of Python."""
    return {**libraries(), "python": platform.python_version()}

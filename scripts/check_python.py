"""Says what is missing for `make run` before it starts; runs on any Python 3."""

import importlib
import sys
from collections.abc import Callable

OLDEST = (3, 11)


def missing(version: "tuple[int, ...]", has_module: "Callable[[str], bool]") -> str:
    """A sentence that says what to do, or "" if this Python will do."""
    name = f"python{version[0]}.{version[1]}"
    if version < OLDEST:
        return f"Python 3.11 or newer is needed, this is {name}. If you have one: make run PYTHON=python3.12"
    if not (has_module("venv") and has_module("ensurepip")):
        return f"Python's venv is missing. On Debian and Ubuntu: apt-get install {name}-venv"
    return ""


def _has_module(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(missing(tuple(sys.version_info[:2]), _has_module) or None)

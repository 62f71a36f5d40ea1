"""Gives freed memory back to the system.

The C library keeps what each thread has freed for that thread. A server whose requests come from many threads
would grow to a multiple of what it holds.
"""

import ctypes
from collections.abc import Callable


def _trimming() -> Callable[[int], object] | None:
    try:
        return ctypes.CDLL(None).malloc_trim  # of glibc alone
    except (AttributeError, OSError, TypeError):
        return None


_trim = _trimming()


def give_back() -> None:
    """Return what is free, where the C library can; some milliseconds."""
    if _trim is not None:
        _trim(0)

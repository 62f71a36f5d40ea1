"""Memory that was freed goes back to the system, where the C library can do that (glibc)."""

import ctypes

_ARENA_MAX = -8  # mallopt's name for the number of arenas


def release_memory() -> None:
    """Return freed memory to the system; it takes some milliseconds.

    The C library keeps what each thread has freed for that thread. A server whose requests come from many
    threads would grow to a multiple of what it holds.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return


def share_arenas(most: int = 2) -> None:
    """Let all threads take memory from so few arenas, so that what one has freed serves the others.

    For a server, before its threads begin: glibc would make eight arenas for each core.
    """
    try:
        ctypes.CDLL(None).mallopt(_ARENA_MAX, most)
    except (AttributeError, OSError, TypeError):
        return

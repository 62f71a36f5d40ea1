"""Who is calling, for functions that are not told: set around each call, absent outside of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from app.access.values import Principal

_CALLER: ContextVar[Principal] = ContextVar("caller")


def caller() -> Principal:
    """Whoever called. A LookupError outside of `acting` is a defect: nothing may be done for nobody."""
    return _CALLER.get()


@contextmanager
def acting(principal: Principal) -> Iterator[None]:
    """What happens within is done for this principal."""
    before = _CALLER.set(principal)
    try:
        yield
    finally:
        _CALLER.reset(before)

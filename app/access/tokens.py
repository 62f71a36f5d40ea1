"""Secrets that programs and browsers show: random, told once, stored as a digest.

A secret of 256 random bits cannot be guessed from its SHA-256, so a slow hash would only cost time.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Self

_MARK = "dq"
_PREFIX_BYTES, _SECRET_BYTES = 6, 32


@dataclass(frozen=True, slots=True)
class KeyText:
    """A whole key: "dq_PREFIX_SECRET". The prefix finds it and may be seen by anybody."""

    prefix: str
    secret: str

    @classmethod
    def new(cls) -> Self:
        """A key that nobody has."""
        return cls(secrets.token_hex(_PREFIX_BYTES), secrets.token_urlsafe(_SECRET_BYTES))

    @classmethod
    def parsed(cls, text: str) -> Self | None:
        """The parts of a key; None if it is not built like one."""
        mark, _, rest = text.partition("_")
        prefix, _, secret = rest.partition("_")
        return cls(prefix, secret) if mark == _MARK and prefix and secret else None

    def __str__(self) -> str:
        return f"{_MARK}_{self.prefix}_{self.secret}"

    def __repr__(self) -> str:
        return f"KeyText({self.prefix!r}, ***)"


def new_session() -> str:
    """A secret for a cookie."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def digest(secret: str) -> bytes:
    """What is stored of a secret: its SHA-256, 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


def same(one: bytes, other: bytes) -> bool:
    """Whether two digests are equal, in a time that does not tell where they differ."""
    return secrets.compare_digest(one, other)

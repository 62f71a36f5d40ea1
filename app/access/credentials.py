"""Secrets: keys of programs, cookies of sessions, passwords of users, and what is stored of each.

Keys and session secrets are 256 random bits: they cannot be guessed from their SHA-256, so a slow hash would
only cost time. Passwords are hashed with argon2id, which makes guessing stolen ones slow.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Self

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from knowledge_base.errors import InputError

_MARK = "dq"
_PREFIX_BYTES, _SECRET_BYTES = 6, 32

MIN_CHARS, MAX_CHARS = 8, 1024

# What OWASP's cheat sheet asks of argon2id, at least: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# A hash, of the same cost, of something random: an unknown user takes as long as a wrong password.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$HqpsQnv0PuupPIUI0WMMmA$s/Okl+WLd0EMVC49wUVLFLWx9aW1h04z/2Ni+twWo30"


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


def is_like_ours(text: str) -> bool:
    """Whether a key begins as all that we make do, those that were revoked as well."""
    return text.startswith(f"{_MARK}_")


def new_session() -> str:
    """A secret for a cookie."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def digest(secret: str) -> bytes:
    """What is stored of a secret: its SHA-256, 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


def same(one: bytes, other: bytes) -> bool:
    """Whether two digests are equal, in a time that does not tell where they differ."""
    return secrets.compare_digest(one, other)


def hashed(password: str) -> str:
    """What is stored of a password; InputError if it is too short or too long."""
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        raise InputError(
            f"A password needs {MIN_CHARS} to {MAX_CHARS:,} characters, and this one has {len(password):,}.",
            "Choose another one; several unrelated words are easy to remember.",
        )
    return _HASHER.hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Whether a password is the stored one; None stands for a user who does not exist."""
    if len(password) > MAX_CHARS:
        return False
    try:
        return _HASHER.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False

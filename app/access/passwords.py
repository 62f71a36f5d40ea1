"""Passwords: how long they must be, and argon2id, which makes guessing stolen ones slow."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from knowledge_base.errors import InputError

MIN_CHARS, MAX_CHARS = 8, 1024

# What OWASP's cheat sheet asks of argon2id, at least: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Many log-ins at once wait for each other, and leave memory and processors to the answers.
_ONE_AT_A_TIME = threading.Lock()
# A hash, of the same cost, of something random: an unknown user takes as long as a wrong password.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$HqpsQnv0PuupPIUI0WMMmA$s/Okl+WLd0EMVC49wUVLFLWx9aW1h04z/2Ni+twWo30"


def hashed(password: str) -> str:
    """What is stored of a password; InputError if it is too short or too long."""
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        raise InputError(
            f"A password needs {MIN_CHARS} to {MAX_CHARS:,} characters, and this one has {len(password):,}.",
            "Take a longer one: some words that do not belong together are easy to remember.",
        )
    with _ONE_AT_A_TIME:
        return _HASHER.hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Whether a password is the stored one; None stands for a user who does not exist."""
    if len(password) > MAX_CHARS:
        return False
    with _ONE_AT_A_TIME:
        try:
            return _HASHER.verify(stored or _NOBODY, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False

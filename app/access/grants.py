"""What a key or user is granted: a valid name, a role, and collections, as they are checked and stored."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.access.values import ROLES, Role
from knowledge_base.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, and the collections that it counts for, sorted; None for all. Make it with `grant`."""

    role: Role
    collections: tuple[str, ...] | None


def grant(role: str, collections: Sequence[str] = ()) -> Grant:
    """A checked grant; no collections mean all.

    Raises InputError for an unknown role, and for an admin of some collections: adapters and retraining
    belong to no single one.
    """
    known: dict[str, Role] = {name: name for name in ROLES}
    if role not in known:
        raise InputError(f"There is no role '{role}'.", f"Give one of {', '.join(ROLES)}.")
    if collections and role == "admin":
        raise InputError(
            "An admin cannot be limited to collections.", "Leave out --collection, or make an editor."
        )
    return Grant(known[role], tuple(sorted(set(collections))) or None)


def checked_name(name: str) -> str:
    """The name of a key or user; InputError if it cannot be one."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"'{name}' cannot be a name.",
            "Use up to 64 letters, digits, and the characters . _ @ - after the first.",
        )
    return name


def stored(collections: tuple[str, ...] | None) -> str | None:
    """Collections as a column holds them."""
    return None if collections is None else json.dumps(collections, ensure_ascii=False)


def restored(column: str | None) -> tuple[str, ...] | None:
    """Collections of a column."""
    return None if column is None else tuple(json.loads(column))

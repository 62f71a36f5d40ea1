"""Roles, what each may do, who a caller is, and what a key or user is granted."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from knowledge_base.errors import DomainqaError, InputError

Right = Literal["read", "write", "admin"]
Role = Literal["reader", "editor", "admin"]
Kind = Literal["local", "owner", "key", "user"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")

ROLES: tuple[Role, ...] = ("reader", "editor", "admin")
_RIGHTS: dict[Role, frozenset[Right]] = {
    "reader": frozenset({"read"}),
    "editor": frozenset({"read", "write"}),
    "admin": frozenset({"read", "write", "admin"}),
}


class ForbiddenError(DomainqaError):
    """The caller is known, but may not do this."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. `collections` are those that it may touch, None for all."""

    name: str
    role: Role
    collections: frozenset[str] | None = None
    kind: Kind = "key"

    def may(self, right: Right, collection: str | None = None) -> bool:
        """Whether the role has the right, and the collection, if one is named, is among its own."""
        return right in _RIGHTS[self.role] and (collection is None or self.sees(collection))

    def require(self, right: Right, collection: str | None = None) -> None:
        """ForbiddenError, with what to do about it, unless it may."""
        if collection is not None and not self.sees(collection):
            raise ForbiddenError(
                f"{self.name} may not use the collection {collection}.",
                "Choose another collection, or ask an admin for access.",
            )
        if not self.may(right):
            raise ForbiddenError(
                f"The role {self.role} may not do this.", "Ask an admin for a role with more rights."
            )

    def sees(self, collection: str) -> bool:
        """Whether a collection is among its own."""
        return self.collections is None or collection in self.collections


# Somebody at this very machine, where nobody is asked.
LOCAL = Principal("local", "admin", None, "local")
# Whoever can read the files of the home: commands that a server works for.
OWNER = Principal("owner", "admin", None, "owner")


@dataclass(frozen=True, slots=True)
class Key:
    """A key as a list shows it, without its secret. Days are those of UTC; `last_used` is "" for never."""

    name: str
    prefix: str
    role: Role
    collections: tuple[str, ...] | None
    created: str
    last_used: str


@dataclass(frozen=True, slots=True)
class User:
    """A user as a list shows it, without the password. `last_login` is "" for never."""

    name: str
    role: Role
    collections: tuple[str, ...] | None
    created: str
    last_login: str


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

"""Roles, what each may do, and who a caller is."""

from dataclasses import dataclass
from typing import Literal

from knowledge_base.errors import DomainqaError

Right = Literal["read", "write", "admin"]
Role = Literal["reader", "editor", "admin"]
Kind = Literal["local", "key", "user"]

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
                "Choose another, or ask an admin for it.",
            )
        if not self.may(right):
            raise ForbiddenError(f"The role {self.role} may not do this.", "Ask an admin for a larger role.")

    def sees(self, collection: str) -> bool:
        """Whether a collection is among its own."""
        return self.collections is None or collection in self.collections


# Somebody at this very machine, where nobody is asked.
LOCAL = Principal("local", "admin", None, "local")


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

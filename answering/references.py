"""How adapters are called: "bank" is its live version, "bank@3" the third, "bank@previous" the one before."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from knowledge_base.errors import InputError

Alias = Literal["live", "previous"]
Selector = int | Alias

BASE = "base"

_LONGEST_NAME = 64
_NAME = re.compile(r"\w[\w.-]*")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A name and which of its versions."""

    name: str
    version: Selector = "live"

    def __str__(self) -> str:
        return self.name if self.version == "live" else f"{self.name}@{self.version}"


def parse_reference(text: str) -> Reference:
    """Read "NAME", "NAME@NUMBER", "NAME@live" or "NAME@previous"; InputError for anything else."""
    name, at, version = text.partition("@")
    check_name(name)
    if not at or version == "live":
        return Reference(name)
    if version == "previous":
        return Reference(name, "previous")
    if _NUMBER.fullmatch(version):
        return Reference(name, int(version))
    raise InputError(
        f"{version!r} is no version of an adapter.",
        f"Write {name} for the live version, {name}@3 for the third, or {name}@previous.",
    )


def is_name(text: str) -> bool:
    """Whether an adapter can be called so: like a collection, but not "base"."""
    fits = len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) and unicodedata.is_normalized("NFC", text)
    return bool(fits) and text != BASE


def check_name(text: str) -> str:
    """`text`, if an adapter can be called so; InputError otherwise."""
    if not is_name(text):
        raise InputError(
            f"{text[: _LONGEST_NAME + 1]!r} cannot be the name of an adapter.",
            f"Use at most {_LONGEST_NAME} letters, digits, '-', '_' and '.', no sign at the beginning, and "
            f"not {BASE!r}, which is the model without an adapter.",
        )
    return text

"""Names of collections and of the indices that hold them: each can be told from the other.

Elasticsearch takes lower-case names without most signs. Letters of scripts without case, Chinese among them,
stay; `Bank` becomes `+bank`. `~` stands in no collection's name, so what follows it is ours: the index behind
the alias `domainqa-bank` is `domainqa-bank~v1`.
"""

from knowledge_base.errors import InputError
from retrieval.collections import check_name

MARK = "~"
_UPPER = "+"
_MOST_BYTES = 255
_ROOM = len("~rebuild") + 4


def alias_of(prefix: str, name: str) -> str:
    """The alias of a collection; InputError for a name that cannot be one."""
    alias = prefix + "".join(_encoded(sign) for sign in check_name(name))
    if len(alias.encode()) + _ROOM > _MOST_BYTES:
        raise InputError(
            f"{name} is too long for the name of an index in Elasticsearch.", "Choose a shorter name."
        )
    return alias


def name_of(prefix: str, alias: str) -> str | None:
    """The collection behind an alias; None for one that is not a collection's."""
    body = alias.removeprefix(prefix)
    if body == alias or MARK in alias:
        return None
    decoded, raised = "", False
    for sign in body:
        if sign == _UPPER and not raised:
            raised = True
            continue
        decoded += sign.upper() if raised else sign
        raised = False
    return decoded


def rebuild_alias(alias: str) -> str:
    """The alias of the index that is being made to take a collection's place."""
    return f"{alias}{MARK}rebuild"


def index_of(alias: str, number: int) -> str:
    """The name of the index behind an alias."""
    return f"{alias}{MARK}v{number}"


def number_of(index: str) -> int:
    """The number of an index that `index_of` has named."""
    return int(index.rpartition(f"{MARK}v")[2])


def _encoded(sign: str) -> str:
    small = sign.lower()
    if small == sign:
        return sign
    if small.upper() != sign or len(small) != 1:
        raise InputError(
            f"{sign!r} cannot stand in the name of an index in Elasticsearch.", "Choose another name."
        )
    return _UPPER + small

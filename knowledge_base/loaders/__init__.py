"""One loader per file format, found by the suffix of the name."""

from knowledge_base.loaders.registry import (
    DEFAULT_MAX_BYTES,
    formats,
    load,
    parse,
    read,
    suffix_of,
    unread_format,
)
from knowledge_base.loaders.zipped import Member, members, without_member

__all__ = [
    "DEFAULT_MAX_BYTES",
    "Member",
    "formats",
    "load",
    "members",
    "parse",
    "read",
    "suffix_of",
    "unread_format",
    "without_member",
]

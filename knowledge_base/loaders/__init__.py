"""One loader per file format, found by the suffix of the name."""

from knowledge_base.loaders.registry import (
    DEFAULT_MAX_BYTES,
    formats,
    has_pictures,
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
    "has_pictures",
    "load",
    "members",
    "parse",
    "read",
    "suffix_of",
    "unread_format",
    "without_member",
]

"""Lists and long texts a page at a time, as MCP pages its own: each page gives the cursor of the next."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from pydantic import Field

from app.schema import Collection, DocumentEntry, DocumentText, Shape
from knowledge_base.errors import InputError

T = TypeVar("T")
Cursor = Annotated[
    str | None,
    Field(max_length=4000, description="`next_cursor` of the page before; leave it out for the first."),
]
Count = Annotated[int, Field(ge=1, le=1000, description="Most entries of a page.")]
Characters = Annotated[int, Field(ge=1, le=100_000, description="Most characters of a page.")]


class CollectionPage(Shape):
    """Some of the collections; `next_cursor` is null on the last page."""

    collections: tuple[Collection, ...]
    next_cursor: str | None


class DocumentPage(Shape):
    """Some of the documents of a collection; `next_cursor` is null on the last page."""

    documents: tuple[DocumentEntry, ...]
    next_cursor: str | None


class TextPage(DocumentText):
    """A part of a document's text, from character `start`, and the places that begin in it."""

    start: int
    next_cursor: str | None


def page_of(
    items: Sequence[T], key: Callable[[T], str], cursor: str | None, count: int
) -> tuple[tuple[T, ...], str | None]:
    """The `count` items whose keys follow the cursor, and the cursor of the next page.

    A cursor is the last key of its page: what comes or goes meanwhile neither doubles nor hides another item.
    """
    rest = sorted((item for item in items if cursor is None or key(item) > cursor), key=key)
    return tuple(rest[:count]), key(rest[count - 1]) if len(rest) > count else None


def text_page_of(document: DocumentText, cursor: str | None, characters: int) -> TextPage:
    """A document's text from the character that the cursor names; InputError for another cursor."""
    start = 0 if cursor is None else int(cursor) if cursor.isdecimal() else -1
    if not 0 <= start <= len(document.text):
        raise InputError(f"The cursor {cursor} is unknown.", "Leave it out to read from the beginning.")
    end = start + characters
    return TextPage(
        **{
            **dict(document),
            "text": document.text[start:end],
            "places": tuple(place for place in document.places if start <= place.start < end),
        },
        start=start,
        next_cursor=str(end) if end < len(document.text) else None,
    )

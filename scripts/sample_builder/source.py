"""Reads one sample source: front matter, then Markdown that becomes pages of typed blocks."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

PAGE_BREAK = re.compile(r"^<!-- page -->[ \t]*$", re.MULTILINE)
HAN = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
KNOWN_KEYS = frozenset(
    {"path", "title", "as", "encoding", "from", "to", "cc", "date", "subject", "transfer", "alternative"}
)
Kind = Literal["heading", "paragraph", "bullet", "number", "quote", "table", "code"]


class SourceError(ValueError):
    """A sample source that cannot be built; the message names the file and the repair."""


@dataclass(frozen=True)
class Block:
    """One piece of a page; `level` is the heading's level or the list's number, `rows` a table's cells."""

    kind: Kind
    text: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Source:
    """A parsed source: `meta` is its front matter, `body` the Markdown below it."""

    meta: dict[str, str]
    body: str

    @property
    def path(self) -> str:
        """Return where the document goes, relative to samples/bank."""
        return self.meta["path"]

    @property
    def title(self) -> str:
        """Return the document's title."""
        return self.meta["title"]

    @property
    def chinese(self) -> bool:
        """Tell whether the document is in Chinese (its path starts with zh/)."""
        return self.path.startswith("zh/")

    @property
    def markdown_pages(self) -> list[str]:
        """Return the body cut at the page breaks, as Markdown."""
        return [part.strip() for part in PAGE_BREAK.split(self.body) if part.strip()]

    @property
    def pages(self) -> list[list[Block]]:
        """Return the body cut at the page breaks, as blocks."""
        return [blocks(part) for part in self.markdown_pages]


def markdown() -> MarkdownIt:
    """Return the one Markdown dialect of the sources: CommonMark with tables."""
    return MarkdownIt("commonmark").enable("table")


def read_source(file: Path) -> Source:
    """Parse one source file.

    Raises SourceError where the front matter is missing, incomplete or has an unknown key.
    """
    match = re.match(r"---\n(.*?)\n---\n(.*)", file.read_text(encoding="utf-8"), re.DOTALL)
    if match is None:
        raise SourceError(f"{file}: no front matter; start the file with '---', 'path: …', 'title: …', '---'")
    meta = {}
    for line in match[1].splitlines():
        key, colon, value = line.partition(":")
        if not colon or key.strip() not in KNOWN_KEYS:
            raise SourceError(f"{file}: front matter line {line!r}; known keys are {sorted(KNOWN_KEYS)}")
        meta[key.strip()] = value.strip()
    if not meta.get("path") or not meta.get("title"):
        raise SourceError(f"{file}: front matter needs both path and title")
    return Source(meta, match[2].strip("\n") + "\n")


def plain(inline: Token) -> str:
    """Return the text of an inline token without its markup; Chinese lines are joined without a space."""
    text = ""
    for child in inline.children or []:
        text += "\n" if child.type in ("softbreak", "hardbreak") else child.content
    text = re.sub(rf"(?<={HAN.pattern})\n(?={HAN.pattern})", "", text)
    return text.replace("\n", " ")


def blocks(text: str) -> list[Block]:
    """Return the blocks of one page of Markdown, in order."""
    tokens = markdown().parse(text)
    found: list[Block] = []
    open_lists: list[tuple[Kind, int]] = []
    rows: list[tuple[str, ...]] = []
    for position, token in enumerate(tokens):
        if token.type in ("bullet_list_open", "ordered_list_open"):
            open_lists.append(("bullet", 0) if token.type[0] == "b" else ("number", 0))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            open_lists.pop()
        elif token.type == "list_item_open":
            open_lists[-1] = (open_lists[-1][0], int(token.info or 0))
        elif token.type == "fence":
            found.append(Block("code", token.content))
        elif token.type == "tr_open":
            rows.append(_row(tokens, position))
        elif token.type == "table_close":
            found.append(Block("table", rows=tuple(rows)))
            rows = []
        elif token.type == "inline" and not rows:
            found.append(_text_block(tokens[position - 1], token, open_lists))
    return found


def _row(tokens: list[Token], start: int) -> tuple[str, ...]:
    cells = []
    for token in tokens[start:]:
        if token.type == "tr_close":
            break
        if token.type == "inline":
            cells.append(plain(token))
    return tuple(cells)


def _text_block(opening: Token, inline: Token, open_lists: list[tuple[Kind, int]]) -> Block:
    if opening.type == "heading_open":
        return Block("heading", plain(inline), int(opening.tag[1]))
    if open_lists:
        kind, number = open_lists[-1]
        return Block(kind, plain(inline), number)
    return Block("quote" if opening.level else "paragraph", plain(inline))

"""Markdown, read by way of HTML: headings, lists, tables and code are then found as everywhere else."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline.state_inline import Scanned, StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType

from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.text import text_blocks
from knowledge_base.loaders.web import parse_html
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_MOST_PARSED = 3_000_000  # characters; a longer text is read as it is written
_PIECE = 200_000
_DEEPEST = 100
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_DEFINITION = re.compile(r" {0,3}\[([^\]]{1,100})\]:[ \t]*(\S.*)$")
_ADDRESS = re.compile(r"<|[\w.+-]+:|[#./?]|[\x21-\x7e]+[./][\x21-\x7e]*(?:\s|$)", re.ASCII)
_REFERENCE = re.compile(r"\[\^([^\]\s]{1,50})\](?!:)")
_CJK = re.compile("[\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]")
_TITLE = re.compile(r"^title[ \t]*:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.MULTILINE | re.IGNORECASE)


def load_markdown(data: bytes) -> LoadedFile:
    """Read a Markdown file; LoadError if it is not text. A title in its front matter is its title."""
    text = decode(data)
    front = _FRONT_MATTER.match(text)
    title = _TITLE.search(front.group(1)) if front else None
    body = text[front.end() :] if front else text
    notes: list[Note] = []
    pieces = _pieces(body) if len(body) <= _MOST_PARSED else ()
    blocks = (block for piece in pieces for block in markdown_blocks(piece, notes))
    return collected(title.group(1) if title else "", blocks if pieces else text_blocks(body), notes)


def markdown_blocks(text: str, notes: list[Note]) -> Iterator[Block]:
    """The blocks of Markdown; `notes` gathers what was not read as it stands.

    Notes in the text stay, and stars beside Chinese words are marks as others are. What is nested too deeply,
    or too long to be parsed in one go, is read as it is written.
    """
    parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable(["table", "strikethrough"])
    chains = parser.inline
    parser.inline = _Inline()
    parser.inline.ruler, parser.inline.ruler2 = chains.ruler, chains.ruler2
    tokens = parser.parse("\n".join(_with_notes(text.split("\n")))) if len(text) <= 3 * _PIECE else []
    is_deep = any(token.level >= _DEEPEST - 1 for token in tokens)  # the parser leaves out what is below that
    if is_deep:
        notes.append(Note("nesting_flattened"))
    if is_deep or not tokens:
        yield from text_blocks(text)
        return
    loaded = parse_html(parser.renderer.render(tokens, parser.options, {}))
    notes += loaded.notes
    yield from loaded.blocks


def _pieces(text: str) -> Iterator[str]:
    """A long text in parts, as the parser takes up to 500 bytes for a character: each begins with a heading,
    or with a paragraph where no heading comes for long.
    """
    piece: list[str] = []
    size = 0
    fence = ""
    for line in text.split("\n"):
        fence = _fence(line, fence)
        begins = line.startswith("#") or size > 2 * _PIECE and not line.strip()
        if size > _PIECE and begins and not fence:
            yield "\n".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += len(line) + 1
    yield "\n".join(piece)


def _fence(line: str, fence: str) -> str:
    """What must end the code in which the next line stands, "" if it is none."""
    found = _FENCE.match(line)
    if found and (not fence or line.strip().startswith(fence)):
        return "" if fence else found.group(1)
    return fence


def _with_notes(lines: list[str]) -> Iterator[str]:
    """Lines in which definitions of notes are text.

    `[^1]: …` and `[注]: …` would be taken for links that are named here and followed elsewhere, and left out,
    as a Chinese sentence without a space passes for an address.
    """
    fence = ""
    for line in lines:
        fence = _fence(line, fence)
        note = None if fence else _DEFINITION.match(line)
        if note and (note.group(1).startswith("^") or not _ADDRESS.match(note.group(2))):
            yield f"\n\\[{note.group(1).lstrip('^')}\\] {note.group(2)}\n"
        else:
            yield line if fence else _REFERENCE.sub(r"[\1]", line)


class _Inline(ParserInline):
    """The parser of a paragraph, with emphasis as Chinese needs it."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class _State(StateInline):
    """Stars beside Chinese mark emphasis although Chinese writes no spaces: `**注意：**请先登录`.

    CommonMark 0.31, 6.2, asks for a space or punctuation on the other side of punctuation. As in the proposal
    "CJK-friendly emphasis", Chinese punctuation counts as a letter here and Chinese letters as a space.
    """

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803 - names of the library
        usual = super().scanDelims(start, canSplitWord)
        before = self.src[start - 1] if start else " "
        after = self.src[start + usual.length] if start + usual.length < self.posMax else " "
        if not canSplitWord or before.isspace() or after.isspace() or not _CJK.search(before + after):
            return usual
        opens = usual.can_open or bool(_CJK.match(before)) or bool(_CJK.match(after))
        closes = usual.can_close or bool(_CJK.match(before)) or bool(_CJK.match(after))
        return Scanned(opens, closes, usual.length)

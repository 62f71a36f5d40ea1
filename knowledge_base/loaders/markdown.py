"""Markdown, read by way of HTML: headings, lists, tables and code are then found as everywhere else."""

import re

from markdown_it import MarkdownIt

from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.web import parse_html
from knowledge_base.values import LoadedFile

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title[ \t]*:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.MULTILINE | re.IGNORECASE)


def load_markdown(data: bytes) -> LoadedFile:
    """Read a Markdown file; LoadError if it is not text. A title in its front matter is its title."""
    text = decode(data)
    front = _FRONT_MATTER.match(text)
    title = _TITLE.search(front.group(1)) if front else None
    body = text[front.end() :] if front else text
    html = MarkdownIt("commonmark").enable("table").render(body)
    return LoadedFile(title.group(1) if title else "", parse_html(html).blocks)

"""Documentation that the code generates is up to date, and links of the other pages lead somewhere."""

import re
from functools import cache
from pathlib import Path

import pytest

from scripts import generate_docs

ROOT = Path(__file__).parent.parent
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
GENERATED = ("docs/cli.md", "docs/map.md", "docs/settings.md", "docs/training-options.md")
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


@cache
def documents() -> dict[str, str]:
    """What would be written; it takes seconds."""
    return generate_docs.documents()


@pytest.mark.parametrize("path", GENERATED)
def test_generated_documents_are_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == documents()[path], "run: make docs"


def test_every_generated_document_is_compared() -> None:
    assert sorted(documents()) == list(GENERATED)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_command_shows_an_example() -> None:
    sections = documents()["docs/cli.md"].split("\n## ")[1:]
    assert [section.partition("\n")[0] for section in sections if "Example:" not in section] == []
    assert len(sections) > len({"serve", "ask", "ingest", "search", "doctor"})

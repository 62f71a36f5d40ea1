"""Documentation that the code generates is up to date, and links of the other pages lead somewhere."""

import re
from functools import cache
from pathlib import Path

import pytest

from app.settings import Settings, load_settings
from knowledge_base.errors import SettingsError
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


def row_of(name: str) -> list[str]:
    """Default, values and meaning of a setting, as the page lists them."""
    page = documents()["docs/settings.md"]
    (row,) = (line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    return [cell.strip() for cell in row.split("|")[2:-1]]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_page_of_settings_says_what_a_setting_takes(name: str, tmp_path: Path) -> None:
    """Compared with what the settings accept, not with how they are declared."""

    def takes(value: object) -> bool:
        try:
            load_settings({"home": tmp_path, "depth": 1000, "top_k": 1, "read_k": 1, name: value})
        except SettingsError:
            return False
        return True

    _, values, meaning = row_of(name)
    assert meaning.endswith(".")
    numbers = [float(number.replace(",", "")) for number in re.findall(r"\d[\d,.]*", values)]
    if "number" in values:
        least, most = numbers
        assert takes(most) and not takes(most + 1)
        assert not takes(least - 1) and takes(least) != ("more than" in values)
        assert takes(least + 0.5) == (not values.startswith("whole"))
    elif "true" in values:
        assert takes(True) and takes(False) and not takes(5)
    elif choices := re.findall("`([^`]+)`", values):
        assert all(map(takes, choices)) and not takes("something else")
    else:
        assert not takes(1.5), "a number is told as one"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_command_shows_an_example() -> None:
    sections = documents()["docs/cli.md"].split("\n## ")[1:]
    assert [section.partition("\n")[0] for section in sections if "Example:" not in section] == []
    assert len(sections) > len({"serve", "ask", "ingest", "search", "doctor"})


@pytest.mark.parametrize("page", ["reliability.md", "api.md"])
def test_every_fault_and_every_client_names_a_test_that_exists(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (table,) = re.findall(r"^\|.*\| test \|\n\|[-|]+\|\n((?:\|.*\|\n)+)", text, re.M)
    for row in table.splitlines():
        named = re.search(r"`(tests/[\w/]+\.py)::(\w+)` \|$", row)
        assert named, row
        assert f"def {named[2]}(" in (ROOT / named[1]).read_text(encoding="utf-8"), row

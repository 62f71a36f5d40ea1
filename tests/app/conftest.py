"""A folder of documents to ingest."""

from pathlib import Path

import pytest


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """Two documents, one of them in a folder of its own."""
    folder = tmp_path / "documents"
    (folder / "cards").mkdir(parents=True)
    (folder / "cards" / "platinum.md").write_text(
        "# Platinum card\n\nIt costs 680 a year.\n", encoding="utf-8"
    )
    (folder / "hours.txt").write_text("Branches open at nine and close at five.\n", encoding="utf-8")
    return folder

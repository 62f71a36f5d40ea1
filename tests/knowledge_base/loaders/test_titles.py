"""Titles that programs write by themselves are none."""

import pytest

from knowledge_base.loaders.titles import own_title


@pytest.mark.parametrize(
    "title",
    [
        "PowerPoint 演示文稿",
        "PowerPoint Presentation",
        "Microsoft Word - rates.doc",
        "工作簿1",
        "Untitled",
        " ",
    ],
)
def test_default_titles(title: str) -> None:
    assert own_title(title) == ""


@pytest.mark.parametrize(
    "title", ["贵金属业务培训", "Presentation of the new cards", "Title deeds", "文档管理办法"]
)
def test_own_titles(title: str) -> None:
    assert own_title(title) == title

"""Markdown: structure, and nothing of the marks."""

from knowledge_base.loaders.markdown import load_markdown

SOURCE = """---
title: "Fees 2026"
---
# Cards

A *gold* card, see [the list](https://x.example) and `code`.
第二行与
第三行。

| Card | Fee |
|---|---|
| Gold | **200** |

1. one
2. two
   - inner

Below
-----

> quoted

```python
def x():
    return 1
```
<script>alert(1)</script>
"""


def test_markdown_becomes_blocks() -> None:
    loaded = load_markdown(SOURCE.encode())
    assert loaded.title == "Fees 2026"
    assert [(block.kind, block.text) for block in loaded.blocks] == [
        ("heading", "Cards"),
        ("text", "A gold card, see the list and code.第二行与第三行。"),
        ("row", "Card: Gold; Fee: 200"),
        ("text", "1. one"),
        ("text", "2. two"),
        ("text", "- inner"),
        ("heading", "Below"),
        ("text", "quoted"),
        ("text", "def x():\n    return 1"),
    ]
    assert [block.level for block in loaded.blocks if block.kind == "heading"] == [1, 2]


def test_a_file_without_marks_is_text() -> None:
    assert [block.text for block in load_markdown(b"Just text.").blocks] == ["Just text."]

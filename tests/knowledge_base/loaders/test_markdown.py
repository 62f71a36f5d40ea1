"""Markdown: structure, and nothing of the marks."""

from knowledge_base.loaders.markdown import load_markdown
from knowledge_base.notes import Note

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


def texts(source: str) -> list[str]:
    return [block.text for block in load_markdown(source.encode()).blocks]


def test_notes_keep_their_text_in_both_languages() -> None:
    source = "见说明[^1]。\n\n[^1]: 付息日为每月二十日。\n[注]: 年费按年收取。\n[x]: https://a.example\n\n[link][x]"
    assert texts(source) == ["见说明[1]。", "[1] 付息日为每月二十日。", "[注] 年费按年收取。", "link"]
    assert texts("```\n[^1]: code\n```") == ["[^1]: code"]


def test_stars_beside_chinese_are_marks_and_others_stay() -> None:
    assert texts("**注意：**请先登录。**“重要”**事项") == ["注意：请先登录。“重要”事项"]
    assert texts("2**3 is 8") == ["2**3 is 8"]
    assert texts("~~680~~ 300") == ["~~680~~ 300"]


def test_lists_nested_deeply_lose_nothing() -> None:
    def nested(depth: int) -> bytes:
        return "\n".join(f"{'  ' * level}- item {level}" for level in range(depth)).encode()

    loaded = load_markdown(nested(30))
    assert [block.text for block in loaded.blocks] == [f"- item {level}" for level in range(30)]
    loaded = load_markdown(nested(200))
    assert "- item 199" in loaded.blocks[-1].text
    assert loaded.notes == (Note("nesting_flattened"),)


def test_a_long_text_is_read_in_parts_that_keep_their_structure() -> None:
    section = "# Part {}\n\n```\n# code\n\n```\n\n" + "Some words.\n\n" * 2_000
    blocks = load_markdown("".join(section.format(number) for number in range(20)).encode()).blocks
    assert [block.text for block in blocks if block.kind == "heading"] == [f"Part {n}" for n in range(20)]
    assert len(blocks) == 20 * 2_002
    assert sum(block.text == "# code" for block in blocks) == 20

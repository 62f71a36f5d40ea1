"""Lines become running text."""

from knowledge_base.loaders.lines import joined, on_one_line, starts_item


def test_english_lines_are_joined_with_spaces_and_hyphens_joined() -> None:
    assert joined(["The infor-", "mation is here,", "and X-", "Ray stays."]) == (
        "The information is here, and X- Ray stays."
    )


def test_chinese_lines_are_joined_without_spaces() -> None:
    assert (
        joined(["自2025", "年起，使用", "Harbour", "Mobile登录", "。"])
        == "自2025年起，使用Harbour Mobile登录。"
    )


def test_white_space_collapses() -> None:
    assert on_one_line("  a \t b\u3000c\u200b \n d ") == "a b c d"


def test_list_items_and_clauses_are_seen() -> None:
    for line in (
        "- a",
        "• b",
        "1. c",
        "(2) d",
        "a) e",
        "（三）丙",
        "一、总则",
        "第五条 内容",
        "1.2. f",
        "① g",
    ):
        assert starts_item(line), line
    for line in ("and so on", "3.35 % is", "2026 was", "第一次", "I am", "一般来说"):
        assert not starts_item(line), line

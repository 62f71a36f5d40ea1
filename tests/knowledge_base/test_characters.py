"""Which characters are Chinese, and what radicals and ligatures become."""

import pytest

from knowledge_base.characters import chinese_characters, has_chinese, ordinary


@pytest.mark.parametrize(
    ("text", "expected"), [("abc 中", "中"), ("㐀", "㐀"), ("a𠀀b", "𠀀"), ("カナ，。", ""), ("", "")]
)
def test_chinese_characters_of_every_plane(text: str, expected: str) -> None:
    assert has_chinese(text) == bool(expected)
    assert "".join(chinese_characters(text)) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("⻓⻛", "长风"), ("⼤⼩", "大小"), ("ﬁ ﬂ", "fi fl"), ("ＡＢ 長", "ＡＢ 長"), ("fi", "fi")],
)
def test_radicals_and_ligatures_become_what_a_keyboard_gives(typed: str, expected: str) -> None:
    assert ordinary(typed) == expected

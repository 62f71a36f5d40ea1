"""Words in both languages."""

import re
from dataclasses import fields
from string import Formatter

import pytest

from app.page.texts import EN, ZH, Texts, texts_of

NAMES = [field.name for field in fields(Texts)]
SAME = {"language", "title", "rank", "folder_placeholder", "date_placeholder"}


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_say_something_with_the_same_values(name: str) -> None:
    english, chinese = getattr(EN, name), getattr(ZH, name)
    if isinstance(english, tuple):
        assert len(english) == len(chinese) > 0
        return
    assert english.strip()
    assert chinese.strip()
    assert holes(english) == holes(chinese)
    assert (name in SAME) or re.search(r"[\u4e00-\u9fff]", chinese)


def test_an_unknown_language_is_english() -> None:
    assert texts_of("zh") is ZH
    assert texts_of("auto") is EN

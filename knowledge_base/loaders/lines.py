"""Lines joined to running text: Chinese without spaces, English with, hyphens at line ends mended."""

import re

from knowledge_base.characters import HAN

_CJK = rf"\u2e80-\u30ff{HAN}\uf900-\ufaff\uff00-\uffef"
_BESIDE_CJK = re.compile(rf"(?<=[{_CJK}])[ \t\xa0]*\n\s*|[ \t\xa0]*\n\s*(?=[{_CJK}])")
_HYPHEN = re.compile(r"(?<=[a-zà-ÿ])[-\u2010\xad]\n\s*(?=[a-zà-ÿ])")
_SPACES = re.compile(r"[\s\u200b\ufeff]+")
_ITEM = re.compile(
    r"\s*(?:[-–*•·●○◦▪■□➢✓]\s|[(（]?(?:\d{1,2}(?:\.\d{1,2})*|[a-zA-Z]|[ivx]{1,4})[.)）、](?!\d)"
    r"|[(（]?[一二三四五六七八九十]{1,3}[)）、]|第\s?[一二三四五六七八九十百\d]{1,4}\s?[章节條条節款編编篇部项項][^，。,.]"
    r"|[□☐☑☒√✓✔■●○](?=\S)|[#|>]|[①-⑳])"
)


def on_one_line(text: str) -> str:
    """Collapse white space: a line break is nothing beside a Chinese character and a space elsewhere."""
    if "\n" in text:
        text = _BESIDE_CJK.sub("", text)
    return _SPACES.sub(" ", text).strip()


def joined(lines: list[str]) -> str:
    """Lines of one paragraph as running text; a word divided by a hyphen at a line's end is mended."""
    return on_one_line(_HYPHEN.sub("", "\n".join(lines)))


def starts_item(line: str) -> bool:
    """Whether a line begins with a bullet, a number, a clause mark or the like."""
    return bool(_ITEM.match(line))

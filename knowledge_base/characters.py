"""Which characters are Chinese, and what radicals and ligatures stand for."""

import re
import unicodedata

# The inside of a character class: the unified ideographs, their extension A and those beyond the basic plane.
HAN = "㐀-䶿一-鿿\U00020000-\U0003ffff"
_HAN_CHARACTER = re.compile(f"[{HAN}]")

# Signs of the block CJK Radicals Supplement and the ideographs that look the same. Unicode gives no
# compatibility mapping for them, so that NFKC leaves them alone; many PDFs hold ⻓ where the page shows 长.
_SUPPLEMENT = (
    "⺂乛⺃乚⺅亻⺉刂⺋㔾⺎兀⺏尣⺐尢⺒巳⺓幺⺔彑⺕彐⺖忄⺘扌⺙攵⺛旡⺞歺⺟母⺠民⺡氵⺣灬⺤爫⺦丬⺨犭⺫罒⺭礻⺯糹⺰纟⺱罓⺲罒⺳㓁⺹耂⺺肀"
    "⺾艹⺿艹⻂衤⻃覀⻄西⻅见⻆角⻈讠⻉贝⻋车⻌辶⻍辶⻎辶⻐钅⻑長⻒镸⻓长⻔门⻖阝⻘青⻙韦⻚页⻛风⻜飞⻝食⻟飠⻠饣⻢马⻣骨⻤鬼⻥鱼⻦鸟"
    "⻧卤⻨麦⻩黄⻪黾⻫斉⻬齐⻭歯⻮齿⻯竜⻰龙⻱龜⻲亀⻳龟"
)
_LIGATURES = "ﬀﬁﬂﬃﬄﬅﬆ"
_KANGXI = map(chr, range(0x2F00, 0x2FD6))
_ORDINARY = {
    ord(sign): ideograph for sign, ideograph in zip(_SUPPLEMENT[::2], _SUPPLEMENT[1::2], strict=True)
}
_ORDINARY |= {ord(sign): unicodedata.normalize("NFKC", sign) for sign in (*_KANGXI, *_LIGATURES)}


# Marks that turn the direction of what follows: "invoice\u202efdp.exe" looks like "invoiceexe.pdf".
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def with_visible_directions(text: str) -> str:
    """The text with its direction marks as ⟨U+202E⟩, so that a name cannot look like another one."""
    return _DIRECTIONS.sub(lambda mark: f"⟨U+{ord(mark[0]):04X}⟩", text)


def has_chinese(text: str) -> bool:
    """Whether a Chinese character is in `text`, whatever plane of Unicode it is in."""
    return bool(_HAN_CHARACTER.search(text))


def chinese_characters(text: str) -> list[str]:
    """The Chinese characters of `text`, in order."""
    return _HAN_CHARACTER.findall(text)


def ordinary(text: str) -> str:
    """The text with each radical and ligature as the characters that a keyboard gives: ⻓ → 长, ﬁ → fi."""
    return text if text.isascii() else text.translate(_ORDINARY)

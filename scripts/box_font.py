"""Makes knowledge_base/loaders/fonts/boxes.ttf: a box that stands for every letter, half as wide in ASCII.

A PDF may name a Chinese font and not carry it. PDFium then takes the measures of its letters from a font of
the system, and where there is none it drops text that has no width: "680元" becomes "680". This font gives
every letter a width, on every machine the same; nothing is drawn with it. All codes share two glyphs (cmap
format 13, "many-to-one range mappings" in the OpenType specification), so that it takes 700 bytes.
"""

from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable
from fontTools.ttLib.tables._g_l_y_f import Glyph

TARGET = Path(__file__).parents[1] / "knowledge_base" / "loaders" / "fonts" / "boxes.ttf"
_EM, _ASCENT, _DESCENT = 1000, 880, -120
# Everything in the first plane but control characters, surrogates and private use. ASCII too: where a Chinese
# font is not carried, PDFium looks here for its digits and drops a "3" that stands alone.
_HALF = range(0x21, 0x7F)
_WHOLE = [*range(0xA0, 0xD800), *range(0xF900, 0xFFF0)]
_ENCODINGS = (
    0,
    17,
    18,
    19,
    20,
    21,
)  # bits of the OS/2 table: Latin, Japanese, simplified, Korean, traditional


def build() -> FontBuilder:
    """The font; two builds are equal byte for byte."""
    font = FontBuilder(_EM, isTTF=True)
    widths = {".notdef": _EM, "box": _EM, "half": _EM // 2}
    font.setupGlyphOrder(list(widths))
    font.setupGlyf({name: _box(width) for name, width in widths.items()})
    font.setupHorizontalMetrics({name: (width, 50) for name, width in widths.items()})
    font.setupHorizontalHeader(ascent=_ASCENT, descent=_DESCENT)
    font.setupCharacterMap({})
    font.font["cmap"].tables = [_one_for_all()]
    font.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
    font.setupOS2(
        version=4,
        sTypoAscender=_ASCENT,
        sTypoDescender=_DESCENT,
        usWinAscent=_ASCENT,
        usWinDescent=-_DESCENT,
        ulCodePageRange1=sum(1 << bit for bit in _ENCODINGS),
        ulCodePageRange2=0,
    )
    font.setupPost()
    font.updateHead(created=0, modified=0)
    font.font.recalcTimestamp = False
    return font


def _box(width: int) -> Glyph:
    pen = TTGlyphPen(None)
    pen.moveTo((50, -100))
    for corner in ((50, 800), (width - 50, 800), (width - 50, -100)):
        pen.lineTo(corner)
    pen.closePath()
    return pen.glyph()


def _one_for_all() -> CmapSubtable:
    table = CmapSubtable.newSubtable(13)
    table.platformID, table.platEncID, table.language = 3, 10, 0
    table.reserved = table.length = table.nGroups = 0
    table.cmap = dict.fromkeys(_HALF, "half") | dict.fromkeys(_WHOLE, "box")
    return table


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    build().save(TARGET)
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")

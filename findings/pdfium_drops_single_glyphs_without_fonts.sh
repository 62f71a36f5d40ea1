#!/usr/bin/env bash
# pypdfium2 5.15.2 (PDFium), text of a PDF that names a Chinese font without embedding it, as Chinese office
# programs often write them.
#
# Extracting text needs no glyphs, so one expects the same text on every machine. But without a system font
# for Chinese, PDFium leaves out a text object that consists of a single Chinese character: "680 元", drawn as
# two objects, becomes "680", and the amount loses its unit. Longer runs of the same font come out whole, so
# nothing looks wrong. Servers and containers often have no such font; here PDFium is pointed to an
# empty font folder in place of the system's.
#
# Output seen:
#   with the system's fonts '白金卡年费680元\r\n金卡\r\n680 元'   (on a machine that has a Chinese font)
#   without any font        '白金卡年费680元\r\n金卡\r\n680'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pypdfium2==5.15.2 reportlab==5.1.0
cd "$folder"
mkdir no-fonts
venv/bin/python - <<'PYTHON'
import ctypes

import pypdfium2
import pypdfium2.raw as pdfium
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
canvas = Canvas("page.pdf")
canvas.setFont("STSong-Light", 12)
canvas.drawString(72, 700, "白金卡年费680元")
canvas.drawString(72, 650, "金卡")
canvas.drawString(72, 600, "680")
canvas.drawString(100, 600, "元")
canvas.save()

folders = (ctypes.c_char_p * 2)(b"no-fonts", None)
config = pdfium.FPDF_LIBRARY_CONFIG(
    version=2, m_pUserFontPaths=ctypes.cast(folders, ctypes.POINTER(ctypes.POINTER(ctypes.c_char)))
)
pdfium.FPDF_DestroyLibrary()
pdfium.FPDF_InitLibraryWithConfig(config)
text = pypdfium2.PdfDocument("page.pdf")[0].get_textpage().get_text_bounded()
print("without any font", repr(text))
assert text == "白金卡年费680元\r\n金卡\r\n680"
PYTHON
echo "as described"

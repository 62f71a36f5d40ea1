#!/usr/bin/env bash
# liteparse 2.18.0, text of a PDF that names a Chinese font without embedding it.
#
# Other readers take the text from the character codes and give the digits as they are. liteparse gives other
# signs for some of them: a 2 comes out as "-", so that an amount is another amount or none.
#
# Output seen:
#   drawn '5,699,227.63'   read '5,655,--7.63'
# Which signs are swapped depends on the fonts of the machine; the script fails if all of them are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet liteparse==2.18.0 reportlab==5.1.0
cd "$folder"
venv/bin/python - <<'PYTHON'
from liteparse import LiteParse
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
canvas = Canvas("page.pdf")
canvas.setFont("STSong-Light", 10)
canvas.drawString(72, 700, "5,699,227.63")
canvas.save()
text = LiteParse(ocr_enabled=False).parse("page.pdf").text.strip()
print("drawn '5,699,227.63'   read", repr(text))
assert text != "5,699,227.63"
PYTHON
echo "as described"

#!/usr/bin/env bash
# pypdfium2 5.15.2 (PDFium), text of a PDF whose line ends with a hyphen ("termi-" / "nate").
#
# A reader would expect the hyphen and the line end, or the joined word. PDFium replaces both by one mark,
# and the mark differs between its two ways to read text: get_text_range() returns U+FFFE, which is no
# character at all, and get_text_bounded() returns the control character U+0002. A hyphen before a digit
# ("3-" / "5") stays as it is. A search index built from either text finds neither "terminate" nor "termi-nate".
#
# Output seen:
#   range   'The bank may termi\ufffenate the contract.\r\nRates from 3-\r\n5 per cent.'
#   bounded 'The bank may termi\x02nate the contract.\r\nRates from 3-\r\n5 per cent.'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pypdfium2==5.15.2 reportlab==5.1.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import pypdfium2
from reportlab.pdfgen.canvas import Canvas

canvas = Canvas("page.pdf")
for top, lines in ((700, ("The bank may termi-", "nate the contract.")), (600, ("Rates from 3-", "5 per cent."))):
    text = canvas.beginText(72, top)
    for line in lines:
        text.textLine(line)
    canvas.drawText(text)
canvas.save()

page = pypdfium2.PdfDocument("page.pdf")[0].get_textpage()
whole, bounded = page.get_text_range(), page.get_text_bounded()
print("range  ", ascii(whole))
print("bounded", ascii(bounded))
assert whole == "The bank may termi\ufffenate the contract.\r\nRates from 3-\r\n5 per cent."
assert bounded == "The bank may termi\x02nate the contract.\r\nRates from 3-\r\n5 per cent."
PYTHON
echo "as described"

#!/usr/bin/env bash
# markitdown 0.1.9, a superscript in a Word file or a web page.
#
# One expects 10⁹, 10^9 or <sup>9</sup>, since the two libraries below it know superscripts. mammoth writes <sup>,
# and markdownify's option for it is an empty string by default, so the exponent joins the digits before it: a
# count of 10⁹ per litre becomes 109 per litre, and a note after an amount joins it in the same way.
#
# Output seen: 'Leucocytes above 109/L, fee 15 yuan2' for both files
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'markitdown[docx]==0.1.9' mammoth==1.13.0 markdownify==1.2.3 python-docx==1.2.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import docx
from markitdown import MarkItDown

document = docx.Document()
paragraph = document.add_paragraph("Leucocytes above 10")
for text, is_raised in (("9", True), ("/L, fee 15 yuan", False), ("2", True)):
    paragraph.add_run(text).font.superscript = is_raised
document.save("page.docx")
with open("page.html", "w") as file:
    file.write("<html><body><p>Leucocytes above 10<sup>9</sup>/L, fee 15 yuan<sup>2</sup></p></body></html>")
for name in ("page.docx", "page.html"):
    text = MarkItDown().convert(name).text_content
    print(name, repr(text))
    assert text.strip() == "Leucocytes above 109/L, fee 15 yuan2"
PYTHON
echo "as described"

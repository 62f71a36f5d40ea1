#!/usr/bin/env bash
# kreuzberg 4.10.4, text that is struck through.
#
# In a web page it comes out between ~~ and ~~. In a Word file the same text comes out as if it were not struck,
# joined to what stands beside it: a dose that was corrected from 250 to 20 mg reads 250 mg.
#
# Output seen: 'Dose 2~~5~~0 mg' for the web page, 'Dose 250 mg' for the Word file
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet kreuzberg==4.10.4 python-docx==1.2.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import docx
import kreuzberg

document = docx.Document()
paragraph = document.add_paragraph("Dose 2")
paragraph.add_run("5").font.strike = True
paragraph.add_run("0 mg")
document.save("page.docx")
with open("page.html", "w") as file:
    file.write("<html><body><p>Dose 2<del>5</del>0 mg</p></body></html>")
texts = {name: kreuzberg.extract_file_sync(name).content.strip() for name in ("page.docx", "page.html")}
print(texts)
assert texts == {"page.docx": "Dose 250 mg", "page.html": "Dose 2~~5~~0 mg"}
PYTHON
echo "as described"

#!/usr/bin/env bash
# pdf-oxide 0.3.78, a sign whose font maps it to U+FFFD ("no character known"), as exporters write it.
#
# One expects the sign to come out as U+FFFD, as PDFium does. pdf-oxide leaves it out without a trace: a minus
# that the page shows before an amount is gone, and a loss reads as a profit.
#
# Output seen: '2023: 648.9 million' for a page that shows −648.9
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pdf-oxide==0.3.78
cd "$folder"
venv/bin/python - <<'PYTHON'
import pdf_oxide

content = r"BT /F1 11 Tf 60 740 Td (2023: ) Tj /F2 11 Tf (\003) Tj /F1 11 Tf (648.9 million) Tj ET"
cmap = (
    "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def "
    "1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfchar <03> <FFFD> endbfchar endcmap end end"
)
objects = [
    "<</Type/Catalog/Pages 2 0 R>>",
    "<</Type/Pages/Count 1/Kids[3 0 R]>>",
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R/F2 6 0 R>>>>>>",
    f"<</Length {len(content)}>>stream\n{content}\nendstream",
    "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    "<</Type/Font/Subtype/Type1/BaseFont/Symbol/Encoding<</Type/Encoding/Differences[3/minus]>>/ToUnicode 7 0 R>>",
    f"<</Length {len(cmap)}>>stream\n{cmap}\nendstream",
]
data, places = b"%PDF-1.7\n", []
for number, text in enumerate(objects, start=1):
    places.append(len(data))
    data += f"{number} 0 obj\n{text}\nendobj\n".encode()
table = "".join(f"{place:010d} 00000 n \n" for place in places)
end = f"xref\n0 8\n0000000000 65535 f \n{table}trailer<</Size 8/Root 1 0 R>>\nstartxref\n{len(data)}\n%%EOF"
open("page.pdf", "wb").write(data + end.encode())
text = pdf_oxide.PdfDocument("page.pdf").extract_text(0)
print(repr(text))
assert text.strip() == "2023: 648.9 million"
PYTHON
echo "as described"

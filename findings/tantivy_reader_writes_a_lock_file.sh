#!/usr/bin/env bash
# tantivy 0.27.0 (Python), an index that is opened only to be searched.
#
# Reading is expected to leave a folder as it is. Opening a searcher creates `.tantivy-meta.lock` in the index
# folder, and the file stays. Whoever removes the folder while a reader starts finds it not empty, a checksum over
# the folder's files changes by searching, and an index on a read-only medium cannot be treated as plain
# files that are merely read.
#
# Output seen:
#   before ['.managed.json', 'meta.json', and the segment's files]
#   after  the same and ['.tantivy-meta.lock']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tantivy==0.27.0
cd "$folder"
mkdir index
venv/bin/python - <<'PYTHON'
import os

import tantivy

builder = tantivy.SchemaBuilder()
builder.add_text_field("text", stored=True)
index = tantivy.Index(builder.build(), "index")
writer = index.writer()
writer.add_document(tantivy.Document(text="hello"))
writer.commit()
writer.wait_merging_threads()
del writer, index
for name in os.listdir("index"):
    if name.endswith(".lock"):
        os.remove(f"index/{name}")  # left over from writing

before = set(os.listdir("index"))
index = tantivy.Index.open("index")
hits = index.searcher().search(index.parse_query("hello", ["text"])).hits
created = sorted(set(os.listdir("index")) - before)
print("found", len(hits), "document; created", created)
assert len(hits) == 1
assert created == [".tantivy-meta.lock"]
PYTHON
echo "as described"

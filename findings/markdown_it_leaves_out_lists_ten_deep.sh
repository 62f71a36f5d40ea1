#!/usr/bin/env bash
# markdown-it-py 4.3.0, a list nested ten levels deep, with the preset "commonmark".
#
# One expects every item: CommonMark has no limit of nesting. The preset has the option maxNesting = 20, each
# level of a list takes two, and what is deeper is left out without an error. The preset "js-default" has 100.
#
# Output seen: the items 0 to 8 of 12; the text of 21 quotes within each other is missing
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet markdown-it-py==4.3.0
"$folder/venv/bin/python" - <<'PYTHON'
from markdown_it import MarkdownIt

source = "\n".join(f"{'  ' * level}- item {level}." for level in range(12))
page = MarkdownIt("commonmark").render(source)
kept = [level for level in range(12) if f"item {level}." in page]
print("items kept:", kept)
assert kept == list(range(9))
assert all(f"item {level}." in MarkdownIt("js-default").render(source) for level in range(12))
assert "quoted" not in MarkdownIt("commonmark").render("> " * 21 + "quoted")
PYTHON
echo "as described"

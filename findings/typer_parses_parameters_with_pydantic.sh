#!/usr/bin/env bash
# typer 0.29.2: `import typer` and `--help` load no pydantic, but the first parameter that a command parses does, even
# a plain string. Whoever measures a command line by its imports or its help misses most of what each command costs.
#
# Output seen, without the help:
#   after the import: pydantic is not loaded
#   after --help: pydantic is not loaded, 4 ms of processor time
#   after you: pydantic is loaded, 162 ms of processor time
#   after you: pydantic is loaded, 3 ms of processor time
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check typer==0.29.2 pydantic==2.14.3

cat > "$folder/show.py" <<'PYTHON'
import sys
import time

import typer

app = typer.Typer(rich_markup_mode=None)


@app.command()
def greet(name: str) -> None:
    """Say hello."""
    typer.echo(f"Hello {name}")


def loaded(*words: str) -> tuple[bool, float]:
    """Whether pydantic is loaded after a command, and the processor time that it took."""
    began = time.process_time()
    try:
        app(list(words))
    except SystemExit:
        pass
    return "pydantic" in sys.modules, time.process_time() - began


print(f"after the import: pydantic {'is' if 'pydantic' in sys.modules else 'is not'} loaded")
for words in (["--help"], ["you"], ["you"]):
    found, seconds = loaded(*words)
    print(f"after {words[0]}: pydantic {'is' if found else 'is not'} loaded, {seconds * 1000:.0f} ms of processor time")
    assert found == (words != ["--help"])
PYTHON
"$folder/venv/bin/python" "$folder/show.py"
echo "as described"

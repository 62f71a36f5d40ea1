#!/usr/bin/env bash
# pydantic 2.14.3, a tuple of any length with min_length.
#
# One item of the wrong type is reported twice: as what it is, and as a tuple that is too short, since only the right
# items are counted (actual_length 0 for one item given). A list with the same constraint reports the item alone. An
# API that shows all errors tells its callers to send more items.
#
# Output seen:
#   list int_parsing tuple int_parsing too_short
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pydantic==2.14.3
cd "$folder"
venv/bin/python - <<'PYTHON'
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError


def kinds(kind: object) -> list[str]:
    try:
        TypeAdapter(Annotated[kind, Field(min_length=1)]).validate_python(["not a number"])
    except ValidationError as error:
        return [detail["type"] for detail in error.errors()]
    return []


print("list", *kinds(list[int]), "tuple", *kinds(tuple[int, ...]))
assert kinds(list[int]) == ["int_parsing"]
assert kinds(tuple[int, ...]) == ["int_parsing", "too_short"]
PYTHON
echo "as described"

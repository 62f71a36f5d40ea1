#!/usr/bin/env bash
# FastAPI 0.165.0, a route whose response_class is a subclass of Response without a parameter status_code.
#
# The route itself works, and nothing is reported when the application is made. But the description of the whole
# application cannot be made any more: FastAPI reads the default of the parameter status_code from the signature of
# the class, finds none, and uses a variable that it has not set. So one small response class takes away
# /openapi.json and /docs for every route.
#
# Output seen:
#   route 200 description 500
#   UnboundLocalError cannot access local variable 'status_code' where it is not associated with a value
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fastapi==0.165.0 httpx==0.28.1
cd "$folder"
venv/bin/python - <<'PYTHON'
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.responses import Response


class Picture(Response):
    """A response whose status is always 200."""

    media_type = "image/png"

    def __init__(self, content: bytes) -> None:
        super().__init__(content)


app = FastAPI()


@app.get("/picture", response_class=Picture)
def picture() -> Picture:
    return Picture(b"...")


client = TestClient(app, raise_server_exceptions=False)
served, described = client.get("/picture").status_code, client.get("/openapi.json").status_code
print("route", served, "description", described)
assert (served, described) == (200, 500)
try:
    app.openapi()
except UnboundLocalError as error:
    print(type(error).__name__, error)
    assert "status_code" in str(error)
else:
    raise AssertionError("the description was made")
PYTHON
echo "as described"

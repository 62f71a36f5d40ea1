#!/usr/bin/env bash
# Starlette 1.10.0, TrustedHostMiddleware for a server that listens on the IPv6 loopback address.
#
# Server programs (uvicorn's --host, socket.bind, ipaddress) take the address as ::1. Listed like that in
# allowed_hosts it never matches, and every request is refused with 400 "Invalid host header". The name is compared as
# it is written in the header, so it has to be listed in brackets: [::1].
#
# Output seen:
#   ::1 400 [::1] 200
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet starlette==1.10.0 httpx==0.28.1
cd "$folder"
venv/bin/python - <<'PYTHON'
from starlette.applications import Starlette
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient


def home(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def status(allowed: str) -> int:
    app = Starlette(routes=[Route("/", home)])
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[allowed])
    return TestClient(app, base_url="http://[::1]:8000").get("/").status_code


print("::1", status("::1"), "[::1]", status("[::1]"))
assert (status("::1"), status("[::1]")) == (400, 200)
PYTHON
echo "as described"

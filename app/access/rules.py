"""Who must identify themselves, and which right a request needs by its method and path.

A request that is not listed here is not served.

The page of Gradio brings some seventy routes: files by path, other servers by address, functions by name,
histories. The page needs those below; a route that a later Gradio adds stays closed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from app.access.values import Right
from app.settings import Settings

LOGIN, LOGOUT = "/login", "/logout"
_EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, never bound
Needed = Right | Literal["nothing"]


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a request needs whose method and whole path match; `methods` are divided by blanks."""

    needs: Needed
    methods: str
    path: str

    def fits(self, method: str, path: str) -> bool:
        return method in self.methods.split() and re.fullmatch(self.path, path) is not None


_COLLECTION = r"/v1/collections/[^/]+"
_ANY = "GET POST PUT PATCH DELETE"
# The first that fits. The use cases behind /v1 and the page ask again, and know the collection.
_RULES: Sequence[_Rule] = (
    _Rule("nothing", "GET", "/healthz|/readyz"),
    _Rule("nothing", "GET POST", LOGIN),
    _Rule("nothing", "POST", LOGOUT),
    # The API
    _Rule("admin", "POST", f"{_COLLECTION}/ingest"),
    _Rule("write", "POST", f"/v1/collections|{_COLLECTION}/documents"),
    _Rule("write", "DELETE", f"{_COLLECTION}(/documents/.*)?"),
    _Rule("write", "GET", "/v1/jobs/[^/]+"),
    _Rule("read", _ANY, "/v1/.*"),
    _Rule("read", "GET", "/docs|/openapi.json|/metrics"),
    # MCP: its tools only read
    _Rule("read", "GET POST DELETE", "/mcp"),
    # Reports quote documents, whatever their collection.
    _Rule("admin", "GET", "/reports/(runs|adapters)/[^/]+"),
    # The page: itself, what it is drawn with, its events, and files for an upload
    _Rule("read", "GET HEAD", "/"),
    _Rule("read", "GET", "/theme.css|/favicon.ico|/(assets|static)/.*"),
    _Rule("read", "GET", "/gradio_api/(queue/data|heartbeat/[^/]+|app_id)"),
    _Rule("read", "POST", "/gradio_api/(queue/join|run/predict|cancel|reset)"),
    _Rule("write", "POST", "/gradio_api/upload"),
    _Rule("write", "GET", "/gradio_api/upload_progress"),
)


def right_for(method: str, path: str) -> Needed | None:
    """The right that a request needs, "nothing" if anybody may send it; None for what is not served."""
    return next((rule.needs for rule in _RULES if rule.fits(method, path)), None)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def asks(settings: Settings) -> bool:
    """Whether callers need a key or a log-in."""
    return settings.access == "required" or not is_loopback(settings.host)


def host_names(settings: Settings) -> frozenset[str]:
    """Names under which the server may be called; empty for any.

    Where callers are asked who they are, a foreign name that points here gains nothing: cookies belong to a
    name. A server on all addresses therefore answers to any name, unless the settings tell its names.
    """
    if settings.host in _EVERY_ADDRESS and not settings.allowed_hosts:
        return frozenset()
    named = {name.lower() for name in (settings.host, *settings.allowed_hosts)}
    return frozenset({"localhost", "127.0.0.1", "::1", *named})

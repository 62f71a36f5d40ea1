"""Who must identify themselves, and what a request needs and may carry by its method and path.

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
Asked = Right | Literal["owner"]
Needed = Asked | Literal["nothing"]
Body = Literal["form", "text", "files"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a request needs whose method and whole path match; `methods` are divided by blanks.

    `body` is what it may carry: a form of some lines, text as long as a conversation, or files. `counts` says
    whether it is one of the requests that a caller may send in a minute.
    """

    needs: Needed
    methods: str
    path: str
    body: Body = "text"
    counts: bool = True

    def fits(self, method: str, path: str) -> bool:
        """Whether it is the rule of a request."""
        return method in self.methods.split() and re.fullmatch(self.path, path) is not None


_COLLECTION = r"/v1/collections/[^/]+"
_ANY = "GET POST PUT PATCH DELETE"
# The first that fits. The use cases behind /v1 and the page ask again, and know the collection.
_RULES: Sequence[Rule] = (
    Rule("nothing", "GET", "/healthz|/readyz", "form"),
    Rule("nothing", "GET POST", LOGIN, "form"),
    Rule("nothing", "POST", LOGOUT, "form"),
    # The API
    Rule("owner", "POST", r"/v1/operations/[a-z._]+"),
    Rule("admin", "POST", f"{_COLLECTION}/ingest"),
    Rule("write", "POST", f"{_COLLECTION}/documents", "files"),
    Rule("write", "POST", "/v1/collections"),
    Rule("write", "DELETE", f"{_COLLECTION}(/documents/.*)?"),
    Rule("write", "GET", "/v1/jobs/[^/]+"),
    Rule("read", _ANY, "/v1/.*"),
    Rule("read", "GET", "/docs|/openapi.json|/metrics"),
    # MCP: its tools only read
    Rule("read", "GET POST DELETE", "/mcp"),
    # Reports quote documents, whatever their collection.
    Rule("admin", "GET", "/reports/(runs|adapters)/[^/]+"),
    # The page: itself, what it is drawn with, its events, and files for an upload
    Rule("read", "GET HEAD", "/"),
    Rule("read", "GET", "/theme.css|/favicon.ico|/(assets|static)/.*", counts=False),
    Rule("read", "GET", "/gradio_api/(queue/data|heartbeat/[^/]+|app_id)"),
    Rule("read", "POST", "/gradio_api/(queue/join|run/predict|cancel|reset)"),
    Rule("write", "POST", "/gradio_api/upload", "files"),
    Rule("write", "GET", "/gradio_api/upload_progress"),
)


def rule_for(method: str, path: str) -> Rule | None:
    """The rule of a request; None for what is not served."""
    return next((rule for rule in _RULES if rule.fits(method, path)), None)


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

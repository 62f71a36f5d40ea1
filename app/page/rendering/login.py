"""Logging in: the page that asks for a name and a password without any script, and the way out."""

from app.access.rules import LOGIN, LOGOUT
from app.access.values import Principal
from app.page.markup import Markup, tag
from app.page.texts import Texts

_STYLE = Markup(
    "<style>body{font-family:system-ui,sans-serif;background:#f8fafc;color:#0f172a;display:grid;"
    "place-items:center;min-height:95vh}form{display:grid;gap:12px;width:min(320px,90vw)}"
    "label{display:grid;gap:4px}input,button{font:inherit;padding:8px 10px;border-radius:8px;"
    "border:1px solid #94a3b8}button{background:#0f766e;color:#fff;border:0}[role=alert]{color:#b91c1c}"
    "@media(prefers-color-scheme:dark){body{background:#0d1418;color:#e2e8f0}"
    "input{background:#131c21;color:inherit}[role=alert]{color:#fca5a5}}</style>"
)
# "data:," keeps the browser from asking for a picture that it may not have yet.
_HEAD = Markup(
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
)


def login_page(texts: Texts, following: str, problem: str = "") -> str:
    """The whole page. `following` is the path that comes after, `problem` what was wrong the last time."""
    name = tag("label", texts.user_name, _input("name", "text", "username"))
    password = tag("label", texts.password, _input("password", "password", "current-password"))
    form = tag(
        "form",
        tag("h1", texts.title),
        tag("p", problem, role="alert") if problem else "",
        name,
        password,
        Markup('<input type="hidden" name="next" value="{}">').format(following),
        tag("button", texts.log_in, type="submit"),
        method="post",
        action=LOGIN,
    )
    head = tag("head", _HEAD, tag("title", f"{texts.title} – {texts.log_in}"), _STYLE)
    page = tag("html", head, tag("body", tag("main", form)), lang=texts.language)
    return f"<!doctype html>{page}"


def account(principal: Principal, texts: Texts) -> Markup:
    """The user's name and a button that logs out; nothing for a caller who did not log in."""
    if principal.kind != "user":
        return Markup("")
    return tag(
        "form",
        tag("span", principal.name),
        tag("button", texts.log_out, type="submit"),
        cls="dq-account",
        data_role=principal.role,
        method="post",
        action=LOGOUT,
    )


def _input(name: str, kind: str, completion: str) -> Markup:
    return Markup('<input name="{}" type="{}" autocomplete="{}" required>').format(name, kind, completion)

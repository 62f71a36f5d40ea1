"""Who is logged in, and the way out."""

from app.access.rules import LOGOUT
from app.access.values import Principal
from app.page.markup import Markup, tag
from app.page.texts import Texts


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

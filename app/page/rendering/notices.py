"""Messages above the page: something is done, or something failed and this is what to do."""

from app.page.markup import Markup, icon, tag
from app.page.texts import Texts
from knowledge_base.errors import DomainqaError


def failure(error: DomainqaError) -> Markup:
    """The one visible message of an error: its cause, then its remedy."""
    return tag(
        "div",
        icon("warning"),
        tag(
            "div",
            tag("p", error.cause.strip(), cls="dq-cause"),
            tag("p", error.remedy.strip(), cls="dq-remedy"),
        ),
        cls="dq-notice dq-error",
        role="alert",
    )


def success(text: str) -> Markup:
    """Something is done."""
    return tag("div", tag("p", text), cls="dq-notice dq-done", role="status")


def question(text: str) -> Markup:
    """Something that is asked before it is done."""
    return tag("div", icon("warning"), tag("p", text), cls="dq-notice dq-question", role="alert")


def hint(text: str) -> Markup:
    """What an empty place is for."""
    return tag("p", text, cls="dq-hint")


def section(text: str) -> Markup:
    """The head of a part of a tab."""
    return tag("h2", text, cls="dq-section")


def page_title(texts: Texts) -> Markup:
    """The head of the page."""
    return tag(
        "div",
        tag("span", "d", cls="dq-mark", aria_hidden="true"),
        tag("div", tag("h1", texts.title), tag("p", texts.subtitle), cls="dq-names"),
        cls="dq-brand",
    )


def theme_button(texts: Texts) -> Markup:
    """Switches between light and dark."""
    return tag(
        "button",
        icon("theme"),
        cls="dq-icon-button",
        data_theme=True,
        title=texts.theme,
        aria_label=texts.theme,
        type="button",
    )


def working(text: str) -> Markup:
    """Something is going on."""
    return tag("div", tag("span", cls="dq-spinner"), text, cls="dq-stage", role="status")

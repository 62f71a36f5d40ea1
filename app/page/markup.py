"""Builds HTML in which every text is escaped, unless it was built here: nothing can be forgotten."""

from collections.abc import Iterable

from markupsafe import Markup, escape

from knowledge_base.characters import with_visible_directions

Attribute = str | int | bool | None

__all__ = ["Attribute", "Markup", "icon", "join", "tag"]

_ICONS = {
    "up": "M7 11v9H4v-9zM7 11l4-8c1.5 0 2.5 1 2.5 2.5V9H19a2 2 0 0 1 2 2.3l-1.2 7A2 2 0 0 1 17.8 20H7",
    "down": "M17 13V4h3v9zM17 13l-4 8c-1.5 0-2.5-1-2.5-2.5V15H5a2 2 0 0 1-2-2.3l1.2-7A2 2 0 0 1 6.2 4H17",
    "edit": "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
    "again": "M20 11a8 8 0 1 0-2.3 5.7M20 5v6h-6",
    "copy": "M9 9h11v11H9zM5 15H4V4h11v1",
    "close": "M6 6l12 12M18 6L6 18",
    "search": "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.5 4.5",
    "document": "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
    "warning": "M12 4l9 16H3zM12 10v4M12 17v.5",
    "theme": "M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z",
}


def tag(name: str, *children: str, cls: str = "", **attributes: Attribute) -> Markup:
    """An element; children and values that are not Markup are escaped.

    `data_start=3` gives `data-start="3"`; None and False leave an attribute out, True gives it no value.
    """
    given = {"class": cls or None, **attributes}
    parts = [_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in given.items()]
    return Markup(f"<{name}{''.join(parts)}>") + join(children) + Markup(f"</{name}>")


def join(children: Iterable[str]) -> Markup:
    """Children one after the other, each escaped unless it is Markup; marks of direction are shown."""
    return Markup("").join(
        child if isinstance(child, Markup) else escape(with_visible_directions(child)) for child in children
    )


def icon(name: str) -> Markup:
    """A line drawing in the colour of the text around it."""
    path = Markup(f'<path d="{_ICONS[name]}"/>')
    return tag("svg", path, cls="dq-icon", viewBox="0 0 24 24", aria_hidden="true")


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'

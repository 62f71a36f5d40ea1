"""The page /docs: every route with an example, made from the OpenAPI description, and nothing is fetched."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from app.page.markup import Markup, join, tag

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 14px/1.5 ui-monospace, monospace; }
pre { background: #8881; padding: .8rem 1rem; border-radius: .5rem; overflow-x: auto; }
h2 { margin-top: 2.5rem; } h3 { margin-bottom: .2rem; }
:root { color-scheme: light dark; }
"""


def reference_page(described: Mapping[str, Any]) -> str:
    """The description as a page for people.

    Args:
        described: an OpenAPI 3.1 document, as FastAPI makes it.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("title", "domainqa API"),
        tag("style", Markup(_STYLE)),  # noqa: S704 - our own text
    )
    body = tag(
        "body",
        tag("h1", "domainqa API"),
        tag("p", "For tools: ", tag("a", "openapi.json", href="openapi.json"), "."),
        join(_groups(described)),
    )
    return f"<!doctype html>{tag('html', head, body, lang='en')}"


def _groups(described: Mapping[str, Any]) -> Iterator[Markup]:
    group = ""
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            (named,) = operation["tags"]
            if named != group:
                group = named
                yield tag("h2", named.capitalize())
            yield _route(method, path, operation, described)


def _route(method: str, path: str, operation: Mapping[str, Any], described: Mapping[str, Any]) -> Markup:
    examples = [
        tag("pre", json.dumps(example, ensure_ascii=False, indent=2))
        for example in _examples(operation, described)
    ]
    title = tag("h3", tag("code", f"{method.upper()} {path}"))
    return tag("section", title, tag("p", operation.get("description", "")), *examples)


def _examples(operation: Mapping[str, Any], described: Mapping[str, Any]) -> list[Any]:
    """The examples of the body that a route takes."""
    content = operation.get("requestBody", {}).get("content", {})
    reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    schema = described["components"]["schemas"].get(reference.rpartition("/")[2], {})
    return list(schema.get("examples", ()))

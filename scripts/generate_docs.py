"""Writes the documentation that the code already says: docs/cli.md, docs/settings.md, docs/map.md and
docs/training-options.md.

A test compares the files with what this script would write; `make docs` writes them.
"""

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

from app.cli import cli
from app.settings import Settings
from finetune.settings import RetrainSettings

ROOT = Path(__file__).parent.parent
PACKAGES = ("app", "finetune", "answering", "retrieval", "knowledge_base")
_MADE_BY = "*Written by `make docs` from the code; a test compares.*\n"
_WIDTH = 100


def documents() -> dict[str, str]:
    """Every generated file, by its path in the repository."""
    return {
        "docs/cli.md": "\n".join(_command_line()),
        "docs/settings.md": "\n".join(_settings()),
        "docs/map.md": "\n".join(_map()),
        "docs/training-options.md": "\n".join(_training_options()),
    }


def _command_line() -> Iterator[str]:
    yield f"# Command line\n\n{_MADE_BY}"
    for words in _commands(get_command(cli), ()):
        result = CliRunner().invoke(
            cli, [*words, "--help"], prog_name="domainqa", terminal_width=_WIDTH, max_content_width=_WIDTH
        )
        text = "\n".join(line.rstrip() for line in result.output.strip().split("\n"))
        yield f"## {' '.join(('domainqa', *words))}\n\n```text\n{text}\n```\n"


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:  # noqa: ANN401
    """The words of each command; the tree is Typer's own and has no public type."""
    yield words
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*words, name))


def _settings() -> Iterator[str]:
    yield f"""# Settings

{_MADE_BY}
A setting is taken from the command line, else from the environment (`DOMAINQA_READ_K=3`), else from
`settings.toml` in the home folder (`read_k = 3`); otherwise its default applies. A name that does not exist
is an error, and all problems are reported together. `home` cannot be set in that file.

| setting | default | values | meaning |
|---|---|---|---|"""
    defaults = {"home": "~/.local/share/domainqa", "models_cache": "~/.cache/domainqa/models"}
    for name, schema in Settings.model_json_schema()["properties"].items():
        default = defaults.get(name, schema.get("default"))
        shown = "" if default is None else f"`{json.dumps(default, ensure_ascii=False).strip(chr(34))}`"
        yield f"| `{name}` | {shown} | {_values(schema)} | {schema['description']} |"
    yield ""


def _values(schema: Mapping[str, Any]) -> str:
    """What a setting may be, in words."""
    kind = next((part for part in schema.get("anyOf", ()) if part["type"] != "null"), schema)
    if "enum" in kind:
        return ", ".join(f"`{value}`" for value in kind["enum"])
    if kind["type"] == "boolean":
        return "`true`, `false`"
    if kind["type"] in ("integer", "number"):
        least = f"{kind['minimum']:,}" if "minimum" in kind else f"more than {kind['exclusiveMinimum']:,}"
        return f"{'whole number' if kind['type'] == 'integer' else 'number'}, {least} to {kind['maximum']:,}"
    if kind["type"] == "array":
        return "list of texts"
    return {"path": "folder", "file-path": "file", "password": "secret"}.get(kind.get("format", ""), "text")


def _training_options() -> Iterator[str]:
    yield f"""# Training options

{_MADE_BY}
`domainqa retrain`, `train` and `evaluate` take them as `--set NAME=VALUE`. `--epochs`, `--rank`,
`--learning-rate` and `--seed` can also be given directly.

| option | default | meaning |
|---|---|---|"""
    for name, value in RetrainSettings().plain().items():
        shown = ",".join(map(str, value)) if isinstance(value, list) else value
        yield f"| `{name}` | `{shown}` | {RetrainSettings.model_fields[name].description} |"
    yield ""


def _map() -> Iterator[str]:
    yield f"# Map of the code\n\n{_MADE_BY}"
    yield "Imports run downwards only: app → finetune → answering → retrieval → knowledge_base.\n"
    for package in PACKAGES:
        yield f"## {package}\n\n| file | its job |\n|---|---|"
        for file in sorted((ROOT / package).rglob("*.py")):
            docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
            if docstring:
                yield f"| `{file.relative_to(ROOT).as_posix()}` | {docstring.partition(chr(10))[0]} |"
        yield ""


if __name__ == "__main__":
    for path, text in documents().items():
        (ROOT / path).write_text(text, encoding="utf-8")
        print(f"wrote {path}")

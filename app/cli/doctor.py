"""`domainqa doctor`: check the installation, and say how to fix what is wrong."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from app.cli.output import console, plain, write_json
from app.cli.state import Home, Json, remember

if TYPE_CHECKING:
    from app.doctor import Finding

UNSOUND = 11
_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(
    ctx: typer.Context,
    as_json: Json = False,
    quick: Annotated[bool, typer.Option("--quick", help="Do not load the models.")] = False,
    home: Home = None,
) -> None:
    """Check the installation, and load the models.

    It checks versions, models, disk, memory, processor, home folder, access and collections. Each line is ok,
    warn or fail, with the remedy. --json prints a list of {"check", "state", "seen", "remedy"}. The exit code
    is 11 if anything fails.

    \b
    Example:
      domainqa doctor
    """
    from app.doctor import examine
    from app.factories import PACKAGED

    state = remember(ctx, home)
    settings = state.settings()
    found = []
    for finding in examine(settings, partial(state.open, settings), PACKAGED, quick):
        found.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        from app import schema

        write_json([schema.Finding.model_validate(finding) for finding in found])
    if any(finding.state == "fail" for finding in found):
        raise typer.Exit(UNSOUND)


def _show(finding: Finding) -> None:
    out = console()
    line = Text(f"{finding.state:<5}", _STYLES[finding.state]).append(f"{finding.check}: ", "default")
    out.print(line.append_text(plain(finding.seen)))
    if finding.remedy:
        out.print(Text("     → ").append_text(plain(finding.remedy)))

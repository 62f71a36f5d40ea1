"""Lists pairs that are not used, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.cli.output import messages, plain

if TYPE_CHECKING:
    from finetune.pairs.values import Dropped

_SHOWN = 50


def show_dropped(dropped: Sequence[Dropped]) -> None:
    """One line for each on standard error; of very many the first, and how many there are of each reason."""
    from finetune.report.selections import by_reason

    out = messages()
    for entry in dropped[:_SHOWN]:
        question = f" ({entry.question})" if entry.question else ""
        out.print(plain(f"Dropped {entry.origin}: {entry.reason}{question}"), style="yellow", soft_wrap=True)
    if len(dropped) > _SHOWN:
        out.print(f"… and {len(dropped) - _SHOWN} more; --json lists all. By reason:")
        for reason, count in by_reason(dropped).most_common():
            out.print(plain(f"{count:6,}  {reason}"), soft_wrap=True)

"""Lists pairs that are not used, each with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from app.cli.output import messages, plain

_SHOWN = 50


def show_dropped(dropped: Sequence[Any]) -> None:
    """One line for each on standard error; of very many the first, and how many there are of each reason.

    Args:
        dropped: values with the fields of `app.schema.DroppedPair`.
    """
    out = messages()
    for entry in dropped[:_SHOWN]:
        question = f" ({entry.question})" if entry.question else ""
        out.print(plain(f"Dropped {entry.origin}: {entry.reason}{question}"), style="yellow", soft_wrap=True)
    if len(dropped) > _SHOWN:
        from finetune.report.words import kind_name

        out.print(f"… and {len(dropped) - _SHOWN} more; --json lists all. By reason:")
        for kind, count in Counter(entry.kind for entry in dropped).most_common():
            out.print(plain(f"{count:6,}  {kind_name(kind)}"), soft_wrap=True)

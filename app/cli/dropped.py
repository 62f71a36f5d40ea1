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
    from finetune.report.builders import by_reason
    from finetune.report.words import kind_name, sentence_of

    out = messages()
    for entry in dropped[:_SHOWN]:
        question = f" ({entry.question})" if entry.question else ""
        line = f"Dropped {entry.origin}: {sentence_of(entry.reason)}{question}"
        out.print(plain(line), style="yellow", soft_wrap=True)
    if len(dropped) > _SHOWN:
        out.print(f"… and {len(dropped) - _SHOWN} more; --json lists all. By reason:")
        for kind, count in by_reason(dropped).most_common():
            out.print(plain(f"{count:6,}  {kind_name(kind)}"), soft_wrap=True)

"""Why a candidate was promoted or rejected, and reads as it does: kinds with figures, worded where shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ReasonKind = Literal[
    "few_answerable",
    "few_unanswerable",
    "no_other",
    "not_better",
    "wrong_refusals",
    "few_refusals",
    "fewer_refusals",
    "forgets",
    "forgetting_unknown",
    "slow",
    "better",
    "from_memory",
    "reads_focused",
    "reads_each",
    "reads_together",
    "reads_uncompared",
    "reads_nothing",
    "refuses_as_base",
]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason; `figures` are those that its sentence names, with the name of another contender in `name`.

    See the fields `reason_…` of `finetune.report.text_fields.ReportWords` for the sentences.
    """

    kind: ReasonKind
    figures: Mapping[str, int | float | str]


# What earlier versions of this program wrote is a sentence in English.
Told = Reason | str

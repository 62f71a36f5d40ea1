"""The report page of one run: the verdict and its reasons, figures, plots, and what went wrong where.

One HTML text that needs nothing else: it can be opened from a disk, sent and kept. Everything that came
from outside is escaped, and the page itself forbids scripts and anything fetched.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from finetune.evaluation.bootstrap import CONFIDENCE, Estimate
from finetune.evaluation.calibration import WRONG_REFUSALS
from finetune.evaluation.forgetting import Forgetting
from finetune.evaluation.gate import Verdict
from finetune.evaluation.plots import SERIES, LossPoint, RefusalLine, loss_plot, refusal_plot
from finetune.evaluation.scoring import Scored, Summary
from finetune.evaluation.values import CANDIDATE, Case

_LONGEST_TEXT = 600  # characters of a question or reply that are shown
_LANGUAGES = {"en": "English", "zh": "Chinese"}


@dataclass(frozen=True, slots=True)
class Table:
    """The summaries of all contenders on one group of cases: all of them, one language, one kind."""

    title: str
    summaries: Mapping[str, Summary]


@dataclass(frozen=True, slots=True)
class Source:
    """Where training pairs came from, under which licence, and how many."""

    name: str
    licence: str
    pairs: int


@dataclass(frozen=True, slots=True)
class Lost:
    """One pair that was not used: where it came from, its question, and why."""

    origin: str
    question: str
    reason: str


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """Counts by what they count ("pairs", "samples"), dropped pairs by reason, the sources, and each pair."""

    counts: Mapping[str, int]
    dropped: Mapping[str, int]
    sources: tuple[Source, ...]
    lost: tuple[Lost, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """One case with the scored replies of several contenders by name, in the order they are shown in."""

    case: Case
    scored: Mapping[str, Scored]


@dataclass(frozen=True, slots=True)
class ReportData:
    """All that a report shows, as it is shown: `made` is a date and time, mappings keep their order.

    `version` names the candidate, `regressions` are from `worst`, `examples` from `drawn`, `allowed` is the
    share of wrong refusals that the threshold was set for, `confidence` is that of all intervals.
    """

    title: str
    version: str
    made: str
    verdict: Verdict
    tables: tuple[Table, ...]
    forgetting: Forgetting | None
    losses: tuple[LossPoint, ...]
    refusals: tuple[RefusalLine, ...]
    trained_on: TrainedOn
    regressions: tuple[Comparison, ...]
    examples: tuple[Comparison, ...]
    settings: Mapping[str, str]
    versions: Mapping[str, str]
    digests: Mapping[str, str]
    allowed: float = WRONG_REFUSALS
    confidence: float = CONFIDENCE


def worst(
    name: str, candidate: Sequence[Scored], other_name: str, other: Sequence[Scored], most: int = 10
) -> tuple[Comparison, ...]:
    """The cases where the candidate lost most against the other contender, the greatest loss first.

    Cases that only one of them answered are left out; there may be fewer than `most`.
    """
    by_id = {entry.case.id: entry for entry in other}
    pairs = [(by_id[entry.case.id], entry) for entry in candidate if entry.case.id in by_id]
    lost = sorted(
        ((before, after) for before, after in pairs if after.f1 < before.f1),
        key=lambda pair: pair[1].f1 - pair[0].f1,
    )
    return tuple(Comparison(after.case, {other_name: before, name: after}) for before, after in lost[:most])


def drawn(scored: Mapping[str, Sequence[Scored]], most: int = 10, seed: int = 0) -> tuple[Comparison, ...]:
    """Cases drawn at random, with the replies of every contender, in the order of the cases."""
    by_id = {name: {entry.case.id: entry for entry in entries} for name, entries in scored.items()}
    first: Sequence[Scored] = next(iter(scored.values()), ())
    shared = [entry.case for entry in first if all(entry.case.id in known for known in by_id.values())]
    chosen = sorted(random.Random(seed).sample(range(len(shared)), min(most, len(shared))))
    return tuple(
        Comparison(shared[place], {name: known[shared[place].id] for name, known in by_id.items()})
        for place in chosen
    )


def render_report(report: ReportData) -> str:
    """The page as HTML."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"shown": _shown, "percent": _percent, "figure": _figure, "signed": _signed}
    page = environment.from_string(_packaged("report.html")).render(
        report=report,
        style=Markup(_packaged("report.css")),  # noqa: S704 - our own file
        loss=loss_plot(report.losses) if report.losses else None,
        refusals=refusal_plot(report.refusals, report.allowed) if report.refusals else None,
        series=SERIES,
        languages=_LANGUAGES,
        candidate=CANDIDATE,
    )
    return page.lstrip()


def _packaged(name: str) -> str:
    return (files("finetune.evaluation") / name).read_text(encoding="utf-8")


def _shown(text: str) -> str:
    """A text from outside, cut where it is too long to be looked at."""
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT].rstrip() + "…"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _figure(value: float) -> str:
    return f"{value:.3f}"


def _signed(estimate: Estimate) -> str:
    return f"{estimate.mean:+.3f}"

"""The report page of an evaluation: figures, gains, regressions and examples of the adapters asked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finetune.evaluation.bootstrap import Estimate, paired_gain
from finetune.evaluation.scoring import Scored
from finetune.evaluation.values import BASE, EXAMPLES
from finetune.pairs.values import Dropped
from finetune.report.comparisons import best_of, drawn, tables_of, worst
from finetune.report.making import now, versions
from finetune.report.pages import render_report
from finetune.report.selections import by_reason, lost_of, sources_of
from finetune.report.values import Comparison, EvaluationReport, Gain, Making, Measurement, Selection
from finetune.retrain.values import Given, RetrainSettings, Surroundings

_REGRESSIONS = 10  # of all adapters together
Gains = Mapping[tuple[str, str], Estimate]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was given, which pairs were dropped, how each contender replied, and gains by (adapter, base)."""

    given: Given
    dropped: tuple[Dropped, ...]
    scored: Mapping[str, Sequence[Scored]]
    gains: Gains


def gains_of(scored: Mapping[str, Sequence[Scored]], adapters: Sequence[str]) -> Gains:
    """The gain in F1 of each adapter over the base and over the base with worked examples."""

    def answerable(name: str) -> list[float]:
        return [entry.f1 for entry in scored[name] if entry.case.answerable]

    return {
        (adapter, other): paired_gain(answerable(adapter), answerable(other))
        for adapter in adapters
        for other in (BASE, EXAMPLES)
        if answerable(adapter)
    }


def evaluation_page(
    collection: str,
    asked: Asked,
    adapters: Mapping[str, str],
    surroundings: Surroundings,
    settings: RetrainSettings,
) -> str:
    """The page as HTML; `adapters` are references with the digests of their weights."""
    kinds = Counter(entry.case.kind for entry in asked.scored[BASE])
    digests = {"base": surroundings.base_digest, **adapters}
    return render_report(
        EvaluationReport(
            name=collection,
            made=now(),
            measurement=Measurement(
                tables=tables_of(asked.scored),
                gains=tuple(Gain(name, over, gain) for (name, over), gain in asked.gains.items()),
                measured=tuple(adapters),
                regressions=_regressions(asked.scored, list(adapters)),
                examples=drawn(asked.scored),
            ),
            selection=Selection(
                counts={
                    "pairs_given": len(asked.given.pairs),
                    **{f"cases_{kind}": count for kind, count in sorted(kinds.items())},
                },
                dropped=by_reason(asked.dropped),
                sources=sources_of(asked.given.sources),
                lost=lost_of(asked.dropped, settings.checks.public),
            ),
            making=Making(
                settings={"heldout": str(settings.heldout), "seed": str(settings.seed)},
                versions=versions(),
                digests=digests | {data.name: data.digest for data in asked.given.sources},
            ),
        ),
        surroundings.language,
    )


def _regressions(scored: Mapping[str, Sequence[Scored]], adapters: Sequence[str]) -> tuple[Comparison, ...]:
    """Where each adapter lost most against the best of the others."""
    found: list[Comparison] = []
    for adapter in adapters:
        best = best_of({name: entries for name, entries in scored.items() if name != adapter})
        found += worst(adapter, scored[adapter], best, scored[best], -(-_REGRESSIONS // len(adapters)))
    return tuple(found)

"""Renders report pages: one HTML text each that needs nothing else and can be opened, sent and kept.

Everything that came from outside is escaped, and a page itself forbids scripts and anything fetched.
"""

from collections.abc import Mapping
from functools import partial
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from finetune.evaluation.bootstrap import Estimate
from finetune.reasons import ReasonKind
from finetune.report.plots import SERIES, loss_plot, refusal_plot
from finetune.report.texts_en import ReportWords
from finetune.report.values import EvaluationReport, PairsReport, RetrainingReport, TrainingReport
from finetune.report.words import WORDS, kind_name, sentence_of
from retrieval.prompt import Language

_LONGEST_TEXT = 600  # characters of a question or reply that are shown

Report = RetrainingReport | TrainingReport | EvaluationReport | PairsReport

_TEMPLATES: dict[type[Report], str] = {
    RetrainingReport: "retraining.html",
    TrainingReport: "training.html",
    EvaluationReport: "evaluation.html",
    PairsReport: "pairs.html",
}


def render_report(report: Report, language: Language = "en") -> str:
    """The page of a report as one HTML text, in the language of the reader."""
    page = environment(language).get_template(_TEMPLATES[type(report)]).render(report=report)
    return page.lstrip()


def environment(language: Language) -> Environment:
    """The templates of reports with the words of a language."""
    words = WORDS[language]
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_packaged),
    )
    environment.filters |= {
        "shown": _shown,
        "percent": _percent,
        "figure": _figure,
        "signed": _signed,
        "contender": lambda name: words.contenders.get(name, name),
        "sentence": partial(sentence_of, words=words),
        "counted": partial(_counted, words=words),
        "reasons": partial(_reasons, words=words),
    }
    environment.globals |= {
        "words": words,
        "style": Markup(_packaged("report.css")),  # noqa: S704 - our own file
        "loss_plot": partial(loss_plot, words=words),
        "refusal_plot": partial(refusal_plot, words=words),
        "series": SERIES,
    }
    return environment


def _packaged(name: str) -> str:
    return (files("finetune.report") / name).read_text(encoding="utf-8")


def _counted(counts: Mapping[str, int], words: ReportWords) -> list[tuple[str, int]]:
    return [(words.counts[name], number) for name, number in counts.items()]


def _reasons(dropped: Mapping[ReasonKind, int], words: ReportWords) -> list[tuple[str, int]]:
    return [(kind_name(kind, words), number) for kind, number in dropped.items()]


def _shown(text: str) -> str:
    """A text from outside, cut where it is too long to be looked at."""
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT].rstrip() + "…"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _figure(value: float) -> str:
    return f"{value:.3f}"


def _signed(estimate: Estimate) -> str:
    return f"{estimate.mean:+.3f}"

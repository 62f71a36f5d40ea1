"""The words of report pages by language: what contenders, counts and reasons are called."""

from collections.abc import Iterable

from finetune.evaluation.reasons import Told
from finetune.evaluation.values import BASE, CANDIDATE, EXAMPLES, LIVE, NO_CONTEXT
from finetune.report.text_fields import ReportWords
from finetune.report.texts_en import EN
from finetune.report.texts_zh import ZH
from retrieval.prompt import Language

WORDS: dict[Language, ReportWords] = {"en": EN, "zh": ZH}


def contender_name(name: str, words: ReportWords) -> str:
    """How a contender is called; a version of an adapter by its reference."""
    known = {
        BASE: words.base,
        EXAMPLES: words.examples,
        LIVE: words.live,
        CANDIDATE: words.candidate,
        NO_CONTEXT: words.no_context,
    }
    return known.get(name, name)


def count_name(name: str, words: ReportWords) -> str:
    """What a count counts; AttributeError for one that has no word."""
    told: str = getattr(words, f"count_{name}")
    return told


def sentence_of(reason: Told, words: ReportWords) -> str:
    """A reason of a verdict as a sentence; one that was stored as a sentence stays what it is."""
    if isinstance(reason, str):
        return reason
    figures = dict(reason.figures)
    if "name" in figures:
        figures["name"] = contender_name(str(figures["name"]), words)
    told: str = getattr(words, f"reason_{reason.kind}")
    return told.format(**figures)


def sentences_of(reasons: Iterable[Told], language: Language) -> list[str]:
    """The reasons of a verdict in a language."""
    return [sentence_of(reason, WORDS[language]) for reason in reasons]

"""The words of report pages by language, and how contenders are called there."""

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

"""What reasons, counts and contenders are called in each language."""

from collections.abc import Iterable, Mapping

from finetune.pairs.personal import KINDS, name_of
from finetune.pairs.values import Dropped
from finetune.reasons import ReasonKind, StoredReason
from finetune.report.texts_en import ReportWords
from finetune.report.texts_zh import ZH
from retrieval.prompt import Language

EN = ReportWords()
WORDS: dict[Language, ReportWords] = {"en": EN, "zh": ZH}


class _Blanks(dict[str, object]):
    """Figures that are not given are shown as "…"."""

    def __missing__(self, name: str) -> str:
        return "…"


def sentence_of(reason: StoredReason, words: ReportWords = EN) -> str:
    """A reason as a sentence; one that was stored as a sentence stays what it is."""
    if isinstance(reason, str):
        return reason
    return words.reasons[reason.kind].format_map(_localised(reason.figures, words))


def kind_name(kind: ReasonKind, words: ReportWords = EN) -> str:
    """A kind of reason, without the figures that differ from pair to pair."""
    return words.reasons[kind].format_map(_Blanks())


def sentences_of(reasons: Iterable[StoredReason], language: Language) -> list[str]:
    """The reasons of a verdict in a language."""
    return [sentence_of(reason, WORDS[language]) for reason in reasons]


def dropped_line(entry: Dropped) -> dict[str, object]:
    """A dropped pair as programs read it: with the kind of its reason, and the reason as a sentence."""
    return {
        "id": entry.id,
        "question": entry.question,
        "origin": entry.origin,
        "kind": entry.reason.kind,
        "reason": sentence_of(entry.reason),
    }


def _localised(figures: Mapping[str, object], words: ReportWords) -> dict[str, object]:
    """Names of contenders, languages, kinds of questions and personal data in the language of the words."""
    shown = dict(figures)
    if "name" in shown:
        shown["name"] = words.contenders.get(str(shown["name"]), shown["name"])
    for name in ("language", "question_kind"):
        if name in shown:
            shown[name] = words.groups.get(str(shown[name]), shown[name])
    if "personal" in shown:
        found = str(shown["personal"]).split(", ")
        names = [name_of(kind, words.language) for kind in KINDS if kind in found]
        shown["personal"] = (", " if words.language == "en" else "、").join(names)
    return shown

"""Reasons of decisions: a kind with figures, which reports word in each language."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ReasonKind = Literal[
    # Why a candidate was promoted or rejected
    "few_answerable", "few_unanswerable", "no_other", "not_better", "wrong_refusals", "few_refusals",
    "fewer_refusals", "forgets", "forgetting_unknown", "slow", "slow_first_word", "slow_words", "better",
    "kind_gained", "kind_lost", "from_memory",
    # Why it reads as it does
    "reads_compressed", "reads_each", "reads_together", "reads_uncompared", "reads_nothing",
    "refuses_as_base",
    # Why a pair is not used: as it was read, checked, generated, divided, made a sample, or given by users
    "unreadable", "question_empty", "answer_empty", "question_too_long", "sentence_too_long",
    "answer_too_long", "question_holds_answer", "unknown_language", "unwanted_language", "personal_data",
    "personal_answer", "repeated", "contradicts", "evidence_nowhere", "document_unknown",
    "evidence_not_there", "answer_not_in_evidence", "answer_not_found",
    "nothing_written", "no_question", "question_vague", "answer_vague", "answer_refusal",
    "answer_not_in_passage", "answer_is_passage", "answer_in_no_sentence", "passage_not_found",
    "repeated_question", "ambiguous",
    "shares_document", "asks_the_same", "quotes_the_same", "evidence_in_no_passage", "beyond_context",
    "thumb_down", "uncited",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason; `figures` fill the blanks of its sentence in `finetune.report.texts_en` and `texts_zh`."""

    kind: ReasonKind
    figures: Mapping[str, int | float | str] = field(default_factory=dict)


# In manifests of schema 1 a reason is a sentence in English.
StoredReason = Reason | str

"""Scores answers: EM and F1, refusals, citations, time; and summarises the scores of a contender."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from answering.values import Answer
from finetune.evaluation.bootstrap import CONFIDENCE, RESAMPLES, Estimate, mean_interval
from finetune.evaluation.cases import Case
from finetune.metrics import answer_tokens, exact_match, f1
from finetune.pairs.values import Evidence

_BLANK = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Scored:
    """A case, its answer, and what that is worth.

    `em` and `f1` in 0…1: of an answerable case how near the answer is, 0 if it was refused; of any other 1 if
    it was refused, else 0. `cites` says whether an answer cites its evidence, `hit` whether a document of
    the evidence was among those that were read; None where the question does not arise.
    """

    case: Case
    answer: Answer
    em: float
    f1: float
    cites: bool | None
    hit: bool | None

    @property
    def refused(self) -> bool:
        """Whether the contender refused."""
        return self.answer.refused

    @property
    def seconds_to_first_word(self) -> float:
        """Search, packing and reading; all seconds of an answer without stages."""
        stages = self.answer.trace.seconds
        return sum(stages.values()) - _writing(stages) if stages else self.answer.seconds

    @property
    def seconds_per_word(self) -> float | None:
        """Writing and checking by words, or Han characters, of the answer; None where nothing was written."""
        words = len(answer_tokens(self.answer.text))
        writing = _writing(self.answer.trace.seconds)
        return writing / words if words and writing and not self.refused else None


def _writing(stages: Mapping[str, float]) -> float:
    return stages.get("write", 0.0) + stages.get("check", 0.0)


@dataclass(frozen=True, slots=True)
class Summary:
    """What one contender reached; an estimate is None where there was nothing to measure.

    `em` and `f1` are over the answerable cases, `f1_all` over all of them with a right refusal as 1 (as
    SQuAD 2.0 counts, Rajpurkar et al. 2018). `refusal_precision` is the share of refusals that were right,
    `refusal_recall` the share of unanswerable cases that were refused, `false_refusals` the share of
    answerable ones that were. `citations` is over the answers given to answerable cases, `hits` over the
    answerable cases. `median` and `slow` are the 50th and 95th percentile of the seconds of an answer.
    """

    count: int
    em: Estimate | None
    f1: Estimate | None
    f1_all: Estimate | None
    refusal_precision: Estimate | None
    refusal_recall: Estimate | None
    false_refusals: Estimate | None
    citations: Estimate | None
    hits: Estimate | None
    median: float
    slow: float


def score(case: Case, answer: Answer) -> Scored:
    """What `answer` is worth as the answer to `case`."""
    if not case.answerable:
        right = float(answer.refused)
        return Scored(case, answer, right, right, None, None)
    documents = {place.document for place in case.evidence}
    found = {entry.passage.document for entry in answer.trace.ranked}
    return Scored(
        case,
        answer,
        em=0.0 if answer.refused else exact_match(answer.text, case.answers),
        f1=0.0 if answer.refused else f1(answer.text, case.answers),
        cites=cites_evidence(answer, case.evidence) if documents and not answer.refused else None,
        hit=bool(documents & found) if documents else None,
    )


def cites_evidence(answer: Answer, evidence: Sequence[Evidence]) -> bool:
    """Whether a citation is in a right document and its quote overlaps the evidence there.

    One quote must hold the other, white space aside, since a PDF breaks lines where the page ends. Evidence
    without a quote stands anywhere in its document.
    """
    return any(
        citation.document == place.document and overlap(citation.quote, place.quote)
        for citation in answer.citations
        for place in evidence
    )


def overlap(quote: str, wanted: str) -> bool:
    """Whether one text holds the other, white space aside; an empty `wanted` is in every quote."""
    quote, wanted = _BLANK.sub("", quote), _BLANK.sub("", wanted)
    return wanted in quote or bool(quote and quote in wanted)


def summarise(
    scored: Sequence[Scored], confidence: float = CONFIDENCE, resamples: int = RESAMPLES, seed: int = 0
) -> Summary:
    """The means of one contender's scores with their bootstrap intervals."""

    def estimate(of: Sequence[Scored], value: Callable[[Scored], float | None]) -> Estimate | None:
        values = [float(known) for known in map(value, of) if known is not None]
        return mean_interval(values, confidence, resamples, seed) if values else None

    answerable = [entry for entry in scored if entry.case.answerable]
    unanswerable = [entry for entry in scored if not entry.case.answerable]
    refused = [entry for entry in scored if entry.refused]
    return Summary(
        count=len(scored),
        em=estimate(answerable, lambda entry: entry.em),
        f1=estimate(answerable, lambda entry: entry.f1),
        f1_all=estimate(scored, lambda entry: entry.f1),
        refusal_precision=estimate(refused, lambda entry: not entry.case.answerable),
        refusal_recall=estimate(unanswerable, lambda entry: entry.refused),
        false_refusals=estimate(answerable, lambda entry: entry.refused),
        citations=estimate(answerable, lambda entry: entry.cites),
        hits=estimate(answerable, lambda entry: entry.hit),
        median=seconds_at(scored, 0.5),
        slow=seconds_at(scored, 0.95),
    )


def seconds_at(scored: Sequence[Scored], share: float) -> float:
    """The seconds within which `share` of the answers came; 0.0 if there are none."""
    return float(np.quantile([entry.answer.seconds for entry in scored], share)) if scored else 0.0

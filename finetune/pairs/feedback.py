"""Verdicts and corrections of users become pairs; what cannot become one has its reason."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from finetune.pairs.evidence import located
from finetune.pairs.store import Source
from finetune.pairs.values import SENTENCE_ENDS, Dropped, Evidence, Pair
from finetune.reasons import Reason, ReasonKind
from finetune.registry.manifest import Data
from knowledge_base.values import Passage, digest_of
from retrieval.prompt import is_refusal

Verdict = Literal["up", "down"]

ORIGIN = "feedback"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One verdict on one answer; `passages` and `citations` are as they were read and shown."""

    answer_id: str
    given_at: str
    collection: str
    question: str
    standalone: str
    answer: str
    refused: bool
    adapter: str
    prompt_version: int
    passages: tuple[dict[str, object], ...]
    citations: tuple[dict[str, object], ...]
    verdict: Verdict
    correction: str
    comment: str


def feedback_source(entries: Sequence[Feedback]) -> Source:
    """The pairs that feedback gives, each with the id and origin of its answer."""
    results = [_pair_of(entry) for entry in entries]
    pairs = tuple(result for result in results if isinstance(result, Pair))
    text = json.dumps([asdict(pair) for pair in pairs], ensure_ascii=False)
    data = Data(
        name=ORIGIN,
        digest=digest_of(text.encode("utf-8", errors="replace")),
        source="verdicts and corrections of users",
        pairs=len(pairs),
    )
    dropped = tuple(result for result in results if isinstance(result, Dropped))
    return Source(data, pairs, dropped=dropped)


def _pair_of(entry: Feedback) -> Pair | Dropped:
    """A correction says what would be right; else a thumb up says that the answer, or the refusal, was."""
    if entry.correction:
        return _corrected(entry)
    if entry.verdict == "down":
        return _dropped(entry, "thumb_down")
    if entry.refused:
        return _pair(entry, "")
    evidence = dict.fromkeys(_cited(citation) for citation in entry.citations)
    if not evidence:
        return _dropped(entry, "uncited")
    return _pair(entry, entry.answer, tuple(evidence))


def _corrected(entry: Feedback) -> Pair:
    """Its evidence is the passage that was read for it and holds the corrected answer.

    If none does, it is left open, and the check looks for one that holds it now.
    """
    if is_refusal(entry.correction):
        return _pair(entry, "")
    pair = _pair(entry, entry.correction)
    found = located(pair, [_passage(stored) for stored in entry.passages])
    return found if isinstance(found, Pair) else pair


def _pair(entry: Feedback, answer: str, evidence: tuple[Evidence, ...] = ()) -> Pair:
    return Pair(
        id=f"{ORIGIN}-{entry.answer_id}",
        question=entry.standalone or entry.question,
        answers=(answer,) if answer else (),
        sentence=answer if answer.endswith(SENTENCE_ENDS) else "",
        evidence=evidence,
        origin=ORIGIN,
    )


def _dropped(entry: Feedback, kind: ReasonKind) -> Dropped:
    return Dropped(f"{ORIGIN}-{entry.answer_id}", entry.question, ORIGIN, Reason(kind))


def _cited(citation: Mapping[str, object]) -> Evidence:
    return Evidence(str(citation["document"]), str(citation["quote"]))


def _passage(stored: Mapping[str, object]) -> Passage:
    """The passage as it was read; title and headings stand above its text in what was stored."""
    start, end = int(str(stored["start"])), int(str(stored["end"]))
    text = str(stored["text"])
    return Passage(str(stored["document"]), 0, text[max(0, len(text) - (end - start)) :], start, end, "")

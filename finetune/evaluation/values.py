"""What evaluation asks and gets back: questions whose right reply is known, and what a contender replied."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from finetune.pairs.values import Pair
from knowledge_base.errors import InputError
from knowledge_base.values import digest_of
from retrieval.prompt import Language, language_of

Kind = Literal["answerable", "unanswerable", "removed"]
Cited = tuple[tuple[str, str], ...]

# The names of the contenders, as reports show them.
BASE = "base"
EXAMPLES = "base + examples"
LIVE = "live"
CANDIDATE = "candidate"
NO_CONTEXT = "candidate, no context"


@dataclass(frozen=True, slots=True)
class Question:
    """What a contender is asked; `without` are documents that its search must not see."""

    text: str
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reply:
    """What one contender answered to one question.

    `confidence` is the probability in 0…1 by which it decided to answer, `cited` are (document, quote),
    `found` the documents of the passages that were read, best first, `seconds` the time of this question.
    """

    text: str
    refused: bool
    confidence: float
    cited: Cited
    found: tuple[str, ...]
    seconds: float


Ask = Callable[[Sequence[Question]], list[Reply]]


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what would be right: the accepted answers (none: refuse) and where they stand.

    `evidence` are (document, quote), each of which alone supports the answer; a quote "" means anywhere in
    the document. `kind` is "removed" where the evidence was taken out of the search.
    """

    question: Question
    answers: tuple[str, ...]
    evidence: Cited
    id: str
    kind: Kind
    language: Language

    @property
    def answerable(self) -> bool:
        """Whether an answer would be right, and not the refusal."""
        return bool(self.answers)


def cases_of(pairs: Sequence[Pair], share: float = 1.0, seed: int = 0) -> list[Case]:
    """Every pair as it is, and a share of the answerable ones once more without their evidence.

    Without its evidence a question meets passages about the same subject, and the right reply is the
    refusal: this is the hard way of being unanswerable. It can only be made of pairs whose evidence names
    all documents that hold the answer.

    Args:
        pairs: question–answer pairs whose ids differ.
        share: of the answerable pairs that name their evidence, in 0…1, drawn by seed and id alone, so that
            the order of the pairs does not matter.
        seed: another one draws others.

    Raises:
        InputError: if the share is not in 0…1.
    """
    if not 0 <= share <= 1:
        raise InputError(f"The share {share} is not between 0 and 1.", "Give 0.5 for every second pair.")
    candidates = sorted(
        (pair for pair in pairs if pair.answerable and pair.evidence),
        key=lambda pair: digest_of(f"{seed}\0{pair.id}".encode()),
    )
    drawn = {pair.id for pair in candidates[: round(share * len(candidates))]}
    cases = []
    for pair in pairs:
        cases.append(_as_it_is(pair))
        if pair.id in drawn:
            cases.append(_without_evidence(pair))
    return cases


def _as_it_is(pair: Pair) -> Case:
    return Case(
        question=Question(pair.question),
        answers=pair.answers,
        evidence=tuple((entry.document, entry.quote) for entry in pair.evidence) if pair.answerable else (),
        id=pair.id,
        kind="answerable" if pair.answerable else "unanswerable",
        language=language_of(pair.question),
    )


def _without_evidence(pair: Pair) -> Case:
    documents = frozenset(entry.document for entry in pair.evidence)
    return Case(
        question=Question(pair.question, documents),
        answers=(),
        evidence=(),
        id=f"{pair.id} without its evidence",
        kind="removed",
        language=language_of(pair.question),
    )

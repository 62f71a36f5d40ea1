"""Test cases: questions whose right answer is known."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from answering.values import Answer
from finetune.pairs.values import Evidence, Pair, Task
from knowledge_base.errors import InputError
from knowledge_base.values import digest_of
from retrieval.prompt import Language, Message, language_of

Kind = Literal["answerable", "unanswerable", "removed"]
T = TypeVar("T")

# The names of the contenders, as reports show them.
BASE = "base"
EXAMPLES = "base + examples"
LIVE = "live"
CANDIDATE = "candidate"
NO_CONTEXT = "candidate, no context"


@dataclass(frozen=True, slots=True)
class Case:
    """A question, or a task, with what would be right: the accepted answers (none: refuse) and the evidence.

    Each piece of `evidence` supports the answer by itself. `without` are documents that the search must not
    see; `kind` is "removed" where these are the evidence. A task has `messages`, and is asked without search.
    """

    id: str
    question: str
    answers: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    kind: Kind
    language: Language
    without: frozenset[str] = frozenset()
    messages: tuple[Message, ...] = ()

    @property
    def answerable(self) -> bool:
        """Whether an answer would be right, and not the refusal."""
        return bool(self.answers)


# Asks one contender; see `finetune.pipeline.Pipeline.ask`.
Ask = Callable[[Case], Answer]


def cases_of(pairs: Sequence[Pair], share: float = 1.0, seed: int = 0) -> list[Case]:
    """Every pair as it is, and a share of the answerable ones once more without their evidence.

    Without its evidence a question meets passages about the same subject, and the right answer is the
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
        language = language_of(pair.question)
        evidence = pair.evidence if pair.answerable else ()
        kind: Kind = "answerable" if pair.answerable else "unanswerable"
        cases.append(Case(pair.id, pair.question, pair.answers, evidence, kind, language))
        if pair.id in drawn:
            removed = frozenset(place.document for place in pair.evidence)
            name = f"{pair.id} without its evidence"
            cases.append(Case(name, pair.question, (), (), "removed", language, removed))
    return cases


def case_of_task(task: Task) -> Case:
    """A task, asked without search; its reply is the accepted answer."""
    asked = task.messages[-1].content
    language = language_of(asked)
    return Case(task.id, asked, (task.reply,), (), "answerable", language, messages=task.messages)


def cases_to_ask(pairs: Sequence[Pair], most: int, seed: int) -> list[Case]:
    """About `most` cases of test pairs, languages and kinds drawn evenly.

    Answerable questions get two thirds of the room, since the gain is measured on them.
    """
    cases = cases_of(pairs, share=0.5, seed=seed)
    groups: dict[tuple[str, bool], list[Case]] = {}
    for case in sorted(cases, key=lambda case: digest_of(f"{seed}\0{case.id}".encode())):
        groups.setdefault((case.language, case.answerable), []).append(case)
    languages = len({language for language, _ in groups})
    chosen: set[str] = set()
    for (_, answerable), members in groups.items():
        room = (most * 2 // 3 if answerable else most // 3) // languages
        chosen.update(case.id for case in members[: max(1, room)])
    return [case for case in cases if case.id in chosen]


def draw(entries: Sequence[T], most: int, seed: int) -> list[T]:
    """At most `most` of them from everywhere, in their order; the seed decides which."""
    chosen = random.Random(seed).sample(range(len(entries)), min(most, len(entries)))
    return [entries[place] for place in sorted(chosen)]

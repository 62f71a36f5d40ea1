"""Asks every contender every case and scores the replies; what was answered before is not asked again."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.evaluation.replies import Key, ReplyStore
from finetune.evaluation.scoring import Scored, score
from finetune.evaluation.values import Ask, Case
from knowledge_base.errors import InputError
from knowledge_base.values import digest_of
from retrieval.packaged import Progress, silent

# An interruption loses at most the replies of one batch; a larger one would let a generator batch more.
BATCH = 8


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scored cases of each contender, in the order in which the cases were given."""

    scored: Mapping[str, tuple[Scored, ...]]


def evaluate(
    cases: Sequence[Case],
    contenders: Mapping[str, Ask],
    progress: Progress = silent,
    store: Path | None = None,
    digests: Mapping[str, str] | None = None,
) -> Evaluation:
    """Every contender's replies to every case, scored.

    Args:
        cases: questions with what would be right; their ids differ.
        contenders: how each is asked, by name.
        progress: is told the contender, how many cases it has answered, and how many there are.
        store: a file of JSON lines to which each reply is added; replies in it are taken as they are.
        digests: for each contender what its replies depend on (adapter, index, settings, prompt version): a
            stored reply counts only under the same one. One that is not named has "".

    Raises:
        InputError: if there are no cases or two have one id.
        StorageError: if the file cannot be read or written.
    """
    _check(cases)
    replies = ReplyStore(store)
    scored = {}
    for name, ask in contenders.items():
        keys = [_key(name, case, (digests or {}).get(name, "")) for case in cases]
        _ask_what_is_missing(dict(zip(keys, cases, strict=True)), ask, replies, progress)
        scored[name] = tuple(score(case, replies[key]) for key, case in zip(keys, cases, strict=True))
    return Evaluation(scored)


def _check(cases: Sequence[Case]) -> None:
    if not cases:
        raise InputError("There are no cases to evaluate.", "Give pairs that are held out of training.")
    repeated = [name for name, times in Counter(case.id for case in cases).items() if times > 1]
    if repeated:
        raise InputError(
            f"The case {repeated[0]} is there {Counter(c.id for c in cases)[repeated[0]]} times.",
            "Give every pair an id of its own.",
        )


def _key(contender: str, case: Case, digest: str) -> Key:
    """Under which a reply is stored; a case that asks something else than before has another key."""
    asked = "\0".join([case.question.text, *sorted(case.question.without)])
    return Key(contender, case.id, digest, digest_of(asked.encode()))


def _ask_what_is_missing(
    wanted: Mapping[Key, Case], ask: Ask, replies: ReplyStore, progress: Progress
) -> None:
    missing = [key for key in wanted if key not in replies]
    label = f"Evaluating {next(iter(wanted)).contender}"
    done = len(wanted) - len(missing)
    progress(label, done, len(wanted))
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        given = ask([wanted[key].question for key in batch])
        replies.add(dict(zip(batch, given, strict=True)))
        done += len(batch)
        progress(label, done, len(wanted))

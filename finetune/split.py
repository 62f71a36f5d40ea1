"""Splits pairs by document into training, calibration and test pairs."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from finetune.pairs.near_duplicates import NEAR, NearDuplicates, connected, near_duplicate_groups
from finetune.pairs.values import Dropped, Pair, SplitName, Task
from finetune.reasons import Reason
from finetune.settings import RetrainSettings
from knowledge_base.errors import InputError
from knowledge_base.values import digest_of
from retrieval.analysis import content_terms
from retrieval.prompt import language_of

# A quote of fewer words says too little by itself: many tables have a cell that says 2 days.
_LEAST_QUOTE = 8
_Group = Sequence[Pair]


@dataclass(frozen=True, slots=True)
class Split:
    """Pairs with their `split` set, in the order in which they came, and what training must not see."""

    train: tuple[Pair, ...]
    test: tuple[Pair, ...]
    removed: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class ValidPairs:
    """Pairs that passed every check, tasks, and all that was dropped so far with its reason."""

    pairs: tuple[Pair, ...]
    tasks: tuple[Task, ...]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class Splits:
    """Pairs and tasks by what they are for; `dropped` were taken from training as too near to test pairs."""

    train: tuple[Pair, ...]
    calibration: tuple[Pair, ...]
    test: tuple[Pair, ...]
    train_tasks: tuple[Task, ...]
    test_tasks: tuple[Task, ...]
    dropped: tuple[Dropped, ...]


def splits_of(valid: ValidPairs, settings: RetrainSettings) -> Splits:
    """Train, calibrate and test on different documents.

    Tasks need no documents; without any pairs there is nothing to calibrate. InputError if there are too few.
    """
    test_tasks = _test_tasks(valid.tasks, settings)
    train_tasks = tuple(task for task in valid.tasks if task not in test_tasks)
    if valid.tasks and not valid.pairs:
        if not (train_tasks and test_tasks):
            missing = "test with" if train_tasks else "train on"
            raise InputError(
                f"There is nothing to {missing}: there are {len(valid.tasks)} tasks.",
                "Give more of them; by default every fifth is held out for testing.",
            )
        return Splits((), (), (), train_tasks, test_tasks, ())
    outer = split_pairs(valid.pairs, settings.test_share, settings.seed)
    undecided = [replace(pair, split="") for pair in outer.train]
    inner = split_pairs(undecided, settings.calibration_share, settings.seed)
    removed = (*outer.removed, *inner.removed)
    return Splits(inner.train, inner.test, outer.test, train_tasks, test_tasks, removed)


def _test_tasks(tasks: tuple[Task, ...], settings: RetrainSettings) -> tuple[Task, ...]:
    """What a task itself says holds; of the others a share is drawn."""
    undecided = [task for task in tasks if not task.split]
    drawn = random.Random(settings.seed).sample(undecided, round(len(undecided) * settings.test_share))
    keys = {task.id for task in drawn}
    return tuple(task for task in tasks if task.split == "test" or task.id in keys)


def split_pairs(pairs: Sequence[Pair], test_share: float, seed: int) -> Split:
    """Hold out about a share of the pairs, and take from training what is too near to them.

    All pairs that share a document, directly or through others, go together; pairs without evidence go with
    their near-duplicates. Pairs with evidence, unanswerable ones and others are divided separately, in
    each language, so that each kind is on both sides where there is enough of it. What a pair's `split` says
    holds, also for the undecided pairs of its documents. Training pairs that share a document with a test
    one after all, or that ask or quote nearly the same, are removed.

    Args:
        pairs: with ids that differ.
        test_share: of the undecided pairs, above 0 and below 1.
        seed: another one holds out others; the order of the pairs does not matter.

    Raises:
        InputError: the share is out of range, or there are too few pairs or documents for both parts.
    """
    if not 0 < test_share < 1:
        cause = f"The share of test pairs is {test_share}."
        raise InputError(cause, "Give one between 0 and 1, such as 0.2.")
    _require_two(pairs)
    groups = [[pairs[place] for place in group] for group in _groups(pairs)]
    decided = _decided(groups, test_share, seed)
    parted = [replace(pair, split=pair.split or decided[pair.id]) for pair in pairs]
    test = tuple(pair for pair in parted if pair.split == "test")
    train, removed = _apart([pair for pair in parted if pair.split == "train"], test)
    _require_both(train, test, removed)
    return Split(train, test, removed)


def _require_two(pairs: Sequence[Pair]) -> None:
    least = 2
    if len(pairs) < least:
        cause = f"There are too few pairs to train on some and measure with others: {len(pairs)}."
        raise InputError(cause, "Give at least two, from different documents; some hundreds are useful.")


def _groups(pairs: Sequence[Pair]) -> list[list[int]]:
    """Places of pairs that stay together: of one document, or of nearly one question without evidence."""
    links: list[tuple[int, int]] = []
    first: dict[str, int] = {}
    bare: list[int] = []
    for place, pair in enumerate(pairs):
        if not pair.evidence:
            bare.append(place)
        links += [(first.setdefault(entry.document, place), place) for entry in pair.evidence]
    for group in near_duplicate_groups([pairs[place].question for place in bare]):
        links += [(bare[group[0]], bare[other]) for other in group[1:]]
    return connected(len(pairs), links)


def _decided(groups: Sequence[_Group], share: float, seed: int) -> dict[str, SplitName]:
    """The part of each undecided pair by its id."""
    decided: dict[str, SplitName] = {}
    given = {pair.split for group in groups for pair in group} - {""}
    undecided: list[_Group] = []
    for group in groups:
        parts = {pair.split for pair in group} - {""}
        if parts:
            # Where both are given, what shares a document with a test pair is removed afterwards.
            part: SplitName = "train" if "train" in parts else "test"
            decided.update((pair.id, part) for pair in group)
        else:
            undecided.append(group)
    test = {pair.id for group in _held_out(undecided, share, seed, given) for pair in group}
    for group in undecided:
        decided.update((pair.id, "test" if pair.id in test else "train") for pair in group)
    return decided


def _held_out(
    groups: Sequence[_Group], share: float, seed: int, given: Collection[SplitName]
) -> list[_Group]:
    """Groups to hold out: a share of each kind, and of all of them neither none nor every one."""
    kinds: dict[tuple[bool, bool, str], list[_Group]] = {}
    for group in groups:
        kinds.setdefault(_kind(group), []).append(group)
    drawn = [group for kind in sorted(kinds) for group in _drawn(kinds[kind], share, seed)]
    if groups and not drawn and "test" not in given:
        # Too few to draw a share of any kind: the smallest that has answers, or else the smallest.
        return [min(groups, key=lambda group: (not _is_answerable(group), len(group), _lot(group, seed)))]
    if len(drawn) == len(groups) > 1 and "train" not in given:
        drawn.remove(max(drawn, key=lambda group: (_is_answerable(group), len(group), _lot(group, seed))))
    return drawn


def _kind(group: _Group) -> tuple[bool, bool, str]:
    language = language_of(min(pair.question for pair in group))
    return any(pair.evidence for pair in group), _is_answerable(group), language


def _is_answerable(group: _Group) -> bool:
    return any(pair.answerable for pair in group)


def _drawn(groups: Sequence[_Group], share: float, seed: int) -> list[_Group]:
    """Groups in an order that the seed decides, each taken if that brings the pairs nearer to the share."""
    wanted = share * sum(map(len, groups))
    drawn: list[_Group] = []
    held = 0
    for group in sorted(groups, key=lambda group: _lot(group, seed)):
        if abs(held + len(group) - wanted) < abs(held - wanted):
            drawn.append(group)
            held += len(group)
    return drawn


def _lot(group: _Group, seed: int) -> str:
    """What a group is ordered by: its questions and the seed, not its place in the file."""
    names = sorted(f"{pair.question}\0{pair.id}" for pair in group)
    return digest_of("\0".join([str(seed), *names]).encode("utf-8", errors="replace"))


def _apart(train: Sequence[Pair], test: Sequence[Pair]) -> tuple[tuple[Pair, ...], tuple[Dropped, ...]]:
    """The training pairs that are far from all test pairs, and the others with their reasons."""
    neighbours = _Neighbours(test)
    reasons = [neighbours.reason(pair) for pair in train]
    removed = (
        Dropped(pair.id, pair.question, pair.origin, reason)
        for pair, reason in zip(train, reasons, strict=True)
        if reason
    )
    kept = tuple(pair for pair, reason in zip(train, reasons, strict=True) if not reason)
    return kept, tuple(removed)


class _Neighbours:
    """Held-out pairs, to be found by what a training pair has in common with them."""

    def __init__(self, test: Sequence[Pair]) -> None:
        self._pairs = test
        self._by_document = {entry.document: pair for pair in reversed(test) for entry in pair.evidence}
        self._questions = NearDuplicates([pair.question for pair in test], NEAR)
        quoted = [(pair, quote) for pair in test for quote in _statements(pair)]
        self._quoting = [pair for pair, _ in quoted]
        self._quotes = NearDuplicates([quote for _, quote in quoted], NEAR)

    def reason(self, pair: Pair) -> Reason | None:
        """Why a pair must not be trained on, None if it may."""
        for entry in pair.evidence:
            if entry.document in self._by_document:
                return Reason("shares_document", {"id": self._by_document[entry.document].id})
        for place in self._questions.near(pair.question):
            return Reason("asks_the_same", {"id": self._pairs[place].id})
        for quote in _statements(pair):
            for place in self._quotes.near(quote):
                return Reason("quotes_the_same", {"id": self._quoting[place].id})
        return None


def _statements(pair: Pair) -> list[str]:
    """The quotes that say something by themselves."""
    return [entry.quote for entry in pair.evidence if len(content_terms(entry.quote)) >= _LEAST_QUOTE]


def _require_both(train: Sequence[Pair], test: Sequence[Pair], removed: Sequence[Dropped]) -> None:
    if train and test:
        return
    missing = "test with" if train else "train on"
    why = f"all {len(removed)} training pairs nearly repeat test pairs"
    if train or not removed:
        why = "all pairs belong to one document, one question or one split"
    raise InputError(f"There is nothing to {missing}: {why}.", "Add pairs about other documents.")

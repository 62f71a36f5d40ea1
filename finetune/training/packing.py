"""Packs samples into sequences of shared-prefix trees: what samples share is computed only once.

Many questions are asked of one passage, and the prompt begins with the passage. A packed sequence therefore
holds prefix trees: the shared prefix once, then for each sample the rest of its prompt and its reply. A
branch attends to its prefix and itself, nothing else, and its positions continue from the prefix, so that
every logit is the one that the sample alone would have (a test compares losses and gradients). With five
questions per passage this computes a third of the tokens. See Krell et al. 2021, Efficient Sequence Packing
without Cross-contamination.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import torch

Tokens = tuple[int, ...]
# A beginning that is shorter than this is not worth a branch of its own.
_LEAST_SHARED = 16


@dataclass(frozen=True, slots=True)
class Encoded:
    """A sample as token ids; `key` tells samples apart and orders equal ones."""

    prompt: Tokens
    reply: Tokens
    key: str = ""

    @property
    def length(self) -> int:
        """Tokens of prompt and reply."""
        return len(self.prompt) + len(self.reply)


@dataclass(frozen=True, slots=True)
class PrefixTree:
    """Samples whose prompts begin with the same `shared` tokens."""

    shared: int
    samples: tuple[Encoded, ...]

    @property
    def length(self) -> int:
        """Tokens that are computed."""
        return self.shared + sum(sample.length - self.shared for sample in self.samples)


@dataclass(frozen=True, slots=True)
class PackedSequence:
    """What the model computes at once.

    ids, positions: int64 [tokens]. mask: bool [tokens, tokens], true where token i may attend to token j.
    places: int64 [reply tokens], the positions whose logits predict `targets` [reply tokens]. samples: the
    number of replies in it.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor
    places: torch.Tensor
    targets: torch.Tensor
    samples: int


def prefix_trees(samples: Iterable[Encoded], most_tokens: int) -> list[PrefixTree]:
    """Samples joined where their prompts begin alike; no tree of several samples exceeds `most_tokens`."""
    ordered = sorted(samples, key=lambda sample: (sample.prompt, sample.key))
    trees: list[PrefixTree] = []
    for sample in ordered:
        joined = _joined(trees[-1], sample) if trees else None
        if joined is not None and joined.length <= most_tokens:
            trees[-1] = joined
        else:
            trees.append(PrefixTree(len(sample.prompt), (sample,)))
    return trees


def _joined(tree: PrefixTree, sample: Encoded) -> PrefixTree | None:
    """The tree with one sample more; None if that would cost tokens instead of saving them."""
    shared = min(tree.shared, _common(tree.samples[0].prompt, sample.prompt))
    joined = PrefixTree(shared, (*tree.samples, sample))
    return joined if shared >= _LEAST_SHARED and joined.length < tree.length + sample.length else None


def _common(one: Tokens, other: Tokens) -> int:
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))


def group_trees(trees: Sequence[PrefixTree], sequence_tokens: int, seed: int) -> list[tuple[PrefixTree, ...]]:
    """Trees in a random order that the seed decides, packed into sequences of up to `sequence_tokens`."""
    shuffled = list(trees)
    random.Random(seed).shuffle(shuffled)
    sequences: list[list[PrefixTree]] = []
    room = 0
    for tree in shuffled:
        if not sequences or tree.length > room:
            sequences.append([])
            room = sequence_tokens
        sequences[-1].append(tree)
        room -= tree.length
    return [tuple(sequence) for sequence in sequences]


def pack_sequence(trees: Sequence[PrefixTree]) -> PackedSequence:
    """The tensors of some trees beside each other."""
    runs = list(chain.from_iterable(_runs(number, tree) for number, tree in enumerate(trees)))
    ids = torch.tensor([token for run in runs for token in run.ids])
    lengths = torch.tensor([len(run.ids) for run in runs])
    positions = torch.cat([torch.arange(run.start, run.start + len(run.ids)) for run in runs])
    return PackedSequence(
        ids=ids,
        positions=positions,
        mask=_mask(runs, lengths),
        places=torch.tensor(_places(runs)),
        targets=torch.tensor([token for run in runs for token in run.reply]),
        samples=sum(len(tree.samples) for tree in trees),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive tokens of one branch, or of a tree's beginning (`branch` 0), from position `start` on."""

    tree: int
    branch: int
    start: int
    ids: Tokens
    reply: Tokens = ()


def _runs(number: int, tree: PrefixTree) -> list[_Run]:
    beginning = _Run(number, 0, 0, tree.samples[0].prompt[: tree.shared])
    # The last token of a reply is never read: nothing is predicted from it.
    branches = [
        _Run(number, branch, tree.shared, (*sample.prompt[tree.shared :], *sample.reply[:-1]), sample.reply)
        for branch, sample in enumerate(tree.samples, 1)
    ]
    return [beginning, *branches]


def _mask(runs: Sequence[_Run], lengths: torch.Tensor) -> torch.Tensor:
    tree = torch.tensor([run.tree for run in runs]).repeat_interleave(lengths)
    branch = torch.tensor([run.branch for run in runs]).repeat_interleave(lengths)
    visible = (tree[:, None] == tree) & ((branch[:, None] == branch) | (branch == 0))
    return visible & torch.ones(len(tree), len(tree), dtype=torch.bool).tril()


def _places(runs: Sequence[_Run]) -> list[int]:
    """For each reply token the place before it; without a prompt of its own, the end of the beginning."""
    places: list[int] = []
    offset = beginning_end = 0
    for run in runs:
        end = offset + len(run.ids)
        if run.branch == 0:
            beginning_end = end
        elif run.reply:
            first = end - len(run.reply)
            places.extend([first if first >= offset else beginning_end - 1, *range(first + 1, end)])
        offset = end
    return places

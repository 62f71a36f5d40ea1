"""Which samples are trained on in which step: decided beforehand, so that a resumed run is the same."""

import hashlib
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from answering.generation.encoding import Encoder
from finetune.reasons import Reason
from finetune.settings import TrainSettings
from finetune.training.forgetting import pieces_of
from finetune.training.packing import Encoded, PrefixTree, Tokens, group_trees, prefix_trees
from finetune.training.values import Refused, Sample
from knowledge_base.errors import InputError

Sequences = tuple[tuple[PrefixTree, ...], ...]
_FLOOR = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """Sequences of each step, the sequences that measure, and after how many steps they are used.

    `kept` are the pieces of plain text of each step.
    `digest` tells this plan from every other one: of other samples, another order or other settings.
    """

    steps: tuple[Sequences, ...]
    kept: tuple[tuple[Tokens, ...], ...]
    dev: Sequences
    measure_every: int
    refused: tuple[Refused, ...]
    digest: str


def encode(samples: Sequence[Sample], encoder: Encoder) -> tuple[list[Encoded], list[Refused]]:
    """Samples as tokens, and those that are too long for the model; a sample given twice is kept once."""
    encoded: dict[Encoded, None] = {}
    refused: list[Refused] = []
    for sample in samples:
        try:
            prompt, reply = encoder.example(sample.messages, sample.reply)
        except InputError:
            refused.append(Refused(sample.pair, Reason("beyond_context", {"most": encoder.context})))
        else:
            encoded[Encoded(prompt, reply, sample.pair)] = None
    return list(encoded), refused


def plan_of(
    samples: Sequence[Sample], encoder: Encoder, settings: TrainSettings, texts: Sequence[str] = ()
) -> Plan:
    """All steps of a training; InputError if no sample is left to train on."""
    encoded, refused = encode(samples, encoder)
    dev_pairs = _dev_pairs({sample.key for sample in encoded}, settings)
    learned = [sample for sample in encoded if sample.key not in dev_pairs]
    if not learned:
        raise InputError(
            f"None of the {len(samples)} samples can be used for training.",
            "Give more pairs, or a model that reads longer texts.",
        )
    trees = prefix_trees(learned, settings.sequence_tokens)
    steps = _steps(trees, settings)
    kept = _kept(texts, encoder, len(steps), settings)
    dev = group_trees(
        prefix_trees([s for s in encoded if s.key in dev_pairs], settings.sequence_tokens),
        settings.sequence_tokens,
        0,
    )
    an_epoch = math.ceil(len(steps) / settings.epochs)
    return Plan(
        steps=tuple(steps),
        kept=kept,
        dev=tuple(dev),
        measure_every=max(1, an_epoch // settings.measurements),
        refused=tuple(refused),
        digest=_digest(settings, encoded, kept),
    )


def learning_rate(step: int, steps: int, settings: TrainSettings) -> float:
    """Rate of `step`, counted from 0: a straight way up, then a cosine down to a tenth."""
    warm = max(1, round(steps * settings.warmup))
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    done = (step - warm) / max(1, steps - warm)
    return settings.learning_rate * (_FLOOR + (1 - _FLOOR) * (1 + math.cos(math.pi * done)) / 2)


def _dev_pairs(pairs: set[str], settings: TrainSettings) -> set[str]:
    """The pairs that measure: all samples of one pair stay together."""
    ordered = sorted(pairs)
    count = round(len(ordered) * settings.dev_share)
    return set(random.Random(settings.seed).sample(ordered, count))


def _steps(trees: Sequence[PrefixTree], settings: TrainSettings) -> list[Sequences]:
    whole, rest = divmod(settings.epochs, 1)
    steps: list[Sequences] = []
    for epoch in range(math.ceil(settings.epochs)):
        sequences = group_trees(trees, settings.sequence_tokens, settings.seed + epoch)
        made = list(_grouped(sequences, settings.samples_per_step))
        steps += made if epoch < whole else made[: max(1, round(len(made) * rest))]
    return steps


def _grouped(sequences: Iterable[tuple[PrefixTree, ...]], wanted: int) -> Iterable[Sequences]:
    """Sequences until they hold as nearly `wanted` samples as they can."""
    group: list[tuple[PrefixTree, ...]] = []
    count = 0
    for sequence in sequences:
        more = sum(len(tree.samples) for tree in sequence)
        if group and count + more / 2 > wanted:
            yield tuple(group)
            group, count = [], 0
        group.append(sequence)
        count += more
    if group:
        yield tuple(group)


def _kept(
    texts: Sequence[str], encoder: Encoder, steps: int, settings: TrainSettings
) -> tuple[tuple[Tokens, ...], ...]:
    """The pieces of each step; none where nothing is to be kept or there is no text."""
    wanted = settings.kl_pieces if settings.kl_weight else 0
    pieces = pieces_of(texts, encoder, steps * wanted, settings.seed)
    return tuple(pieces[step * wanted : (step + 1) * wanted] for step in range(steps))


def _digest(settings: TrainSettings, encoded: Sequence[Encoded], kept: Sequence[Sequence[Tokens]]) -> str:
    own = {name: getattr(settings, name) for name in TrainSettings.model_fields}
    digest = hashlib.sha256(repr((own, kept)).encode())
    for sample in encoded:
        digest.update(repr((sample.prompt, sample.reply, sample.key)).encode())
    return digest.hexdigest()

"""Pairs become training samples: contexts of our own retriever, rendered by the prompt that is served.

After RAFT (Zhang et al. 2024), with two differences. Distractors are what the retriever really ranks beside
the right passage, not random ones. And where the right passage was taken out, the reply is the refusal: RAFT
keeps the answer there, which teaches to answer without evidence.

A small model reads passages one by one, so most samples show one passage: the right one with the answer, and
each of its strongest rivals with the refusal. Some of them are narrowed to the sentences nearest to the
question, as they may be served. Some samples show all passages together, in the order they are served.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from finetune.corpus import Corpus
from finetune.pairs.evidence import squeezed, stands_in, supports
from finetune.pairs.values import Dropped, Evidence, Pair, Task
from finetune.reasons import Reason
from finetune.settings import SampleSettings
from finetune.training.values import Sample
from knowledge_base.values import Passage
from retrieval.context import CountTokens, Embed, Packed, compress, pack, pack_each
from retrieval.prompt import Style, language_of, refusal, render

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Made:
    """The samples of some pairs, and the pairs of which none could be made."""

    samples: tuple[Sample, ...]
    dropped: tuple[Dropped, ...]


def samples_of(
    pairs: Sequence[Pair],
    corpus: Corpus,
    count_tokens: CountTokens,
    settings: SampleSettings,
    progress: Callable[[int, int], None],
) -> Made:
    """Samples of all pairs, in their order; the seed and the pair's id alone decide about each.

    Args:
        pairs: checked pairs of the training part.
        corpus: the collection with their evidence.
        count_tokens: by the tokenizer of the model to be trained.
        settings: how many of which kind.
        progress: is called with the pairs done and their total.
    """
    samples: list[Sample] = []
    dropped: list[Dropped] = []
    show = _Show(count_tokens, corpus.embed, settings)
    for start in range(0, len(pairs), _BATCH):
        batch = [replace(p, question=corpus.asked(p.question)) for p in pairs[start : start + _BATCH]]
        progress(start, len(pairs))
        for pair, ranked in zip(batch, corpus.ranked([pair.question for pair in batch]), strict=True):
            found = [entry.passage for entry in ranked]
            scene = _scene(pair, found, corpus)
            if scene is None:
                reason = Reason("evidence_in_no_passage")
                dropped.append(Dropped(pair.id, pair.question, pair.origin, reason))
                continue
            samples.extend(_samples(pair, scene, show))
    progress(len(pairs), len(pairs))
    return Made(tuple(dict.fromkeys(samples)), tuple(dropped))


def task_samples(tasks: Sequence[Task]) -> list[Sample]:
    """Samples of tasks other than answering: as they are, without passages."""
    return [Sample(task.messages, task.reply, task.id, "task") for task in tasks]


def is_gold(passage: Passage, pair: Pair) -> bool:
    """Whether a passage holds one of the pair's places of evidence, whole."""
    return any(_holds(passage, place, pair) for place in pair.evidence)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is found for a question: in order, with the right passages put in where they were not found."""

    gold: tuple[Passage, ...]
    rivals: tuple[Passage, ...]
    found: tuple[Passage, ...]


def _scene(pair: Pair, found: Sequence[Passage], corpus: Corpus) -> _Scene | None:
    if not pair.answerable:
        return _Scene((), tuple(found), tuple(found))
    gold = [passage for passage in found if is_gold(passage, pair)]
    if not gold:
        documents = dict.fromkeys(place.document for place in pair.evidence)
        gold = [p for document in documents for p in corpus.passages(document) if is_gold(p, pair)][:1]
    if not gold:
        return None
    # A rival that happens to hold the answer may be right too: it teaches nothing either way.
    rivals = [p for p in found if p not in gold and not _may_answer(p, pair)]
    return _Scene(tuple(gold), tuple(rivals), tuple(found) if gold[0] in found else (*found[:-1], gold[0]))


def _holds(passage: Passage, place: Evidence, pair: Pair) -> bool:
    if passage.document != place.document:
        return False
    if place.quote and squeezed(place.quote) not in squeezed(passage.text):
        return False
    return _answers(passage.indexed_text, pair)


def _may_answer(passage: Passage, pair: Pair) -> bool:
    in_document = any(place.document == passage.document for place in pair.evidence)
    return any(stands_in(answer, passage.text) for answer in pair.answers) and (
        in_document or len(squeezed(pair.answers[0])) > 3  # noqa: PLR2004 - "7" stands anywhere
    )


@dataclass(frozen=True, slots=True)
class _Show:
    """Passages as they are put before a reader."""

    count_tokens: CountTokens
    embed: Embed
    settings: SampleSettings

    def alone(self, question: str, passages: Sequence[Passage], *, compressed: bool) -> tuple[Packed, ...]:
        """Each in a prompt of its own, whole or narrowed to its sentences nearest to the question."""
        packed = pack_each(passages, self.settings.passage_tokens, self.count_tokens).packed
        return compress(question, packed, self.settings.kept_sentences, self.embed) if compressed else packed


def _samples(pair: Pair, scene: _Scene, show: _Show) -> Iterator[Sample]:
    settings = show.settings
    chance = random.Random(f"{settings.seed}\0{pair.id}")
    styles = _styles(pair, chance, settings)
    rivals = scene.rivals[: _count(settings.distractors, chance)]
    compressed = chance.random() < settings.compressed
    gold = show.alone(pair.question, scene.gold[:1], compressed=compressed)
    if compressed and not all(_answers(piece.text, pair) for piece in gold):  # not in the nearest sentences
        compressed, gold = False, show.alone(pair.question, scene.gold[:1], compressed=False)
    for packed in gold:
        for style in styles:
            yield _sample(pair, [packed], style, _reply(pair, style), "answer")
    for packed in show.alone(pair.question, rivals, compressed=compressed):
        yield _sample(pair, [packed], chance.choice(styles), refusal(language_of(pair.question)), "refusal")
    if "words" in styles and chance.random() < settings.together:
        yield from _together(pair, scene, show, chance)


def _answers(text: str, pair: Pair) -> bool:
    return any(supports(text, answer) for answer in pair.answers)


def _count(mean: float, chance: random.Random) -> int:
    """A whole number that is `mean` on average."""
    return int(mean) + (chance.random() < mean % 1)


def _styles(pair: Pair, chance: random.Random, settings: SampleSettings) -> list[Style]:
    """How the pair is replied to; a confirmed answer that is a sentence itself teaches no few words."""
    if pair.sentence and pair.answers and pair.sentence == pair.answers[0]:
        return ["sentence"]
    spoken = bool(pair.sentence) and chance.random() < settings.sentences
    return ["words", "sentence"] if spoken else ["words"]


def _together(pair: Pair, scene: _Scene, show: _Show, chance: random.Random) -> Iterator[Sample]:
    removed = not scene.gold or chance.random() < show.settings.removed
    passages = [p for p in scene.found if p in scene.rivals] if removed else scene.found
    packed = pack(passages, show.settings.together_tokens, show.count_tokens).packed
    if not packed:
        return
    seen = removed or any(piece.passage in scene.gold and _is_whole(piece) for piece in packed)
    if seen:
        reply = refusal(language_of(pair.question)) if removed else _reply(pair, "words")
        yield _sample(pair, packed, "words", reply, "together")


def _is_whole(piece: Packed) -> bool:
    return piece.end == piece.passage.end


def _reply(pair: Pair, style: Style) -> str:
    return pair.answers[0] if style == "words" else pair.sentence


def _sample(pair: Pair, packed: Sequence[Packed], style: Style, reply: str, kind: str) -> Sample:
    texts = [piece.text for piece in packed]
    return Sample(render(pair.question, texts, style), reply, pair.id, kind)

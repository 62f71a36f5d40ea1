"""The pipeline of a collection of small documents, whose contenders answer as a test says."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from answering.answer import Reading
from answering.sufficiency import SIGNALS, Calibration
from answering.values import Answer
from finetune.corpus import Corpus
from finetune.evaluation.calibration import Read
from finetune.evaluation.cases import CANDIDATE, Ask, Case
from finetune.pairs.store import PairStore
from finetune.pairs.values import Evidence, Pair, Task
from finetune.pipeline import Contender, Pipeline
from finetune.registry.registry import Registry
from finetune.registry.serving import ServedAdapters
from finetune.training.values import Base
from retrieval.prompt import Message, refusal
from retrieval.retriever import Retriever, SearchSettings
from tests.fakes import FakeEmbedder, FakeGenerator, FakeIndex, a_document
from tests.finetune.evaluation.synthetic import an_answer

_THINGS = """platinum gold silver bronze copper iron student travel family business senior junior
garden harbour winter summer forest mountain river island lake desert valley meadow"""
THINGS = tuple(_THINGS.split())
_COLOURS = "red green blue white black yellow orange violet"
_NEVER = Calibration({}, 0.0, 0.5)


def fee(thing: str) -> str:
    return f"{100 + 7 * THINGS.index(thing)} yuan"


def sentence(thing: str) -> str:
    return f"The {thing} card costs {fee(thing)} a year."


def some_pairs(count: int = len(THINGS), unanswerable: int = 8) -> tuple[Pair, ...]:
    """One pair about each document, and some that no document answers."""
    asked = [
        Pair(
            f"fee-{thing}",
            f"What does the {thing} card cost a year?",
            (fee(thing),),
            evidence=(Evidence(f"{thing}.txt", sentence(thing)),),
            origin=f"test:{number}",
        )
        for number, thing in enumerate(THINGS[:count], start=1)
    ]
    colours = _COLOURS.split()[:unanswerable]
    return (*asked, *(Pair(f"no-{c}", f"Who invented {c} paint for ships?", ()) for c in colours))


def some_tasks(count: int) -> tuple[Task, ...]:
    """Extraction of a number from a line."""
    return tuple(
        Task(f"task-{n}", (Message("user", f"Extract the fee: card {n} costs {n} yuan."),), f'{{"fee": {n}}}')
        for n in range(count)
    )


class OneCollection:
    """`Collections` with one collection, of small documents."""

    def __init__(self) -> None:
        self.index = FakeIndex()
        self.index.add([a_document(f"{thing}.txt", [sentence(thing)]) for thing in THINGS])

    def reading(self, _name: str) -> AbstractContextManager[FakeIndex]:
        return nullcontext(self.index)


def a_corpus() -> Corpus:
    """The documents, searched by a fake embedder; two passages are read."""
    collections: Any = OneCollection()
    retriever = Retriever(collections.index, SearchSettings(k=2))
    return Corpus(
        "bank",
        collections,
        lambda: retriever,
        lambda: partial(FakeEmbedder().embed, kind="passage"),
        2,
    )


class FakePipeline(Pipeline):
    """The candidate answers rightly if it is `good`, the others never do; who cannot answer refuses.

    `asked` counts the questions of each contender.
    """

    good: bool = True
    asked: Counter[str]

    @property
    def notices(self) -> tuple[str, ...]:
        return ("Terms apply.",)

    @property
    def trainable(self) -> Base:
        assert self.base is not None
        return self.base

    @property
    def live(self) -> str | None:
        entry = self.default()
        return entry.reference if entry else None

    def ask(self, contender: Contender) -> Ask:
        return lambda case: self._replied(contender, case)

    def reads(
        self, contender: Contender, pairs: Sequence[Pair], progress: Callable[[int, int], None]
    ) -> list[Read]:
        progress(0, len(pairs))
        reads = []
        for pair in pairs:
            group = pair.evidence[0].document if pair.evidence else pair.id
            if pair.answerable:
                reads.append(Read(group, (_signals(0.9), _signals(0.2)), (True, False), True))
            reads.append(Read(group, (_signals(0.3),), (False,), False))
        progress(len(pairs), len(pairs))
        return reads

    def _replied(self, contender: Contender, case: Case) -> Answer:
        self.asked[contender.name] += 1
        right = contender.name == CANDIDATE and self.good
        if case.messages:
            return an_answer(case.answers[0] if right else "I cannot.", seconds=0.1)
        if not case.answerable:
            return an_answer(refusal("en"), refused=True, seconds=0.1)
        cited = [(place.document, place.quote) for place in case.evidence]
        text = case.answers[0] if right else "I would not know"
        return an_answer(text, cited=cited, found=[document for document, _ in cited], seconds=0.1)


def _signals(value: float) -> dict[str, float]:
    return dict.fromkeys(SIGNALS, value)


def a_pipeline(base: Path, good: bool = True, registry: Registry | None = None) -> FakePipeline:
    """A pipeline over the tiny base; nothing is live."""
    generator, corpus = FakeGenerator(), a_corpus()
    made = FakePipeline(
        corpus=corpus,
        generator=generator,
        adapters=ServedAdapters(generator, Reading(2, 700, 8, _NEVER, _NEVER)),
        registry=registry or Registry(base.parent / "no adapters"),
        pairs=PairStore(base.parent / "pairs", lambda _name: corpus),
        feedback=lambda: (),
        default=lambda: None,
        base=Base(base, "tiny"),
        base_digest="d" * 64,
    )
    object.__setattr__(made, "good", good)
    object.__setattr__(made, "asked", Counter())
    return made


def changed(pipeline: FakePipeline, **changes: Any) -> FakePipeline:  # noqa: ANN401 - any field
    """The same with other fields, counting the same questions."""
    made = replace(pipeline, **changes)
    object.__setattr__(made, "good", pipeline.good)
    object.__setattr__(made, "asked", pipeline.asked)
    return made

"""A collection of small documents whose contenders answer as a test says."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from finetune.evaluation.calibration import Read
from finetune.evaluation.values import CANDIDATE, Ask, Question, Reply
from finetune.pairs.values import Evidence, Pair, Task
from finetune.registry.entry import Entry
from finetune.registry.registry import Registry
from finetune.retrain.values import Calibrating, Contender
from finetune.training.values import Base
from knowledge_base.values import Passage
from retrieval.prompt import Language, Message, refusal
from retrieval.retriever import Retriever, SearchSettings
from retrieval.values import Vectors
from tests.fakes import FakeEmbedder, FakeGenerator, FakeIndex, a_document

_THINGS = """platinum gold silver bronze copper iron student travel family business senior junior
garden harbour winter summer forest mountain river island lake desert valley meadow"""
THINGS = tuple(_THINGS.split())
_COLOURS = "red green blue white black yellow orange violet"


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


class FakeLibrary:
    """`Library` over a fake index."""

    def __init__(self) -> None:
        self.index = FakeIndex()
        self.index.add([a_document(f"{thing}.txt", [sentence(thing)]) for thing in THINGS])
        self._retriever = Retriever(self.index, SearchSettings(k=2))

    def asked(self, question: str) -> str:
        return question

    def embed(self, texts: Sequence[str]) -> Vectors:
        return FakeEmbedder().embed(texts, "passage")

    def search(self, questions: Sequence[str]) -> list[tuple[Passage, ...]]:
        return [tuple(e.passage for e in found.ranked) for found in self._retriever.search(questions)]

    def passages(self, document: str) -> tuple[Passage, ...]:
        return self.index.document(document).passages


class FakeSurroundings:
    """`Surroundings` in memory.

    The candidate answers rightly if it is `good`, the others never do; who cannot answer refuses. `asked`
    counts the questions of each contender.
    """

    def __init__(self, base: Path, good: bool = True) -> None:
        self.library = FakeLibrary()
        self.base = Base(base, "tiny")
        self.base_digest = "d" * 64
        self.signals: Mapping[Calibrating, Sequence[str]] = {"scored": ("sure",), "unscored": ("sure",)}
        self.count_tokens = FakeGenerator().count_tokens
        self.live: str | None = None
        self.language: Language = "en"
        self.notices: tuple[str, ...] = ("Terms apply.",)
        self.good = good
        self.registry = Registry(base.parent / "no adapters")
        self.asked: Counter[str] = Counter()
        self._answers = {pair.question: pair for pair in some_pairs()}

    def adapter(self, reference: str) -> Entry:
        return self.registry.find(reference)

    def texts(self) -> Mapping[str, str]:
        return {f"{thing}.txt": sentence(thing) for thing in THINGS}

    def ask(self, contender: Contender) -> Ask:
        return lambda questions: [self._reply(contender, question) for question in questions]

    def reads(
        self, contender: Contender, pairs: Sequence[Pair], tell: Callable[[int, int], None]
    ) -> list[Read]:
        tell(0, len(pairs))
        reads = []
        for pair in pairs:
            group = pair.evidence[0].document if pair.evidence else pair.id
            if pair.answerable:
                reads.append(Read(group, ({"sure": 0.9}, {"sure": 0.2}), (True, False), True))
            reads.append(Read(group, ({"sure": 0.3},), (False,), False))
        tell(len(pairs), len(pairs))
        return reads

    def finish(self, contender: Contender, task: Task) -> str:
        self.asked[contender.name] += 1
        return task.reply if contender.name == CANDIDATE and self.good else "I cannot."

    def _reply(self, contender: Contender, question: Question) -> Reply:
        self.asked[contender.name] += 1
        pair = self._answers[question.text]
        document = pair.evidence[0].document if pair.evidence else ""
        if not pair.answerable or question.without:
            return Reply(refusal("en"), True, 0.1, (), (), 0.1)
        right = contender.name == CANDIDATE and self.good
        text = pair.answers[0] if right else "I would not know"
        return Reply(text, False, 0.9, ((document, pair.evidence[0].quote),), (document,), 0.1)

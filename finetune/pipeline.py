"""The pipeline that answers on one collection, and each contender's way through it.

Evaluation and calibration call the answering function that is served, so what is measured is what is served.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from answering.answer import Answerer, Reading
from answering.generation.protocol import Generator, Request
from answering.references import BASE
from answering.selection import Models
from answering.sufficiency import signals_of
from answering.values import Answer, Finished, Question, Trace
from finetune.corpus import Corpus
from finetune.evaluation.calibration import Read
from finetune.evaluation.cases import Ask, Case
from finetune.pairs.feedback import Feedback
from finetune.pairs.store import PairStore
from finetune.pairs.values import Pair
from finetune.registry.entry import Entry
from finetune.registry.manifest import AdapterReading
from finetune.registry.registry import Registry
from finetune.registry.serving import AdapterHost, ServedAdapters
from finetune.samples import is_gold
from finetune.training.values import Base
from knowledge_base.errors import MismatchError, ModelError
from knowledge_base.values import digest_of
from retrieval.prompt import PROMPT_VERSION, Language, is_refusal, render
from retrieval.relevance import Relevance
from retrieval.values import NO_FILTER, Filter

_TASK_TOKENS = 512
_EVERY = 8


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to answer: without an adapter, with a registered one ("bank@3"), or with the one in a folder.

    `reading` None is what is served with it. `examples` False leaves out worked examples that would be
    served, `context` False asks without any passage.
    """

    name: str
    adapter: str | Path | None = None
    reading: AdapterReading | None = None
    examples: bool = True
    context: bool = True


@dataclass(frozen=True)
class Pipeline:
    """Everything that answers questions on one collection, as it is served.

    `base` is the model that adapters are trained for, None where a server has it; `base_digest` its
    `model_digest`. `default` gives the adapter that answers now. `fingerprint` is what answers depend on
    beside documents, base and adapter. `relevance` reads questions and lines together. `language` is that
    of reports.
    """

    corpus: Corpus
    generator: Generator
    adapters: ServedAdapters
    registry: Registry
    pairs: PairStore
    feedback: Callable[[], Sequence[Feedback]]
    default: Callable[[], Entry | None]
    base: Base | None
    base_digest: str
    fingerprint: str = ""
    relevance: Relevance | None = None
    language: Language = "en"

    @property
    def live(self) -> str | None:
        """The adapter that answers now, as "bank@3"; None if it is the base.

        An adapter that cannot be served, as of another prompt, answers nobody.
        """
        entry = self.default()
        try:
            self.adapters.serve(entry)
        except (MismatchError, ModelError):
            return None
        return entry.reference if entry else None

    @property
    def notices(self) -> tuple[str, ...]:
        """Texts that the licence of the base wants shown with whatever is derived from it."""
        file = self.trainable.folder / "NOTICE"
        return (file.read_text(encoding="utf-8"),) if file.is_file() else ()

    @property
    def trainable(self) -> Base:
        """The model to train adapters for; ModelError if it is not here."""
        if self.base is None:
            raise _no_base()
        return self.base

    def check_host(self) -> None:
        """Raises ModelError if the generator does not load adapters onto a base model in this process."""
        if not isinstance(self.generator, AdapterHost) or self.generator.base is None:
            raise _no_base()

    @cached_property
    def digest(self) -> str:
        """What answers depend on beside the contender: base, prompt, settings and every document's text."""
        texts = "\0".join(f"{path}\0{text}" for path, text in sorted(self.corpus.texts.items()))
        parts = f"{self.base_digest}\0{PROMPT_VERSION}\0{self.fingerprint}\0{texts}"
        return digest_of(parts.encode("utf-8", errors="replace"))

    def ask(self, contender: Contender) -> Ask:
        """The answering function that is served, as this contender."""
        return lambda case: self._answer(contender, case)

    def reads(
        self, contender: Contender, pairs: Sequence[Pair], progress: Callable[[int, int], None]
    ) -> list[Read]:
        """Signals of the passages read for each pair, as it is and with its evidence taken out."""
        reads: list[Read] = []
        for number, pair in enumerate(pairs):
            if number % _EVERY == 0:
                progress(number, len(pairs))
            pair = replace(pair, question=self.corpus.asked(pair.question))  # noqa: PLW2901
            limits = [NO_FILTER]
            if pair.answerable and pair.evidence:
                limits.append(self.corpus.without(frozenset(place.document for place in pair.evidence)))
            reads += [read for limit in limits if (read := self._read(contender, pair, limit)) is not None]
        progress(len(pairs), len(pairs))
        return reads

    def _read(self, contender: Contender, pair: Pair, limit: Filter) -> Read | None:
        """None where the right passage is not found: that is the search's failure, not the reader's."""
        (ranked,) = self.corpus.ranked([pair.question], limit)
        right = tuple(pair.answerable and is_gold(entry.passage, pair) for entry in ranked)
        expected = pair.answerable and limit == NO_FILTER
        if not ranked or (expected and not any(right)):
            return None
        passages = [entry.passage for entry in ranked]
        doubts = self._answerer(contender).doubts(pair.question, passages, self._served_name(contender))
        signals = [signals_of(pair.question, e, doubt) for e, doubt in zip(ranked, doubts, strict=True)]
        group = pair.evidence[0].document if pair.evidence else pair.id
        return Read(group, tuple(signals), right, any(right))

    def _answer(self, contender: Contender, case: Case) -> Answer:
        if case.messages:
            return self._written(contender, case, Request(case.messages, None, _TASK_TOKENS))
        if not contender.context:
            messages = render(self.corpus.asked(case.question), [""])
            tokens = self.adapters.usual.max_new_tokens
            return self._written(contender, case, Request(messages, None, tokens, stop=("\n",)))
        limit = self.corpus.without(case.without) if case.without else NO_FILTER
        # In few words, since these are what the compared reader writes; all else is the documents' own words.
        asked = Question(
            case.question, self.corpus.name, self._served_name(contender), limit=limit, style="words"
        )
        for event in self._answerer(contender).ask(asked, self.corpus.retriever):
            if isinstance(event, Finished):
                return self._kept(event.answer)
        raise ModelError("An answer ended before it was finished.", "Run the command again: it continues.")

    def _kept(self, answer: Answer) -> Answer:
        """The answer without the texts of its trace, which would be stored with each."""
        read = tuple(
            replace(entry, passage=replace(entry.passage, text=""))
            for entry in answer.trace.ranked[: self.corpus.read_k]
        )
        return replace(answer, trace=replace(answer.trace, ranked=read, prompt=""))

    def _written(self, contender: Contender, case: Case, request: Request) -> Answer:
        """What the generator writes without search; a task is never refused."""
        started = time.perf_counter()
        name = self._served_name(contender)
        asked = replace(request, adapter=None if name == BASE else name)
        text = "".join(self.generator.stream(asked)).strip()
        refused = not case.messages and (not text or is_refusal(text))
        return Answer(
            id=case.id,
            question=case.question,
            collection=self.corpus.name,
            text=text,
            outcome="not_found" if refused else "answered",
            confidence=1.0,
            threshold=0.0,
            sentences=(),
            citations=(),
            nearest=(),
            adapter=name,
            trace=Trace(case.question, (), "", (), 0),
            seconds=time.perf_counter() - started,
        )

    def _answerer(self, contender: Contender) -> Answerer:
        reading = self._reading(contender)
        models = Models(self.corpus.embed, self.relevance)
        return Answerer(self.generator, models, lambda _adapter: reading)

    def _reading(self, contender: Contender) -> Reading:
        if contender.reading is not None:
            return contender.reading.over(self.adapters.usual, contender.name)
        served = self.adapters.reading(self._served_name(contender))
        return served if contender.examples else replace(served, examples=False)

    def _served_name(self, contender: Contender) -> str:
        """The name of its adapter at the generator, which learns of it here."""
        if not isinstance(contender.adapter, Path):
            entry = self.registry.find(contender.adapter) if contender.adapter else None
            return self.adapters.serve(entry)
        folder = contender.adapter
        name = f"candidate-{uuid.uuid5(uuid.NAMESPACE_URL, str(folder)).hex}"
        assert isinstance(self.generator, AdapterHost)  # `check_host` says so before anything is trained
        self.generator.add_adapter(name, folder, "1")
        return name


def _no_base() -> ModelError:
    return ModelError(
        "The configured generator does not load adapters onto a base model in this process.",
        "Retrain with a generator in this process, then load the adapter at the server.",
    )

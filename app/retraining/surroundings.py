"""Retraining over a workspace: the loop asks, and the answering that is served replies."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property
from pathlib import Path

from answering.answer import Answerer, Reading
from answering.conversation import standalone
from answering.generation.protocol import Request
from answering.references import BASE
from answering.sufficiency import SIGNALS, signals_of
from answering.values import Answer, Finished
from answering.values import Question as Asked
from answering.years import right_years_first
from app.adapters import AdapterHost, choose, reading_from
from app.factories import build_reading, device_of, limit_threads, model_folder, sentence_embedding
from app.workspace import Workspace
from finetune.evaluation.calibration import Read
from finetune.evaluation.values import Ask, Question, Reply
from finetune.pairs.values import Pair, Task
from finetune.registry.digests import weights_digest
from finetune.registry.entry import Entry
from finetune.retrain.values import Calibrating, Contender
from finetune.samples import is_gold
from finetune.training.values import Base
from knowledge_base.errors import MismatchError, ModelError
from knowledge_base.values import Passage
from retrieval.context import CountTokens
from retrieval.prompt import Language, is_refusal, render
from retrieval.retriever import Ranked, Retriever
from retrieval.values import NO_FILTER, Filter, Vectors

_TASK_TOKENS = 512
_TOLD = 8
# No document has this path.
_NONE = frozenset({""})


def require_host(workspace: Workspace) -> AdapterHost:
    """The workspace's generator, which loads adapters onto a base model that is here; ModelError if not."""
    generator = workspace.generator()
    if not isinstance(generator, AdapterHost) or generator.base is None:
        raise ModelError(
            "The configured generator does not load adapters onto a base model in this process.",
            "Retrain with the generator in this process, then load the adapter where it is served.",
        )
    return generator


class CollectionLibrary:
    """`finetune.samples.Library` over one collection of a workspace."""

    def __init__(self, workspace: Workspace, collection: str) -> None:
        self._workspace = workspace
        self._collection = collection
        self._passages: dict[str, tuple[Passage, ...]] = {}

    def asked(self, question: str) -> str:
        """See `Library.asked`."""
        return standalone(question.strip(), (), date.today())

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Library.embed`."""
        return sentence_embedding(self._workspace.embedder())(texts)

    def search(self, questions: Sequence[str]) -> list[tuple[Passage, ...]]:
        """See `Library.search`."""
        return [tuple(entry.passage for entry in ranked) for ranked in self.ranked(questions)]

    def ranked(self, questions: Sequence[str], limit: Filter = NO_FILTER) -> list[tuple[Ranked, ...]]:
        """What is read for each question, best first."""
        wanted = self._workspace.settings.read_k
        found = self._workspace.search(questions, self._collection, limit=limit)
        return [right_years_first(q, one.ranked)[:wanted] for q, one in zip(questions, found, strict=True)]

    def passages(self, document: str) -> tuple[Passage, ...]:
        """See `Library.passages`."""
        if document not in self._passages:
            self._passages[document] = self._workspace.document(self._collection, document).passages
        return self._passages[document]


class WorkspaceSurroundings:
    """`finetune.retrain.Surroundings` over one collection of a workspace."""

    def __init__(self, workspace: Workspace, collection: str) -> None:
        self._workspace = workspace
        self._collection = collection
        self.library = CollectionLibrary(workspace, collection)
        settings = workspace.settings
        folder = model_folder(settings.generator, settings.models_cache)
        limit_threads(settings)
        self.base = Base(folder, settings.generator, device=device_of(settings))
        self.base_digest = weights_digest(folder)
        self.signals: Mapping[Calibrating, Sequence[str]] = {
            "scored": SIGNALS,
            "unscored": tuple(name for name in SIGNALS if name != "certainty"),
        }
        self._texts: Mapping[str, str] | None = None

    @property
    def count_tokens(self) -> CountTokens:
        """See `Surroundings.count_tokens`."""
        return self._workspace.generator().count_tokens

    @property
    def live(self) -> str | None:
        """See `Surroundings.live`; an adapter that cannot be served, as of another prompt, answers nobody."""
        entry = choose(self._workspace.registry, self._workspace.settings, None, self._collection)
        try:
            self._workspace.served().serve(entry)
        except (MismatchError, ModelError):
            return None
        return entry.reference if entry else None

    @property
    def language(self) -> Language:
        """See `Surroundings.language`."""
        return self._workspace.settings.locale

    @cached_property
    def notices(self) -> tuple[str, ...]:
        """See `Surroundings.notices`."""
        file = self.base.folder / "NOTICE"
        return (file.read_text(encoding="utf-8"),) if file.is_file() else ()

    def adapter(self, reference: str) -> Entry:
        """See `Surroundings.adapter`."""
        return self._workspace.registry.find(reference)

    def texts(self) -> Mapping[str, str]:
        """See `Surroundings.texts`."""
        if self._texts is None:
            paths = [entry.path for entry in self._workspace.documents(self._collection)]
            self._texts = {path: self._workspace.document(self._collection, path).text for path in paths}
        return self._texts

    def ask(self, contender: Contender) -> Ask:
        """See `Surroundings.ask`."""
        if not contender.context:
            return lambda questions: [self._from_memory(contender, question) for question in questions]
        return lambda questions: [self._reply(contender, question) for question in questions]

    def reads(
        self, contender: Contender, pairs: Sequence[Pair], tell: Callable[[int, int], None]
    ) -> list[Read]:
        """See `Surroundings.reads`."""
        reads = []
        for number, pair in enumerate(pairs):
            if number % _TOLD == 0:
                tell(number, len(pairs))
            reads.extend(self._reads_of(contender, replace(pair, question=self.library.asked(pair.question))))
        tell(len(pairs), len(pairs))
        return reads

    def finish(self, contender: Contender, task: Task) -> str:
        """See `Surroundings.finish`."""
        name = self._served_name(contender)
        request = Request(task.messages, None if name == BASE else name, _TASK_TOKENS)
        return "".join(self._workspace.generator().stream(request)).strip()

    def _reads_of(self, contender: Contender, pair: Pair) -> list[Read]:
        limits = [NO_FILTER]
        if pair.answerable and pair.evidence:
            limits.append(self._without({place.document for place in pair.evidence}))
        return [read for limit in limits if (read := self._read(contender, pair, limit)) is not None]

    def _read(self, contender: Contender, pair: Pair, limit: Filter) -> Read | None:
        """None where the right passage is not found: that is the search's failure, not the reader's."""
        (ranked,) = self.library.ranked([pair.question], limit)
        right = tuple(pair.answerable and is_gold(entry.passage, pair) for entry in ranked)
        expected = pair.answerable and limit == NO_FILTER
        if not ranked or (expected and not any(right)):
            return None
        doubts = self._answerer(contender).doubts(
            pair.question, [entry.passage for entry in ranked], self._served_name(contender)
        )
        signals = [signals_of(pair.question, e, doubt) for e, doubt in zip(ranked, doubts, strict=True)]
        group = pair.evidence[0].document if pair.evidence else pair.id
        return Read(group, tuple(signals), right, any(right))

    def _without(self, documents: frozenset[str] | set[str]) -> Filter:
        left = frozenset(self.texts()) - frozenset(documents)
        return Filter(documents=left or _NONE)  # an empty set would limit nothing

    def _reply(self, contender: Contender, question: Question) -> Reply:
        limit = self._without(question.without) if question.without else NO_FILTER
        asked = Asked(question.text, self._collection, self._served_name(contender), limit=limit)
        answer = self._answer(contender, asked)
        read = answer.trace.ranked[: self._workspace.settings.read_k]
        return Reply(
            text=answer.text,
            refused=answer.refused,
            confidence=answer.confidence,
            cited=tuple((citation.document, citation.quote) for citation in answer.citations),
            found=tuple(dict.fromkeys(entry.passage.document for entry in read)),
            seconds=answer.seconds,
        )

    def _answer(self, contender: Contender, asked: Asked) -> Answer:
        for event in self._answerer(contender).ask(asked, self._retriever()):
            if isinstance(event, Finished):
                return event.answer
        raise ModelError("An answer ended before it was finished.", "Run the command again: it goes on.")

    def _from_memory(self, contender: Contender, question: Question) -> Reply:
        started = time.perf_counter()
        name = self._served_name(contender)
        asked = render(self.library.asked(question.text), [""])
        settings = self._workspace.settings
        request = Request(asked, None if name == BASE else name, settings.max_new_tokens, stop=("\n",))
        text = "".join(self._workspace.generator().stream(request)).strip()
        refused = not text or is_refusal(text)
        return Reply(text, refused, 1.0, (), (), time.perf_counter() - started)

    def _answerer(self, contender: Contender) -> Answerer:
        embed = sentence_embedding(self._workspace.embedder())
        reading = self._reading(contender)
        return Answerer(self._workspace.generator(), embed, lambda _adapter: reading)

    def _reading(self, contender: Contender) -> Reading:
        usual = build_reading(self._workspace.settings)
        if contender.reading is not None:
            return reading_from(contender.reading, usual, contender.name)
        served = self._workspace.served().reading(self._served_name(contender))
        return served if contender.examples else replace(served, examples=False)

    def _retriever(self) -> Retriever:
        return self._workspace.retriever(self._collection)

    def _served_name(self, contender: Contender) -> str:
        """The name of its adapter at the generator, which learns of it here."""
        if isinstance(contender.adapter, Path):
            return self._candidate(contender.adapter)
        entry = self._workspace.registry.find(contender.adapter) if contender.adapter else None
        return self._workspace.served().serve(entry)

    def _candidate(self, folder: Path) -> str:
        generator = require_host(self._workspace)
        name = f"candidate-{uuid.uuid5(uuid.NAMESPACE_URL, str(folder)).hex}"
        generator.add_adapter(name, folder, "1")
        return name

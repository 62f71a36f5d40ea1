"""Questions on a collection's passages, written by the configured generator; what is good becomes pairs.

Each reply is noted when it is there, so that an interruption loses one passage. Which passages are asked
about is decided by a lot for each: more of them later continue where fewer ended.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from answering.generation.protocol import Generator, Request
from finetune.corpus import Corpus
from finetune.files import append_json, json_lines
from finetune.pairs.check import Checked
from finetune.pairs.generate import Candidate, GenerateSettings, excerpts, generate_pairs
from finetune.pairs.keep import keep_generated
from finetune.pairs.store import GENERATED, PairStore
from finetune.pairs.values import Pair
from knowledge_base.errors import InputError
from knowledge_base.values import Passage, digest_of
from retrieval.prompt import Message
from retrieval.storage import translate_errors

# A reply is a question and its answer; a model without a chat template continues with a task of its own.
_TOKENS = 96
_STOP = ("\n\n",)


def write_pairs_on(  # noqa: PLR0913, PLR0917 - who writes, about what, and where it is kept
    corpus: Corpus,
    store: PairStore,
    generator: Generator,
    passages: int,
    progress: Callable[[int, int], None],
    seed: int = 0,
    writer: str = "the model",
    settings: GenerateSettings | None = None,
) -> Checked:
    """Have questions written on so many passages, and store those that are good beside the imported pairs.

    What was written before is kept: the same call does nothing, one for more passages writes the rest.
    However it ends, by Ctrl-C too, what was written until then is judged and stored.

    Args:
        corpus: its passages are asked about, and its search must find them again.
        store: where the pairs are kept.
        generator: writes, without an adapter.
        passages: on how many.
        progress: is told passages done and passages in all.
        seed: another one draws other passages.
        writer: what the generator is called, for the record.
        settings: how many questions a passage gets, and what a good one is.

    Raises:
        InputError: the collection has no passage with enough text to ask questions about.
        NotFoundError: there is no such collection.
    """
    settings = settings or GenerateSettings()
    drawn = _drawn(corpus, passages, seed)
    place = store.folder / corpus.name
    with translate_errors(place):
        place.mkdir(parents=True, exist_ok=True)
    written = _Written(place / f"{GENERATED}.candidates")
    try:
        _write_missing(drawn, written, generator, settings, progress)
    finally:
        checked = _kept(corpus, store, written, settings, writer)
    return checked


def _drawn(corpus: Corpus, count: int, seed: int) -> list[Passage]:
    telling = [passage for passage in corpus.passages() if excerpts(passage, 1)]
    if not telling:
        raise InputError(
            f"The collection {corpus.name} has no passage with enough text to ask questions about.",
            "Ingest documents with running text first.",
        )
    return sorted(telling, key=lambda passage: digest_of(f"{seed}\0{passage.id}".encode()))[:count]


def _write_missing(
    drawn: Sequence[Passage],
    written: "_Written",
    generator: Generator,
    settings: GenerateSettings,
    progress: Callable[[int, int], None],
) -> None:
    def write(messages: tuple[Message, ...]) -> str:
        return "".join(generator.stream(Request(messages, max_new_tokens=_TOKENS, stop=_STOP)))

    for number, passage in enumerate(drawn):
        progress(number, len(drawn))
        if passage.id not in written.replies:
            written.add(passage, list(generate_pairs([passage], write, settings)))
    progress(len(drawn), len(drawn))


def _kept(
    corpus: Corpus, store: PairStore, written: "_Written", settings: GenerateSettings, writer: str
) -> Checked:
    """Judge all that was written on passages that are still there, and store what is good."""
    names = [file.name for file in store.list(corpus.name)]
    sources = store.sources(corpus.name, stored=[name for name in names if name != GENERATED])
    known: list[Pair] = [pair for source in sources for pair in source.pairs]
    candidates = written.candidates(corpus)
    checked = keep_generated(candidates, lambda question: corpus.find(question, settings.k), settings, known)
    if checked.kept:
        source = f"written by {writer} on passages of the collection"
        store.store(corpus.name, GENERATED, checked.kept, source)
    elif GENERATED in names:
        store.remove(corpus.name, GENERATED)
    return checked


class _Written:
    """Replies by passage, in a file that only grows; a line that a kill cut short is written again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.replies: dict[str, list[tuple[str, str]]] = {}
        with translate_errors(file):
            text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        for record in json_lines(text):
            try:
                pairs = [(str(question), str(answer)) for question, answer in record["pairs"]]
                self.replies[str(record["passage"])] = pairs
            except (ValueError, KeyError, TypeError):
                continue

    def add(self, passage: Passage, candidates: Sequence[Candidate]) -> None:
        """Keep what was written on a passage; it is on the disk when this returns."""
        pairs = [(candidate.question, candidate.answer) for candidate in candidates]
        with translate_errors(self._file):
            record = {"passage": passage.id, "document": passage.document, "pairs": pairs}
            append_json(self._file, record)
        self.replies[passage.id] = pairs

    def candidates(self, corpus: Corpus) -> Iterator[Candidate]:
        """What was written on the passages that the collection still has."""
        for passage in corpus.passages():
            for question, answer in self.replies.get(passage.id, ()):
                yield Candidate(passage, question, answer)

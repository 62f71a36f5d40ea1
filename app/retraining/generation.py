"""Questions on a collection's passages, written by the configured generator; what is good becomes pairs.

Each reply is noted when it is there, so that an interruption loses one passage. Which passages are asked
about is decided by a lot for each: more of them later go on where fewer ended.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from answering.generation.protocol import Generator, Request
from app.retraining.files import GENERATED
from app.workspace import Workspace
from finetune.pairs.check import Checked
from finetune.pairs.generate import Candidate, GenerateSettings, excerpts, generate_pairs
from finetune.pairs.keep import keep_generated
from finetune.pairs.values import Pair
from knowledge_base.errors import InputError
from knowledge_base.values import Passage, digest_of
from retrieval.prompt import Message
from retrieval.storage import translate_errors

Progress = Callable[[int, int], None]

# A reply is a question and its answer; a model without a chat template goes on with a task of its own.
_TOKENS = 96
_STOP = ("\n\n",)


def generate(
    workspace: Workspace,
    collection: str,
    passages: int,
    progress: Progress,
    seed: int = 0,
    settings: GenerateSettings | None = None,
) -> Checked:
    """Have questions written on so many passages, and store those that are good beside the imported pairs.

    What was written before is kept: the same call does nothing, one for more passages writes the rest.
    However it ends, by Ctrl-C too, what was written until then is judged and stored.

    Args:
        workspace: whose generator writes, without an adapter, and whose search must find the passage.
        collection: its passages are asked about.
        passages: on how many.
        progress: is told passages done and passages in all.
        seed: another one draws other passages.
        settings: how many questions a passage gets, and what a good one is.

    Raises:
        InputError: the collection has no passage that says enough to be asked about.
        NotFoundError: there is no such collection.
    """
    settings = settings or GenerateSettings()
    drawn = _drawn(workspace, collection, passages, seed)
    place = workspace.pairs.folder / collection
    with translate_errors(place):
        place.mkdir(parents=True, exist_ok=True)
    written = _Written(place / f"{GENERATED}.candidates")
    try:
        _write_missing(drawn, written, workspace.generator(), settings, progress)
    finally:
        checked = _kept(workspace, collection, written, settings)
    return checked


def _drawn(workspace: Workspace, collection: str, count: int, seed: int) -> list[Passage]:
    everything = [
        passage
        for entry in workspace.documents(collection)
        for passage in workspace.document(collection, entry.path).passages
    ]
    telling = [passage for passage in everything if excerpts(passage, 1)]
    if not telling:
        raise InputError(
            f"The collection {collection} has no passage that says enough to be asked about.",
            "Ingest documents with running text first.",
        )
    lots = {passage.id: digest_of(f"{seed}\0{passage.id}".encode()) for passage in telling}
    return sorted(telling, key=lambda passage: lots[passage.id])[:count]


def _write_missing(
    drawn: Sequence[Passage],
    written: "_Written",
    generator: Generator,
    settings: GenerateSettings,
    progress: Progress,
) -> None:
    def write(messages: tuple[Message, ...]) -> str:
        request = Request(messages, max_new_tokens=_TOKENS, stop=_STOP)
        return "".join(generator.stream(request))

    for number, passage in enumerate(drawn):
        progress(number, len(drawn))
        if passage.id not in written:
            written.add(passage, list(generate_pairs([passage], write, settings)))
    progress(len(drawn), len(drawn))


def _kept(workspace: Workspace, collection: str, written: "_Written", settings: GenerateSettings) -> Checked:
    """Judge all that was written on passages that are still there, and store what is good."""

    def find(question: str) -> tuple[Passage, ...]:
        (found,) = workspace.search([question], collection, k=settings.k)
        return tuple(entry.passage for entry in found.ranked)

    others = [file.name for file in workspace.pairs.list(collection) if file.name != GENERATED]
    known: list[Pair] = []
    for source in workspace.pairs.sources(collection, stored=others):
        known += source.pairs
    checked = keep_generated(written.candidates(workspace, collection), find, settings, known)
    if checked.kept:
        name = f"written by {workspace.settings.generator} on passages of the collection"
        workspace.pairs.store(collection, GENERATED, checked.kept, name)
    elif GENERATED in (file.name for file in workspace.pairs.list(collection)):
        workspace.pairs.remove(collection, GENERATED)
    return checked


class _Written:
    """Replies by passage, in a file that only grows; a line that a kill cut short is written again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._replies: dict[str, tuple[str, list[tuple[str, str]]]] = {}
        with translate_errors(file):
            text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        for line in text.split("\n"):
            try:
                told = json.loads(line)
                pairs = [(str(question), str(answer)) for question, answer in told["pairs"]]
                self._replies[told["passage"]] = (told["document"], pairs)
            except (ValueError, KeyError, TypeError):  # cut short, or the empty line before the first
                continue

    def __contains__(self, passage_id: str) -> bool:
        return passage_id in self._replies

    def add(self, passage: Passage, candidates: Sequence[Candidate]) -> None:
        """Keep what was written on a passage; it is on the disk when this returns."""
        pairs = [(candidate.question, candidate.answer) for candidate in candidates]
        told = {"passage": passage.id, "document": passage.document, "pairs": pairs}
        # The line break comes first, so that nothing is glued to a line that was cut short.
        with translate_errors(self._file), self._file.open("a", encoding="utf-8", errors="replace") as file:
            file.write("\n" + json.dumps(told, ensure_ascii=False))
            file.flush()
            os.fsync(file.fileno())
        self._replies[passage.id] = (passage.document, pairs)

    def candidates(self, workspace: Workspace, collection: str) -> Iterator[Candidate]:
        """What was written on the passages that the collection still has."""
        wanted = {document for document, _ in self._replies.values()}
        for entry in workspace.documents(collection):
            if entry.path in wanted:
                for passage in workspace.document(collection, entry.path).passages:
                    for question, answer in self._replies.get(passage.id, ("", []))[1]:
                        yield Candidate(passage, question, answer)

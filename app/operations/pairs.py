"""The question–answer pairs of a collection."""

from collections.abc import Sequence
from pathlib import Path

from app.operations.values import Home, Listener, operation
from app.training_schema import CheckedPairs, FeedbackPairs, PairFile
from finetune.pairs.feedback import feedback_source
from finetune.pairs.formats import read_pairs, write_pairs
from finetune.pairs.generate import write_pairs_on
from finetune.pairs.store import CHECKED, GENERATED, StoredFile, files_of
from finetune.pairs.values import Dropped


@operation
def catalogue(home: Home, listener: Listener, collection: str) -> list[PairFile]:
    """The stored files of a collection."""
    return [PairFile.model_validate(file) for file in home.workspace.pairs.list(collection)]


@operation
def files(home: Home, listener: Listener, paths: Sequence[Path]) -> list[Path]:
    """The files of pairs that files and folders stand for."""
    return files_of(paths)


@operation
def import_file(
    home: Home, listener: Listener, collection: str, file: Path, licence: str = "", as_pairs: bool = False
) -> CheckedPairs:
    """Check a file and store what can be used."""
    made = home.workspace.pairs.import_file(collection, file, licence, as_pairs)
    kept = (made.file.pairs, made.file.tasks)
    return _checked(home, collection, made.file.name, kept, made.dropped, stored=made.file)


@operation
def check(
    home: Home, listener: Listener, collection: str, file: Path, as_pairs: bool = False
) -> CheckedPairs:
    """Check a file, and store nothing."""
    read = read_pairs(file, as_pairs)
    checked = home.workspace.pairs.check(collection, read.pairs)
    kept = (len(checked.kept), len(read.tasks))
    return _checked(home, collection, file.name, kept, (*read.dropped, *checked.dropped), mark=CHECKED)


@operation
def export(home: Home, listener: Listener, collection: str, file: Path) -> tuple[int, int]:
    """Write all stored pairs to a file; how many pairs and other tasks."""
    dataset = home.workspace.pairs.dataset(collection)
    write_pairs([*dataset.pairs, *dataset.tasks], file)
    return len(dataset.pairs), len(dataset.tasks)


@operation
def feedback(home: Home, listener: Listener, collection: str, out: Path | None = None) -> FeedbackPairs:
    """The pairs that feedback becomes, which are written to a file if one is named."""
    found = feedback_source(home.workspace.feedback_on(collection))
    if out is not None:
        write_pairs(found.pairs, out)
    return FeedbackPairs.model_validate(found)


@operation
def generate(home: Home, listener: Listener, collection: str, passages: int, seed: int) -> CheckedPairs:
    """Let the model write pairs; tells as "progress" how many passages of how many are done."""
    made = write_pairs_on(
        home.workspace.corpus(collection),
        home.workspace.pairs,
        home.workspace.generator(),
        passages,
        lambda done, total: listener.hear("progress", ("Writing questions", done, total)),
        seed,
        home.settings.generator,
    )
    return _checked(home, collection, GENERATED, (len(made.kept), 0), made.dropped)


@operation
def remove(home: Home, listener: Listener, collection: str, name: str) -> None:
    """Remove a stored file."""
    home.workspace.pairs.remove(collection, name)


def _checked(  # noqa: PLR0913 - what became of which pairs, and what is written of them
    home: Home,
    collection: str,
    name: str,
    kept: tuple[int, int],
    dropped: Sequence[Dropped],
    *,
    mark: str = "",
    stored: StoredFile | None = None,
) -> CheckedPairs:
    """What became of pairs, with the page that lists those that were dropped."""
    page = home.workspace.pairs.write_page(collection, name, kept, dropped, home.settings.locale, mark)
    known = PairFile.model_validate(stored).model_dump() if stored else {}
    found = {"name": name, "pairs": kept[0], "tasks": kept[1], "report": str(page), "dropped": dropped}
    return CheckedPairs.model_validate(known | found)

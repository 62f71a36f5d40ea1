"""The collections of a home, and archives of them."""

from pathlib import Path

from app.factories import open_collections
from app.operations.values import Home, Listener, operation
from app.schema import Collection
from retrieval.archive import Manifest, export_collection, import_collection
from retrieval.models import Progress


@operation
def catalogue(home: Home, listener: Listener) -> list[Collection]:
    """Every collection."""
    return [Collection.model_validate(info) for info in home.workspace.collections()]


@operation
def create(home: Home, listener: Listener, name: str) -> None:
    """Make an empty collection."""
    home.workspace.create_collection(name)


@operation
def delete(home: Home, listener: Listener, name: str) -> None:
    """Remove a collection."""
    home.workspace.delete_collection(name)


@operation
def export(home: Home, listener: Listener, name: str, file: Path) -> Manifest:
    """Write a collection into an archive; tells its "progress"."""
    return export_collection(open_collections(home.settings), name, file, _progress(listener))


@operation
def import_archive(home: Home, listener: Listener, file: Path, name: str | None) -> Manifest:
    """Make a collection of an archive, under the name it had or another; tells its "progress"."""
    return import_collection(open_collections(home.settings), file, name, _progress(listener))


def _progress(listener: Listener) -> Progress:
    def tell(step: str, done: int, total: int) -> None:
        listener.hear("progress", (step, done, total))

    return tell

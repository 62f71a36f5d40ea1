"""Which collections there are in a cluster: made, opened, rebuilt and deleted by name."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from knowledge_base.errors import DomainqaError, NotFoundError, SettingsError, StorageError
from retrieval.collections import Chunking, Stats, check_name, fingerprint_of
from retrieval.elasticsearch.cluster import ANALYZER, Cluster
from retrieval.elasticsearch.index import ElasticsearchIndex
from retrieval.elasticsearch.layout import (
    alias_of,
    index_of,
    index_settings,
    mappings,
    name_of,
    number_of,
    rebuild_alias,
)
from retrieval.elasticsearch.lease import Lease
from retrieval.elasticsearch.state import first_state, read_state
from retrieval.elasticsearch.view import View, open_view
from retrieval.values import Embedder

UPLOADS = "uploads"
COLLECTIONS = "collections"

_EXISTS_ALREADY = "resource_already_exists_exception"


class ElasticsearchHome:
    """The collections of a cluster, as `Collections`; files that were uploaded stay below `folder`."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._folder = folder
        self._prefix = cluster.settings.prefix

    def uploads_folder(self, name: str) -> Path:
        """Where the files given to a collection through the page are kept."""
        return self._folder / COLLECTIONS / check_name(name) / UPLOADS

    def names(self) -> list[str]:
        """The names of all collections, sorted."""
        names = {name_of(self._prefix, alias): alias for alias in self._aliases(f"{self._prefix}*")}
        return sorted(name for name, alias in names.items() if name and read_state(self._cluster, alias))

    def read_only(self) -> list[str]:
        """Collections that take no changes, since the disk of a node is nearly full; sorted."""
        wanted = f"{self._prefix}*"
        found = self._cluster.read(
            lambda: self._cluster.client.indices.get_settings(index=wanted, name="index.blocks.*")
        )
        blocked = {index for index, told in found.items() if told["settings"]}
        return sorted(
            name
            for alias, indices in self._aliases(wanted).items()
            if (name := name_of(self._prefix, alias)) and blocked & set(indices)
        )

    def exists(self, name: str) -> bool:
        """Whether there is a collection of that name."""
        return read_state(self._cluster, self._alias(name)) is not None

    def stats(self, name: str) -> Stats:
        """What a collection holds and was made with; needs no embedder."""
        alias = self._alias(name)
        with self.reading(name) as view:
            documents, passages, vectors = view.counts()
            sizes = self._cluster.read(
                lambda: self._cluster.client.indices.stats(index=alias, metric="store")
            )
            size = int(sizes["_all"]["primaries"]["store"]["size_in_bytes"])
            return Stats(documents, passages, vectors, view.revision, view.fingerprint, size)

    @contextmanager
    def reading(self, name: str) -> Iterator[View]:
        """One state of a collection's documents, to be read without an embedder."""
        self._require(name)
        with open_view(self._cluster, self._alias(name)) as view:
            yield view

    def create(self, name: str, embedder: Embedder, chunking: Chunking | None = None) -> ElasticsearchIndex:
        """A collection, made if it is not there yet."""
        alias = self._alias(name)
        if read_state(self._cluster, alias) is None and not self._aliases(alias):
            self._make(index_of(alias, 1), alias, embedder)
        return ElasticsearchIndex(self._cluster, alias, name, embedder, chunking)

    def delete(self, name: str) -> None:
        """Remove a collection with its uploads.

        Raises NotFoundError, or BusyError while somebody writes it.
        """
        self._require(name)
        alias = self._alias(name)
        with ExitStack() as held:
            with suppress(StorageError):  # a full disk, which nobody can write, is a reason to delete
                held.enter_context(Lease(self._cluster, alias, name).acquire())
            self._drop(alias)
        shutil.rmtree(self.uploads_folder(name), ignore_errors=True)

    @contextmanager
    def rebuilding(
        self, name: str, embedder: Embedder, chunking: Chunking | None = None
    ) -> Iterator[ElasticsearchIndex]:
        """Rebuild a collection, with another embedder or chunking.

        Yields an empty index to be filled; at the end of the block it takes the place of the old one by one
        change of aliases. Until then, and if the block fails, the old one stays as it is and can be searched;
        nobody else can write meanwhile (BusyError).
        """
        self._require(name)
        alias = self._alias(name)
        fresh = rebuild_alias(alias)
        lease = Lease(self._cluster, alias, name)
        with lease.acquire():
            self._drop(fresh)  # of a process that was killed
            (old,) = self._aliases(alias)[alias]
            new = index_of(alias, number_of(old) + 1)
            try:
                self._make(new, fresh, embedder)
                before = read_state(self._cluster, alias)
                revision = before.revision + 1 if before else None
                first_state(self._cluster, fresh, fingerprint_of(embedder, chunking), revision)
                yield ElasticsearchIndex(self._cluster, fresh, name, embedder, chunking)
                lease.check()
                self._swap(alias, old, fresh, new)
            except BaseException:
                with suppress(DomainqaError):
                    self._drop(fresh)
                raise

    def _swap(self, alias: str, old: str, fresh: str, new: str) -> None:
        """The new index in place of the old one, in one step of the cluster."""
        actions = [
            {"remove_index": {"index": old}},
            {"remove": {"index": new, "alias": fresh}},
            {"add": {"index": new, "alias": alias}},
        ]
        try:
            self._cluster.write(lambda: self._cluster.client.indices.update_aliases(actions=actions))
        except NotFoundError:
            if self._aliases(alias).get(alias) != [new]:  # else only the answer to a first try was lost
                raise

    def _make(self, index: str, alias: str, embedder: Embedder) -> None:
        settings = self._cluster.settings
        try:
            self._cluster.write(
                lambda: self._cluster.client.indices.create(
                    index=index,
                    aliases={alias: {}},
                    settings=index_settings(settings),
                    mappings=mappings(embedder.dimension, settings),
                )
            )
        except DomainqaError as error:
            if _EXISTS_ALREADY in str(error.__cause__):
                return  # made by another process, or by a first try whose answer was lost
            if settings.analyzer != ANALYZER and settings.analyzer in str(error):
                raise SettingsError(
                    f"The cluster has no analyzer {settings.analyzer}.",
                    "Install the plugin that provides it, or unset elasticsearch_analyzer.",
                ) from error
            raise

    def _drop(self, alias: str) -> None:
        """Delete the index behind an alias, if there is one."""
        for index in self._aliases(alias).get(alias, []):
            with suppress(NotFoundError):
                self._cluster.write(partial(self._cluster.client.indices.delete, index=index))

    def _aliases(self, pattern: str) -> dict[str, list[str]]:
        """Aliases of that name or pattern, each with its indices."""
        try:
            found = self._cluster.read(lambda: self._cluster.client.indices.get_alias(name=pattern)).body
        except NotFoundError:
            return {}
        indices: dict[str, list[str]] = {}
        for index, body in found.items():
            for alias in body["aliases"]:
                indices.setdefault(alias, []).append(index)
        return indices

    def _alias(self, name: str) -> str:
        return alias_of(self._prefix, name)

    def _require(self, name: str) -> None:
        if not self.exists(name):
            there = ", ".join(self.names()) or "none yet"
            raise NotFoundError(
                f"There is no collection {name} in Elasticsearch at {self._cluster.settings.url}; "
                f"there is: {there}.",
                f"Create it with: domainqa ingest FOLDER --collection {name}",
            )

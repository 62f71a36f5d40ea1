"""Adapters, pairs and retrainings as the caller may use them: all may choose an adapter, admins all else."""

from collections.abc import Callable, Sequence
from pathlib import Path

from app.access.caller import caller
from app.access.values import Right
from app.page.service import Adapters, Pairs, Retrainings
from app.retraining.pairs import StoredFile, Summary
from app.retraining.values import CurvePoint, RunInfo, RunRequest
from finetune.registry.aliases import Aliases
from finetune.registry.entry import Entry

Require = Callable[[Right], None]


class GuardedAdapters:
    """Fulfils `Adapters`."""

    def __init__(self, adapters: Adapters, require: Require) -> None:
        self._adapters = adapters
        self._require = require

    def names(self) -> Sequence[str]:
        """Every adapter."""
        self._require("read")
        return self._adapters.names()

    def versions(self, name: str) -> Sequence[int]:
        """The numbers of its versions, ascending."""
        self._require("read")
        return self._adapters.versions(name)

    def aliases(self, name: str) -> Aliases:
        """Which version is live and which was before."""
        self._require("read")
        return self._adapters.aliases(name)

    def serves(self, name: str) -> bool:
        """Whether the bare name means an adapter."""
        self._require("read")
        return self._adapters.serves(name)

    def find(self, text: str) -> Entry:
        """What "bank" or "bank@3" means."""
        self._require("read")
        return self._adapters.find(text)

    def promote(self, name: str, version: int) -> Aliases:
        """Make a version live."""
        self._require("admin")
        return self._adapters.promote(name, version)

    def rollback(self, name: str) -> Aliases:
        """Exchange live and previous."""
        self._require("admin")
        return self._adapters.rollback(name)


class GuardedPairs:
    """Fulfils `Pairs`."""

    def __init__(self, pairs: Pairs, require: Require) -> None:
        self._pairs = pairs
        self._require = require

    def import_file(self, collection: str, path: Path) -> Summary:
        """Check a file and store what can be used of it."""
        self._require("admin")
        return self._pairs.import_file(collection, path)

    def list(self, collection: str) -> Sequence[StoredFile]:
        """The stored files of a collection; none for those who may not retrain."""
        return self._pairs.list(collection) if caller().may("admin") else ()

    def remove(self, collection: str, name: str) -> None:
        """Forget one of them."""
        self._require("admin")
        self._pairs.remove(collection, name)


class GuardedRetrainings:
    """Fulfils `Retrainings`."""

    def __init__(self, runs: Retrainings, require: Require) -> None:
        self._runs = runs
        self._require = require

    def create(self, request: RunRequest) -> RunInfo:
        """Note a retraining."""
        self._require("admin")
        return self._runs.create(request)

    def start(self, run_id: str) -> None:
        """Work on it, or go on with it."""
        self._require("admin")
        self._runs.start(run_id)

    def stop(self, run_id: str) -> None:
        """End the work on it for now."""
        self._require("admin")
        self._runs.stop(run_id)

    def list(self) -> Sequence[RunInfo]:
        """All of them, the newest first; none for those who may not retrain."""
        return self._runs.list() if caller().may("admin") else ()

    def get(self, run_id: str) -> RunInfo:
        """One of them."""
        self._require("admin")
        return self._runs.get(run_id)

    def curve(self, run_id: str) -> Sequence[CurvePoint]:
        """Its losses so far, by step."""
        self._require("admin")
        return self._runs.curve(run_id)

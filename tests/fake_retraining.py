"""Adapters, pairs and retrainings in memory, with the functions of the real ones: for tests of the page."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from answering.references import Reference, parse_reference
from finetune.pairs.check import check_pairs
from finetune.pairs.formats import read_pairs
from finetune.pairs.store import StoredFile, Summary
from finetune.registry.entry import Entry
from finetune.registry.manifest import Description, manifest_of
from finetune.registry.registry import Aliases
from finetune.retrain.runs import RunInfo, RunRequest
from finetune.retrain.values import Outcome, Status
from finetune.training.values import Point
from knowledge_base.errors import BusyError, InputError, NotFoundError

NOWHERE = Path("/nowhere")
IMPORTED = "2026-11-25T12:00:00+00:00"


class FakeRegistry:
    """Versions that are told, not stored."""

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = {}
        self._aliases: dict[str, Aliases] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._aliases.clear()

    def add(self, name: str, description: Description, folder: Path = NOWHERE) -> int:
        """Register a version; returns its number."""
        entries = self._entries.setdefault(name, [])
        number = len(entries) + 1
        entries.append(Entry(name, number, folder, manifest_of(description, name, number, {})))
        return number

    def names(self) -> list[str]:
        """Every name."""
        return sorted(self._entries)

    def versions(self, name: str) -> list[int]:
        """The numbers of all versions."""
        return list(range(1, len(self._entries.get(name, ())) + 1))

    def aliases(self, name: str) -> Aliases:
        """Which is live."""
        return self._aliases.get(name, Aliases())

    def serves(self, name: str) -> bool:
        """Whether a version is live."""
        return self.aliases(name).live is not None

    def find(self, text: str) -> Entry:
        """What a reference means."""
        reference = parse_reference(text)
        wanted = reference.version
        number = wanted if isinstance(wanted, int) else self.aliases(reference.name).number(wanted)
        if number not in self.versions(reference.name):
            raise NotFoundError(f"There is no adapter {text}.", "Choose another.")
        return self._entries[reference.name][number - 1]

    def promote(self, name: str, version: int) -> Aliases:
        """Make a version live."""
        self.find(str(Reference(name, version)))
        self._aliases[name] = self.aliases(name).promoted(version)
        return self._aliases[name]

    def rollback(self, name: str) -> Aliases:
        """Exchange live and previous."""
        self._aliases[name] = self.aliases(name).rolled_back()
        return self._aliases[name]


class FakePairs:
    """Files of pairs that were really read and checked, but for their evidence."""

    def __init__(self) -> None:
        self._files: dict[str, dict[str, StoredFile]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._files.clear()

    def import_file(self, collection: str, path: Path) -> Summary:
        """Read a file."""
        read = read_pairs(path)
        checked = check_pairs(read.pairs)
        dropped = (*read.dropped, *checked.dropped)
        if not checked.kept:
            raise InputError(f"None of the pairs of {path.name} can be used.", "Mend them.")
        file = StoredFile(
            path.stem, len(checked.kept), len(read.tasks), "", str(path), "2026-11-25T12:00:00+00:00", ""
        )
        self._files.setdefault(collection, {})[file.name] = file
        return Summary(file, dropped)

    def list(self, collection: str) -> "Sequence[StoredFile]":
        """The stored files."""
        return list(self._files.get(collection, {}).values())

    def remove(self, collection: str, name: str) -> None:
        """Forget one of them."""
        if name not in self._files.get(collection, {}):
            raise NotFoundError(f"There are no pairs {name}.", "Choose others.")
        del self._files[collection][name]


class FakeRuns:
    """Retrainings that go on as a test tells them to.

    `requests` are those that were made, `looks` is how often somebody looked at one.
    """

    def __init__(self) -> None:
        self.requests: list[RunRequest] = []
        self.looks = 0
        self._infos: dict[str, RunInfo] = {}
        self._curves: dict[str, list[Point]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self.requests.clear()
        self._infos.clear()
        self._curves.clear()

    def create(self, request: RunRequest) -> RunInfo:
        """Note a retraining."""
        if request.settings.get("rank", 1) == 0:
            raise InputError("The rank is 0.", "Give a higher one.")
        self.requests.append(request)
        run_id = f"20261125-{len(self._infos) + 1:06}-{request.name}"
        created = f"2026-11-25T20:{len(self._infos):02}:00+00:00"
        self._infos[run_id] = RunInfo(
            run_id, request.name, request.collection, created, "waiting", None, "", None, None, request
        )
        return self._infos[run_id]

    def start(self, run_id: str) -> None:
        """Say that it runs."""
        if any(info.state == "running" for info in self._infos.values()):
            raise BusyError("A retraining is running.", "Wait.")
        self._change(run_id, state="running", error="")

    def stop(self, run_id: str) -> None:
        """Say that it does not run any more."""
        self._change(run_id, state="stopped")

    def list(self) -> "Sequence[RunInfo]":
        """The newest first."""
        return sorted(self._infos.values(), key=lambda info: info.id, reverse=True)

    def get(self, run_id: str) -> RunInfo:
        """One of them."""
        if run_id not in self._infos:
            raise NotFoundError(f"There is no retraining {run_id}.", "Choose another.")
        self.looks += 1
        return self._infos[run_id]

    def curve(self, run_id: str) -> "Sequence[Point]":
        """What `tell` was told."""
        return self._curves.get(run_id, [])

    def tell(self, run_id: str, status: Status) -> None:
        """It is as far as this."""
        self._change(run_id, status=status)
        if status.loss is not None:
            point = Point(status.done, status.loss, status.dev_loss)
            self._curves.setdefault(run_id, []).append(point)

    def fail(self, run_id: str, message: str) -> None:
        """It could not go on."""
        self._change(run_id, state="failed", error=message)

    def finish(self, run_id: str, outcome: Outcome, report: Path | None = None) -> None:
        """It is done."""
        self._change(run_id, state="done", outcome=outcome, report=report)

    def _change(self, run_id: str, **changes: object) -> None:
        self._infos[run_id] = replace(self.get(run_id), **changes)  # type: ignore[arg-type]

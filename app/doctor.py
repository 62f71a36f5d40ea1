"""Checks everything that domainqa needs, and says what to do where something is wrong.

Each check measures one thing and judges it; none changes anything. A check that cannot look says so as a
finding of its own: doctor never dies of what it is there to find.
"""

import importlib.util
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal, TypeVar

import psutil
from packaging.requirements import Requirement

from answering.generation.remote.generator import RemoteGenerator
from app.access.rules import asks
from app.access.store import AccessStore
from app.adapters import judge, open_registry, problems_of_live
from app.factories import LANGCHAIN, build_langchain_generator, build_remote_generator, open_cluster
from app.settings import Settings
from app.workspace import CollectionInfo, Workspace
from knowledge_base.errors import DomainqaError
from retrieval.models import PackagedModel, is_installed, is_unpacked

_SERVE_THEM = "Start the server with them under these names, or let it load adapters; see docs/generators.md"

State = Literal["ok", "warn", "fail"]
T = TypeVar("T")

_GIGABYTE = 1_000_000_000
_DISK_NEEDED, _DISK_WANTED = 1 * _GIGABYTE, 5 * _GIGABYTE
# The page with both packaged models takes about 2 GB; a part of the weights may be paged out.
_MEMORY_NEEDED, _MEMORY_WANTED = 2 * _GIGABYTE, 4 * _GIGABYTE
_CORES_WANTED = 2
_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw; `remedy` says what to do and is empty where nothing is."""

    check: str
    state: State
    seen: str
    remedy: str = ""


def examine(
    settings: Settings,
    open_workspace: Callable[[], Workspace],
    models: Iterable[PackagedModel],
    quick: bool = False,
) -> Iterator[Finding]:
    """All findings, one after the other; the workspace is opened last, and its models unless `quick`."""
    yield from versions("domainqa")
    yield processor(processor_flags(), psutil.cpu_count(logical=False) or 1, settings.threads)
    yield accelerator()
    memory = psutil.virtual_memory()
    yield memory_of(memory.total, memory.available)
    for name, folder in (("home", settings.home), ("models cache", settings.models_cache)):
        yield writable(name, folder)
        yield disk(name, folder, shutil.disk_usage(_existing(folder)).free)
    yield guarded(settings)
    for model in models:
        yield packaged(model, settings.models_cache)
    yield from cluster(settings)
    yield from generator(settings)
    yield from adapters(settings)
    yield from collections(open_workspace, settings.embedder)
    if not quick:
        yield models_in_use(open_workspace)


def versions(project: str) -> Iterator[Finding]:
    """Python and every library that the project asks for, in the version it asks for."""
    yield Finding("python", "ok", ".".join(map(str, sys.version_info[:3])))
    try:
        needed = [Requirement(line) for line in requires(project) or ()]
    except PackageNotFoundError:
        yield Finding(project, "fail", "not installed as a package", "Install it: make run")
        return
    wanted = [need for need in needed if need.marker is None or need.marker.evaluate({"extra": ""})]
    problems = [problem for need in wanted if (problem := problem_of(need))]
    if problems:
        yield Finding("libraries", "fail", "; ".join(problems), "Install the exact versions: make run")
    else:
        yield Finding("libraries", "ok", f"{project} {version(project)} and {len(wanted)} libraries fit")


def problem_of(need: Requirement) -> str:
    """What is wrong with one library; "" if it fits."""
    try:
        found = version(need.name)
    except PackageNotFoundError:
        return f"{need.name} is missing"
    fits = need.specifier.contains(found, prereleases=True)
    return "" if fits else f"{need.name} is {found}, needed is {need.specifier}"


def processor_flags() -> frozenset[str]:
    """Features that the processor names; empty where the system does not list them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    found = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return frozenset(found.partition(":")[2].split())


def processor(flags: frozenset[str], cores: int, threads: int | None) -> Finding:
    """Whether the processor has what makes models quick."""
    known = [name for name in _FEATURES if name in flags]
    seen = f"{cores} cores, {threads or cores} threads; {', '.join(known) or 'no known vector features'}"
    if flags and "avx2" not in flags and "asimd" not in flags:
        return Finding("processor", "warn", seen, "Models run slowly without AVX2; use a newer machine.")
    if cores < _CORES_WANTED:
        return Finding("processor", "warn", seen, "Answers are slow on one core; two or more are better.")
    if threads and threads > cores:
        return Finding(
            "processor", "warn", seen, f"More threads than cores slow models down: threads = {cores}"
        )
    return Finding("processor", "ok", seen)


def accelerator() -> Finding:
    """Whether there is a CUDA card; none is needed."""
    if importlib.util.find_spec("torch") is None:
        return Finding("accelerator", "fail", "torch is missing", "Install the exact versions: make run")
    import torch

    if not torch.cuda.is_available():
        return Finding("accelerator", "ok", "none; models run on the processor")
    names = [torch.cuda.get_device_name(place) for place in range(torch.cuda.device_count())]
    return Finding("accelerator", "ok", ", ".join(names))


def memory_of(total: int, available: int) -> Finding:
    """Whether both models fit into memory."""
    seen = f"{available / _GIGABYTE:.1f} of {total / _GIGABYTE:.1f} GB available"
    if available < _MEMORY_NEEDED:
        return Finding(
            "memory", "fail", seen, f"Close other programs; {_MEMORY_NEEDED / _GIGABYTE:.0f} GB are needed."
        )
    if available < _MEMORY_WANTED:
        return Finding("memory", "warn", seen, f"{_MEMORY_WANTED / _GIGABYTE:.0f} GB are comfortable.")
    return Finding("memory", "ok", seen)


def disk(name: str, folder: Path, free: int) -> Finding:
    """Whether the disk of a folder has room left."""
    seen = f"{free / _GIGABYTE:.1f} GB free at {folder}"
    if free < _DISK_NEEDED:
        return Finding(f"disk of {name}", "fail", seen, "Free some space, or choose another folder.")
    if free < _DISK_WANTED:
        return Finding(f"disk of {name}", "warn", seen, "It will be full soon; free some space.")
    return Finding(f"disk of {name}", "ok", seen)


def writable(name: str, folder: Path) -> Finding:
    """Whether this user can write into a folder, or make it where it is not there yet."""
    place = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        remedy = f"Give this user the right to write there: chown {os.getuid()} {place}, or choose another."
        return Finding(name, "fail", f"{folder} cannot be written: {error.strerror}", remedy)
    return Finding(name, "ok", str(folder) if place == folder else f"{folder} (not there yet)")


def guarded(settings: Settings) -> Finding:
    """Whether callers of the page's address are asked who they are, and whether anybody could say it."""
    if not asks(settings):
        return Finding("access", "ok", f"{settings.host}: only this machine, and nobody is asked")
    store = AccessStore(settings.home)
    counts = _looked("access", lambda: (len(store.users.list()), len(store.keys.list())))
    if isinstance(counts, Finding):
        return counts
    seen = f"{settings.host}: everybody is asked; {counts[0]} users, {counts[1]} keys"
    if not any(counts):
        return Finding("access", "fail", seen, "domainqa users add NAME --role admin")
    return Finding("access", "ok", seen)


def packaged(model: PackagedModel, cache: Path) -> Finding:
    """Whether a packaged model is prepared, or can be."""
    name = f"model {model.name}"
    if is_unpacked(model, cache):
        return Finding(name, "ok", f"prepared in {model.folder(cache)}")
    if is_installed(model):
        return Finding(name, "warn", "installed, not prepared yet", f"domainqa models prepare {model.name}")
    return Finding(name, "fail", "its package is missing or damaged", model.install_command)


def cluster(settings: Settings) -> Iterator[Finding]:
    """Whether Elasticsearch answers with this key, and takes changes; nothing where there is none."""
    if settings.elasticsearch_url is None:
        return
    home = _looked("elasticsearch", partial(open_cluster, settings, settings.elasticsearch_url))
    read_only = home if isinstance(home, Finding) else _looked("elasticsearch", home.read_only)
    if isinstance(read_only, Finding):
        yield read_only
    elif read_only:
        seen = f"no changes are taken: {', '.join(read_only)}"
        yield Finding("elasticsearch", "warn", seen, "Free space on the cluster's disks, or add a node.")
    else:
        yield Finding("elasticsearch", "ok", f"{settings.elasticsearch_url} answers")


def generator(settings: Settings) -> Iterator[Finding]:
    """Whether the server that generates answers, serves the model, and has the adapters; none without one."""
    if settings.generator.startswith(LANGCHAIN):
        reached = _looked("generator", partial(build_langchain_generator, settings))
        if isinstance(reached, Finding):
            yield reached
        else:
            yield Finding("generator", "ok", reached.describe())
            yield _profile(settings, reached.chats)
        return
    if settings.generator_url is None:
        return
    found = _looked("generator", partial(build_remote_generator, settings, settings.generator_url))
    if isinstance(found, Finding):
        yield found
        return
    yield Finding("generator", "ok", found.describe())
    yield _profile(settings, found.chats)
    name = "adapters of the generator"
    missing = _looked(name, partial(_not_served, settings, found))
    if isinstance(missing, Finding):
        yield missing
    elif missing:
        yield Finding(name, "warn", f"not served: {', '.join(missing)}", _SERVE_THEM)
    else:
        yield Finding(name, "ok", "those that are live are served, or loaded when they are asked for")


def _profile(settings: Settings, chats: bool) -> Finding:
    """How the generator reads without an adapter, and whether that was recognised or set."""
    if settings.reading != "auto":
        return Finding("reading", "ok", f"{settings.reading}, as set")
    seen = "free: an instruct model reads the passages together" if chats else "span: one passage at a time"
    return Finding("reading", "ok", f"{seen} (recognised; adapters read one passage at a time)")


def _not_served(settings: Settings, generator: RemoteGenerator) -> list[str]:
    """Live adapters of the home that the server neither lists nor loads; shipped ones it need not have."""
    if generator.loads_adapters():
        return []
    registry = open_registry(settings)
    entries = [registry.find(name) for name in registry.names() if registry.serves(name)]
    live = {entry.reference for entry in entries if entry.folder.is_relative_to(settings.home)}
    return sorted(live - set(generator.models()))


def adapters(settings: Settings) -> Iterator[Finding]:
    """Whether each adapter that is live can answer over the generator of the settings."""
    registry = open_registry(settings)
    names = _looked("adapters", registry.live_names)
    if isinstance(names, Finding):
        yield names
        return
    problems = problems_of_live(registry, partial(judge, settings))
    for name in names:
        problem = problems.get(name)
        if problem is None:
            yield Finding(f"adapter {name}", "ok", "can answer")
        else:
            remedy = f"{problem.remedy} Or make another version live: domainqa adapters rollback {name}"
            yield Finding(f"adapter {name}", "fail", problem.cause, remedy)


def collections(open_workspace: Callable[[], Workspace], embedder: str) -> Iterator[Finding]:
    """Whether every collection can be opened and read, and fits the embedder of the settings."""
    opened = _looked("collections", open_workspace)
    if isinstance(opened, Finding):
        yield opened
        return
    with opened as workspace:
        found = _looked("collections", workspace.collections)
        if isinstance(found, Finding):
            yield found
        elif not found:
            yield Finding("collections", "warn", "there are none yet", "domainqa ingest FOLDER")
        else:
            yield from (_collection(workspace, info, embedder) for info in found)


def _collection(workspace: Workspace, info: CollectionInfo, embedder: str) -> Finding:
    name = f"collection {info.name}"
    read = _looked(name, partial(workspace.documents, info.name))
    if isinstance(read, Finding):
        return read
    if info.embedder != embedder:
        remedy = f"domainqa ingest FOLDER --collection {info.name} --rebuild, or embedder = {info.embedder}"
        return Finding(name, "warn", f"made by {info.embedder}, the settings say {embedder}", remedy)
    if info.outdated:
        remedy = f"domainqa ingest FOLDER --collection {info.name} --rebuild"
        return Finding(name, "warn", "read by an earlier version, which read files less well", remedy)
    return Finding(name, "ok", f"{info.documents} documents, {info.passages} passages")


def models_in_use(open_workspace: Callable[[], Workspace]) -> Finding:
    """Whether the models can be loaded and write, with the adapter that answers by default."""

    def load() -> float:
        began = time.monotonic()
        with open_workspace() as workspace:
            workspace.load()
        return time.monotonic() - began

    seconds = _looked("models in use", load)
    if isinstance(seconds, Finding):
        return seconds
    return Finding("models in use", "ok", f"loaded in {seconds:.0f} seconds")


def _looked(name: str, look: Callable[[], T]) -> T | Finding:
    try:
        return look()
    except DomainqaError as error:
        return Finding(name, "fail", error.cause, error.remedy)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())

"""Kills: every command that writes is killed at its steps, and what is left after each is looked at.

    python -m benchmarks.kills --kills 200 --folder /var/tmp/kills

Each round runs one command on a copy of a prepared home, in a process of its own that the kernel ends at a
random step: a file that is opened for writing, renamed or removed, a database that is opened, and a moment
after it. Then the home is looked at: its collections, documents, uploads, pairs, adapters, feedback, keys and
users are as before the command or as after it (of an ingest, between the two), every document can be found,
and what was reported done is there. Where it is not as after the command, the same command run again makes
it so. `--watch` and `serve` run until what happens beside them is done: files that change, or the call of a
client.

The processes are forks of one that has loaded the packaged models. Rounds are appended to
FOLDER/kills.jsonl, and a run that is interrupted goes on from there. A pause of the whole run only delays it.
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from multiprocessing.context import ForkContext
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import faiss  # noqa: F401 - loaded once, before the forks, as are PEFT and the server
import httpx
import peft.utils  # noqa: F401

from answering.generation.protocol import Generator
from answering.values import Question
from app.access.store import AccessStore
from app.announcement import find_server
from app.cli import cli
from app.cli.state import State
from app.factories import build_embedder, build_generator
from app.server import Server  # noqa: F401
from app.settings import Settings, load_settings
from app.versions import versions_of
from app.workspace import Workspace
from knowledge_base.errors import DomainqaError
from retrieval.values import Embedder

DOCUMENTS, HALF = 24, 12
_LIMIT_SECONDS = 3600  # a pause of the whole run is no failure
_STEPS = {"sqlite3.connect"}.union(
    f"os.{step}" for step in ("rename", "remove", "mkdir", "rmdir", "link", "chmod", "truncate")
)
_FORKS: ForkContext = multiprocessing.get_context("fork")

Beside = Callable[[Path, Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class Command:
    """A command that writes; `beside` happens while it runs, and ends it, and its steps count from then on.

    One that is `gradual` may be seen half done; facts `midway` may come or go before the others do.
    """

    name: str
    arguments: tuple[str, ...]
    typed: str = ""
    beside: Beside | None = None
    gradual: bool = False
    midway: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Round:
    """One kill: the command, at which step of how many, whether it was done by then, and what was wrong."""

    number: int
    command: str
    step: int
    steps: int
    ended: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A command that is let be: its steps, its seconds, and the home before and after it."""

    steps: int
    seconds: float
    before: frozenset[str]
    after: frozenset[str]


@dataclass(frozen=True, slots=True)
class Kill:
    """When a command is killed: so many seconds after a step; never for step 0."""

    step: int = 0
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a process tells of its command, also when it is killed: its steps, and whether it was done."""

    steps: "Synchronized[int]"
    done: "Synchronized[int]"


@dataclass(frozen=True, slots=True)
class Models:
    """The packaged models, loaded before the forks."""

    embedder: Embedder
    generator: Generator

    def open(self, settings: Settings) -> Workspace:
        """A workspace with them."""
        return Workspace(settings, self.embedder, self.generator)


def commands(folder: Path) -> tuple[Command, ...]:
    """Every kind of writing on the prepared home, whose copy for a round is FOLDER/round."""
    place, texts = folder / "round", str(folder / "texts")
    ask = ("serve", "--port", "0")
    judged = frozenset(["feedback down 11 yuan"])  # is erased before the document
    bank = "/v1/collections/bank"
    answer = {"answer_id": "", "verdict": "up", "correction": "7 yuan"}
    return (
        Command("ingest", ("ingest", texts), gradual=True),
        Command("ingest a new collection", ("ingest", texts, "-c", "new"), gradual=True),
        Command("ingest --rebuild", ("ingest", texts, "--rebuild")),
        Command("ingest after removals", ("ingest", str(folder / "third"), "--allow-removal"), gradual=True),
        Command(
            "ingest --watch",
            ("ingest", str(place / "watched"), "--watch"),
            beside=_change(folder),
            gradual=True,
        ),
        Command("collections create", ("collections", "create", "new")),
        Command("collections delete", ("collections", "delete", "bank", "--yes"), midway=judged),
        Command("collections export", ("collections", "export", "bank", str(place / "out.zip"))),
        Command(
            "collections import",
            ("collections", "import", str(folder / "bank.zip"), "--as", "new"),
            midway=frozenset(["collection new"]),  # it is empty until all is there
        ),
        Command("documents delete", ("documents", "delete", "0001.txt"), midway=judged),
        Command("pairs import", ("pairs", "import", str(folder / "more.jsonl"))),
        Command("pairs remove", ("pairs", "remove", "known")),
        Command("adapters import", ("adapters", "import", str(folder / "peft"), "--name", "new")),
        Command("adapters export", ("adapters", "export", "bank@1", str(place / "out.zip"))),
        Command("adapters promote", ("adapters", "promote", "bank@3")),
        Command("adapters rollback", ("adapters", "rollback", "bank")),
        Command("adapters remove", ("adapters", "remove", "bank@3")),
        Command("keys create", ("keys", "create", "new")),
        Command("keys revoke", ("keys", "revoke", "known")),
        Command("users add", ("users", "add", "new"), "a long new password\n"),
        Command("users password", ("users", "password", "known"), "a long new password\n"),
        Command("users remove", ("users", "remove", "known")),
        Command("POST documents", ask, beside=_call(_upload)),
        Command("DELETE document", ask, beside=_delete(f"{bank}/documents/0001.txt"), midway=judged),
        Command("POST collections", ask, beside=_post("/v1/collections", {"name": "new"})),
        Command("DELETE collection", ask, beside=_delete(bank), midway=judged),
        Command("POST feedback", ask, beside=_post("/v1/feedback", answer)),
    )


def _change(folder: Path) -> Beside:
    def change(home: Path, begin: Callable[[], None]) -> None:
        begin()
        for file in sorted((folder / "texts").iterdir()):
            shutil.copy(file, home / "watched")
            time.sleep(0.1)
        with Workspace(load_settings({"home": home})) as workspace:
            while workspace.collection("bank").documents < DOCUMENTS:
                time.sleep(0.2)

    return change


def _call(call: Callable[[httpx.Client, Path], httpx.Response]) -> Beside:
    def called(home: Path, begin: Callable[[], None]) -> None:
        while not (server := find_server(home)) or isinstance(server, str):
            time.sleep(0.05)
        begin()
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=_LIMIT_SECONDS) as client:
            reply = call(client, home)
            assert reply.is_success, reply.text

    return called


def _post(path: str, body: dict[str, str]) -> Beside:
    def post(client: httpx.Client, home: Path) -> httpx.Response:
        answer = (home / "answer.txt").read_text(encoding="ascii")
        return client.post(path, json={key: value or answer for key, value in body.items()})

    return _call(post)


def _delete(path: str) -> Beside:
    return _call(lambda client, _home: client.delete(path))


def _upload(client: httpx.Client, _home: Path) -> httpx.Response:
    files = {"files": ("new.txt", b"Card N costs 9 yuan.")}
    reply = client.post("/v1/collections/bank/documents", files=files)
    job = f"/v1/jobs/{reply.json()['id']}"
    while (reply := client.get(job)).is_success and reply.json()["state"] != "done":
        time.sleep(0.05)
    return reply


def state_of(home: Path, models: Models) -> Iterator[str]:
    """What can be seen of a home, one fact a line; a defect is a fact too."""
    with models.open(load_settings({"home": home, "depth": 200})) as workspace:
        for info in workspace.collections():
            yield f"collection {info.name}{info.problem and ': ' + info.problem}"
            if not info.problem:
                yield from _documents(workspace, info.name)
        yield from (f"pairs {stored.name} {stored.pairs}" for stored in workspace.pairs.list("bank"))
        for version in versions_of(workspace.registry):
            name = version.name if version.name == "new" else version.reference
            yield f"adapter {name} {version.state}{version.problem}"
        for one in workspace.feedback_on("bank"):
            yield f"feedback {one.verdict} {one.correction}"
    store = AccessStore(home)
    yield from (f"key {key.name}" for key in store.keys.list())
    for user in store.users.list():
        yield f"user {user.name}"
        for password in ("an old password", "a long new password"):
            try:
                store.users.check(user.name, password)
                yield f"user {user.name} has {password}"
            except DomainqaError:
                pass
    archive = home / "out.zip"
    if archive.exists():
        with zipfile.ZipFile(archive) as opened:
            yield f"archive {opened.testzip() or 'is whole'}"


def _documents(workspace: Workspace, name: str) -> Iterator[str]:
    listed = {entry.path: entry.digest for entry in workspace.documents(name)}
    yield from (f"document {name} {path} {digest}" for path, digest in listed.items())
    (found,) = workspace.search(["What does a card cost?"], name, k=200)
    seen = {ranked.passage.document for ranked in found.ranked}
    yield from (f"{name} does not find {path}" for path in listed.keys() - seen)
    yield from (f"{name} finds {path}, which it does not have" for path in seen - listed.keys())


class Bench:
    """Runs commands on copies of a prepared home."""

    def __init__(self, folder: Path, models: Models) -> None:
        self._folder = folder
        self._models = models
        self._place = folder / "round"

    def fresh(self) -> None:
        """A copy of the prepared home."""
        shutil.rmtree(self._place, ignore_errors=True)
        shutil.copytree(self._folder / "home", self._place)

    def state(self) -> frozenset[str]:
        """What can be seen of the copy, by a process of its own."""
        ours, theirs = _FORKS.Pipe(duplex=False)

        def look() -> None:
            try:
                theirs.send(frozenset(state_of(self._place, self._models)))
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is a finding
                theirs.send(frozenset([f"cannot be looked at: {error!r}"]))

        process = _FORKS.Process(target=look)
        process.start()
        found: frozenset[str] = ours.recv()
        process.join()
        return found

    def run(self, command: Command, kill: Kill = Kill()) -> tuple[bool, int, str]:
        """Whether a command was done, its steps, and its output."""
        seen = Seen(_FORKS.Value("i", 0), _FORKS.Value("i", 0))
        process = _FORKS.Process(target=_perform, args=(command, self._place, self._models, kill, seen))
        process.start()
        process.join(_LIMIT_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        said = (self._place / "said.txt").read_text(encoding="utf-8", errors="replace")
        return bool(seen.done.value) or process.exitcode == 0, seen.steps.value, said[-600:]

    def trial(self, command: Command) -> Trial:
        """Let a command be."""
        self.fresh()
        before, began = self.state(), time.monotonic()
        ended, steps, said = self.run(command)
        assert ended, f"{command.name}: {said}"
        seconds = time.monotonic() - began
        return Trial(steps, seconds, before, self.state())

    def round(self, number: int, command: Command, trial: Trial, chance: random.Random) -> Round:
        """Kill a command, look at its home, and run it again if it is not as after the command."""
        self.fresh()
        # Mostly soon after the step: many commands end within milliseconds of their last one.
        pause = 2 * trial.seconds / trial.steps * chance.random() ** 3
        kill = Kill(chance.randint(1, trial.steps), pause)
        ended, _, _ = self.run(command, kill)
        found, problems = self.state(), []
        lost, alien = (trial.before & trial.after) - found, found - trial.before - trial.after
        midway = command.gradual or (found ^ trial.before) <= command.midway
        half = not midway and found != trial.after
        if lost or alien or half or (ended and found != trial.after):
            told = found ^ (trial.after if ended else trial.before)
            problems.append(f"after the kill: {sorted(told)[:6]}")
        if found != trial.after:
            done, _, said = self.run(command)
            again = self.state()
            if not done or again != trial.after:
                problems.append(f"run again: {sorted(again ^ trial.after)[:6]} {said}")
        return Round(number, command.name, kill.step, trial.steps, ended, tuple(problems))


def _perform(command: Command, home: Path, models: Models, kill: Kill, seen: Seen) -> None:
    """What the killed process does."""
    said = os.open(home / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.stdin = StringIO(command.typed)
    os.environ["DOMAINQA_HOME"] = str(home)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which the background jobs of a shell ignore
    begun = threading.Event()

    def count(event: str, given: tuple[Any, ...]) -> None:
        writes = event == "open" and given[2] and given[2] & (os.O_WRONLY | os.O_RDWR)
        if begun.is_set() and (event in _STEPS or writes):
            seen.steps.value += 1
            if (
                seen.steps.value == kill.step
            ):  # the alarm, which nothing handles, ends the process like a SIGKILL
                signal.setitimer(signal.ITIMER_REAL, max(kill.pause, 1e-6))

    def beside(happens: Beside) -> None:
        happens(home, begun.set)
        seen.done.value = 1
        os.kill(os.getpid(), signal.SIGINT)

    if command.beside:
        threading.Thread(target=beside, args=(command.beside,), daemon=True).start()
    else:
        begun.set()
    sys.addaudithook(count)
    cli(list(command.arguments), prog_name="domainqa", obj=State(open=models.open))


def prepare(folder: Path, models: Models) -> None:
    """Documents, pairs, an adapter, an archive, and a home that has all of them."""
    for name, numbers in (("texts", range(DOCUMENTS)), ("half", range(HALF)), ("third", range(4, HALF))):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in numbers:
            lines = [f"Card {number} costs {number}{year} yuan in the year 200{year}." for year in range(5)]
            (folder / name / f"{number:04}.txt").write_text("\n\n".join(lines), encoding="utf-8")
    for name in ("known", "more"):
        pair = {"question": f"What does the {name} card 3 cost in the year 2001?", "answer": "31 yuan"}
        (folder / f"{name}.jsonl").write_text(json.dumps(pair), encoding="utf-8")
    bench, home = Bench(folder, models), folder / "round"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(folder / "half", home / "watched")
    adapter = str(folder / "peft")
    setup: Sequence[tuple[tuple[str, ...], str]] = (
        (("ingest", str(folder / "half")), ""),
        (("collections", "export", "bank", str(folder / "bank.zip")), ""),
        (("pairs", "import", str(folder / "known.jsonl")), ""),
        (("adapters", "export", "reader", adapter), ""),
        *((("adapters", "import", adapter, "--name", "bank"), ""),) * 3,
        (("adapters", "promote", "bank@1"), ""),
        (("adapters", "promote", "bank@2"), ""),
        (("keys", "create", "known"), ""),
        (("users", "add", "known"), "an old password\n"),
    )
    for arguments, typed in setup:
        ended, _, said = bench.run(Command("", arguments, typed))
        assert ended, said
    process = _FORKS.Process(target=_ask, args=(home, models))
    process.start()
    process.join()
    home.rename(folder / "home")


def _ask(home: Path, models: Models) -> None:
    """An answer that is judged, and one that can be."""
    with models.open(load_settings({"home": home})) as workspace:
        first, second = (
            workspace.answer(Question(f"What does card {card} cost in the year 2001?", "bank"))
            for card in (1, 2)
        )
        workspace.feedback(first.id, "down", "11 yuan")
    (home / "answer.txt").write_text(second.id, encoding="ascii")


def _load(embedder: Any) -> None:  # noqa: ANN401 - what it keeps to itself
    """Load what is loaded at the first use, and compute nothing: that would begin threads."""
    embedder.count_tokens(["Hello"])
    engine = embedder._engine()
    engine._queries()
    engine._passages()


def main() -> None:
    """Kill as often as asked, and say what was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=19)
    parser.add_argument("--only", default="", help="only commands whose name has this in it")
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    settings = load_settings({"threads": 1})  # threads do not outlive a fork
    models = Models(build_embedder(settings), build_generator(settings))
    _load(models.embedder)
    if not (given.folder / "home").exists():
        prepare(given.folder, models)
    bench, log = Bench(given.folder, models), given.folder / "kills.jsonl"
    done = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    kinds = [one for one in commands(given.folder) if given.only in one.name]
    trials: dict[str, Trial] = {}
    killed = sum(not json.loads(line)["ended"] for line in done)
    number = len(done)
    while killed < given.kills:
        command = kinds[number % len(kinds)]
        if command.name not in trials:
            trials[command.name] = bench.trial(command)
        chance = random.Random(f"{given.seed}-{number}")
        found = bench.round(number, command, trials[command.name], chance)
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(found), ensure_ascii=False) + "\n")
        number, killed = number + 1, killed + (not found.ended)
    rounds = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    kills = Counter(one["command"] for one in rounds if not one["ended"])
    wrong = [one for one in rounds if one["problems"]]
    print(json.dumps({"rounds": len(rounds), "killed": kills, "wrong": wrong}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()

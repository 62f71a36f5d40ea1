"""Kills: SIGKILL at random moments of every command that writes, and what is left after each.

    python -m benchmarks.kills --kills 200 --folder /var/tmp/kills

Each round runs one command on a home of its own, kills it after a random share of the time that it takes, and
checks the home by other commands: nothing reported done is lost, the home can be read, and the same command
run again succeeds. Rounds are appended to FOLDER/kills.jsonl; a run that is interrupted goes on from there.
The moments depend on --seed alone. Needs the packaged embedder, and no other process on the machine.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = 30
_LIMIT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Round:
    """One kill: the command, after how many seconds, whether it had ended by then, and what was wrong."""

    number: int
    command: str
    seconds: float
    ended: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A command that writes; `documents` is how many the collection "bank" has once it has succeeded."""

    name: str
    arguments: tuple[str, ...]
    documents: int


def commands(folder: Path) -> tuple[Command, ...]:
    """Every kind of writing on a home that has the collection "bank"."""
    texts = str(folder / "texts")
    return (
        Command("ingest", ("ingest", texts, "-c", "bank"), DOCUMENTS),
        Command("rebuild", ("ingest", texts, "-c", "bank", "--rebuild"), DOCUMENTS),
        Command("create", ("collections", "create", "staff"), DOCUMENTS // 2),
        Command(
            "import", ("collections", "import", str(folder / "bank.zip"), "--as", "copy"), DOCUMENTS // 2
        ),
        Command("delete", ("documents", "delete", "0001.txt", "-c", "bank"), DOCUMENTS // 2 - 1),
        Command("pairs", ("pairs", "import", str(folder / "pairs.jsonl"), "-c", "bank"), DOCUMENTS // 2),
        Command("keys", ("keys", "create", "program"), DOCUMENTS // 2),
    )


def run(home: Path, arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start a command on a home."""
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "--home", str(home), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def result(home: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output of a command that is let be."""
    process = run(home, arguments)
    output, errors = process.communicate(timeout=_LIMIT_SECONDS)
    return process.returncode, (output or errors).decode()


def prepare(folder: Path) -> dict[str, float]:
    """A home with half of the documents, an archive and pairs; and the seconds that each command takes."""
    texts, home = folder / "texts", folder / "home"
    texts.mkdir(parents=True, exist_ok=True)
    for number in range(DOCUMENTS):
        lines = [f"Card {number} costs {number}{place} yuan in year {2000 + place}." for place in range(20)]
        (texts / f"{number:04}.txt").write_text("\n\n".join(lines), encoding="utf-8")
    pair = {"question": "What does card 3 cost?", "answer": "30 yuan"}
    (folder / "pairs.jsonl").write_text(json.dumps(pair), encoding="utf-8")
    if not (folder / "bank.zip").exists():
        shutil.rmtree(home, ignore_errors=True)
        half = folder / "half"
        shutil.copytree(
            texts, half, dirs_exist_ok=True, ignore=lambda _, names: sorted(names)[DOCUMENTS // 2 :]
        )
        assert result(home, "ingest", str(half), "-c", "bank")[0] == 0
        assert result(home, "collections", "export", "bank", str(folder / "bank.zip"))[0] == 0
    took = {}
    for command in commands(folder):
        place = fresh(folder)
        began = time.monotonic()
        code, said = result(place, *command.arguments)
        took[command.name] = time.monotonic() - began
        assert code == 0, said
    return took


def fresh(folder: Path) -> Path:
    """A copy of the prepared home, for one round."""
    place = folder / "round"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder / "home", place)
    return place


def kill_once(folder: Path, number: int, command: Command, seconds: float) -> Round:
    """Kill a command, look at its home, and run it again."""
    home = fresh(folder)
    process = run(home, command.arguments)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    ended = process.returncode == 0
    return Round(number, command.name, round(seconds, 3), ended, tuple(problems(home, command, ended)))


def problems(home: Path, command: Command, ended: bool) -> list[str]:
    """What is wrong with a home after a kill, and after the command was run again."""
    wrong = []
    code, said = result(home, "documents", "list", "-c", "bank", "--json")
    before = len(json.loads(said)) if code == 0 else -1
    least = command.documents if ended else min(command.documents, DOCUMENTS // 2)
    if before < least:
        wrong.append(f"{before} documents after the kill: {said[:200]}")
    code, said = result(home, *command.arguments)
    allowed = {0, 3} if ended or command.name == "create" else {0, 4} if command.name == "delete" else {0}
    if code not in allowed | ({4} if ended and command.name == "delete" else set()):
        wrong.append(f"run again: exit code {code}: {said[-300:]}")
    code, said = result(home, "documents", "list", "-c", "bank", "--json")
    if code or len(json.loads(said)) != command.documents:
        wrong.append(f"after it was run again: exit code {code}, {said[:100]}")
    return wrong


def main() -> None:
    """Kill as often as asked, and say what was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=19)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    log = given.folder / "kills.jsonl"
    took = prepare(given.folder)
    done = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    kinds = commands(given.folder)
    for number in range(given.kills):
        command, chance = kinds[number % len(kinds)], random.Random(f"{given.seed}-{number}").random()
        if number >= len(done):
            found = kill_once(given.folder, number, command, took[command.name] * chance)
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(found)) + "\n")
    rounds = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    killed = Counter(one["command"] for one in rounds if not one["ended"])
    wrong = [one for one in rounds if one["problems"]]
    print(json.dumps({"rounds": len(rounds), "killed": killed, "wrong": wrong}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()

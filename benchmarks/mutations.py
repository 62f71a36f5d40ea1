"""Mutated files through the loaders: each is read, or refused as a file; nothing else is raised.

    python -m benchmarks.mutations --files 500

Files of the folders that are given (by default the sample bank) are changed at random: bytes replaced, pieces
cut out, doubled or moved, ends cut off. The changes depend on --seed alone. Every file is read in this
process; what fails is kept in --keep.
"""

import argparse
import json
import random
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import SAMPLES
from knowledge_base.errors import LoadError
from knowledge_base.loaders import formats, parse, suffix_of


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with one to eight changes."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        first, last = sorted(chance.randrange(len(changed) + 1) for _ in range(2))
        last = min(last, first + 4096)
        piece = bytes(changed[first:last])
        match chance.choice(["noise", "cut", "double", "move", "end"]):
            case "noise":
                for _ in range(chance.randint(1, 64)):
                    if changed:
                        changed[chance.randrange(len(changed))] = chance.randrange(256)
            case "cut":
                del changed[first:last]
            case "double":
                changed[first:first] = piece
            case "move":
                del changed[first:last]
                place = chance.randrange(len(changed) + 1)
                changed[place:place] = piece
            case "end":
                del changed[max(first, 1) :]
    return bytes(changed)


def read_all(files: Sequence[Path], count: int, seed: int, keep: Path) -> dict[str, object]:
    """Read `count` mutated files; how many were read or refused, and all that failed otherwise."""
    outcomes: Counter[str] = Counter()
    failures, slowest = [], (0.0, "")
    for number in range(count):
        chance = random.Random(f"{seed}-{number}")
        file = chance.choice(files)
        data, began = mutated(file.read_bytes(), chance), time.process_time()
        try:
            parse(data, suffix_of(file.name))
            outcomes["read"] += 1
        except LoadError:
            outcomes["refused"] += 1
        except Exception:  # noqa: BLE001 - the very thing that is looked for
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{number}-{file.name}").write_bytes(data)
            failures.append({"number": number, "file": file.name, "error": traceback.format_exc(limit=-3)})
        slowest = max(slowest, (round(time.process_time() - began, 1), f"{number}-{file.name}"))
    return {"files": count, "seed": seed, **outcomes, "slowest CPU seconds": slowest, "failures": failures}


def main() -> None:
    """Mutate, read, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folders", nargs="*", type=Path, default=[SAMPLES / "bank"])
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--seed", type=int, default=19)
    parser.add_argument("--keep", type=Path, default=Path("mutations"))
    given = parser.parse_args()
    known = formats()
    files = sorted(f for place in given.folders for f in place.rglob("*") if suffix_of(f.name) in known)
    print(json.dumps(read_all(files, given.files, given.seed, given.keep), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()

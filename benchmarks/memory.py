"""Memory of a server under mixed load, and where each megabyte of a process is.

usage: python benchmarks/memory.py [--build DIR]... [--answers 300] [--json FILE]
       python benchmarks/memory.py --parts

Each build (a checkout with its environment in .venv; this one by default) serves the sample bank over a fresh
home. It answers questions in English and Chinese, every third in full sentences and the others in few words,
and changes the adapter twenty times; five documents are uploaded and twenty clients search meanwhile. Memory
is resident memory: what the process holds alone ("own") and mapped files that others can share ("files").
--parts loads one part after another in one process and tells what each adds.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from benchmarks.builds import ROOT, Build, serving
from benchmarks.measuring import SAMPLES, Row, save, show
from finetune.pairs.formats import read_pairs

CHANGES, UPLOADS, CLIENTS = 20, 5, 20
PATIENCE = 900.0


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, action="append", help="a checkout to serve; can be repeated")
    parser.add_argument("--answers", type=int, default=300, help="questions that are answered")
    parser.add_argument("--parts", action="store_true", help="tell what each part of one process holds")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    if arguments.parts:
        rows = list(_parts())
    else:
        rows = []
        served = (_served(build, arguments.answers) for build in arguments.build or [ROOT])
        for row in itertools.chain.from_iterable(served):
            print(row, file=sys.stderr)  # it takes minutes
            rows.append(row)
    show("Memory, MB", rows)
    save(arguments.json, "memory", {"memory": rows})


def _served(build: Path, answers: int) -> Iterator[Row]:
    """Rows of one build: after loading, after every sixth of the answers, and after uploads and searches."""
    pairs = [read_pairs(SAMPLES / "pairs" / f"{language}.jsonl").pairs for language in ("en", "zh")]
    questions = [pair.question for both in zip(*pairs, strict=False) for pair in both]
    with tempfile.TemporaryDirectory() as home:
        served = Build(build.resolve(), Path(home), {"DOMAINQA_REQUESTS_PER_MINUTE": "100000"})
        served.ingest(SAMPLES / "bank")
        with (
            serving(served) as (address, process),
            httpx.Client(base_url=address, timeout=PATIENCE) as client,
        ):
            yield from _loaded(build, client, process, questions, answers)


def _loaded(
    build: Path, client: httpx.Client, process: int, questions: Sequence[str], answers: int
) -> Iterator[Row]:
    yield _row(build, "ready", process)
    for number, question in zip(range(answers), itertools.cycle(questions), strict=False):
        adapter = ("base", "reader")[number * CHANGES // answers % 2]
        _ask(client, question, adapter, "sentence" if number % 3 == 2 else "words")  # noqa: PLR2004
        if number % (answers // UPLOADS) == 0:
            _upload(client, number)
        if (number + 1) % (answers // 6) == 0:
            yield _row(build, f"{number + 1} answers", process)
    with ThreadPoolExecutor(CLIENTS) as clients:
        found = clients.map(lambda text: client.post("/v1/search", json={"query": text}), questions * 2)
        for answer in found:
            answer.raise_for_status()
    yield _row(build, f"{CLIENTS} clients searched", process)


def _ask(client: httpx.Client, question: str, adapter: str, style: str) -> None:
    body = {"input": question, "adapter_id": adapter, "style": style}
    client.post("/v1/generate", json=body).raise_for_status()


def _upload(client: httpx.Client, number: int) -> None:
    text = f"Notice {number}.\n\n" + "The branch closes early before public holidays. " * 200
    files = {"files": (f"notice-{number}.txt", text.encode())}
    job = client.post("/v1/collections/bank/documents", files=files).raise_for_status().json()["id"]
    while client.get(f"/v1/jobs/{job}").json()["state"] not in {"done", "failed", "ended"}:
        time.sleep(0.5)


def _row(build: Path, when: str, process: int) -> Row:
    return {"build": build.resolve().name, "when": when, **_memory(process)}


def _memory(process: int | str = "self") -> dict[str, float]:
    """Resident, its own and mapped part, and the most that was ever resident, of a process."""
    kilobytes: dict[str, int] = {}
    for file in ("smaps_rollup", "status"):
        for line in Path(f"/proc/{process}/{file}").read_text(encoding="utf-8").splitlines():
            name, _, rest = line.partition(":")
            if rest.endswith(" kB"):
                kilobytes[name] = int(rest.split()[0])
    own = kilobytes["Anonymous"]
    sizes = {"resident": kilobytes["Rss"], "own": own, "files": kilobytes["Rss"] - own}
    return {name: size / 1024 for name, size in {**sizes, "peak": kilobytes["VmHWM"]}.items()}


def _parts() -> Iterator[Row]:
    """What each part of a serving process adds, loaded one after another."""
    from app.settings import load_settings
    from app.workspace import Workspace

    questions = ("What is the annual fee of the platinum card?", "白金卡今年的年费是多少？")
    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace(load_settings({"home": Path(home)}))
        embedder = workspace.embedder()
        steps: Sequence[tuple[str, Callable[[], object]]] = (
            ("Python and the program", lambda: None),
            ("page and API (Gradio, FastAPI)", lambda: __import__("app.server")),
            ("torch", lambda: __import__("torch")),
            ("tokenizer of the embedder", lambda: embedder.count_tokens(questions)),
            ("embedder for questions", lambda: embedder.embed(questions, "query")),
            ("embedder for passages", lambda: embedder.embed(questions, "passage")),
            ("transformers and PEFT", lambda: __import__("answering.generation.engine")),
            ("tokenizer of the language model", lambda: workspace.count_tokens(questions)),
            ("language model and its adapter", workspace.load),
        )
        before = dict.fromkeys(_memory(), 0.0)
        for name, load in steps:
            load()
            now = _memory()
            yield {
                "part": name,
                **{kind: now[kind] - before[kind] for kind in now},
                "in all": now["resident"],
            }
            before = now


if __name__ == "__main__":
    main()

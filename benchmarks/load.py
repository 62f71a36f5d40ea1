"""Many clients at once against a served sample bank: throughput, waiting times, errors, memory.

usage: python benchmarks/load.py [--seconds 60] [--searching 50] [--streaming 16] [--mixed 20]
                                 [--adapter base] [--json FILE]

Mixed clients search, ask, read streams to their end or leave them, rate answers, upload and delete, embed
texts, call tools over MCP, open the page, and send what is no request or has no key: an error is a response
other than the one that each of these should get, and `wrong` names them.

Starts `domainqa serve` in a process of its own over a fresh home, with the settings of the environment:
DOMAINQA_ELASTICSEARCH_URL puts the collection into a cluster, DOMAINQA_GENERATOR_URL lets a server write.
Every client asks the next question as soon as it has the answer to the last one. A streamed answer is read
to its end; its first piece is timed too. A pause of all processes delays them and breaks nothing. Memory is
told before, halfway and afterwards: contexts that were read are kept up to a limit, so it rises until that is
reached and then no more.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import asyncio
import itertools
import os
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count

import httpx
import httpx2
import psutil
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from benchmarks.measuring import SAMPLES, Row, save, show
from finetune.pairs.formats import read_pairs

COLLECTION = "load"
PATIENCE = 3600.0
WARM_SECONDS = 5.0
_WRITTEN = re.compile('"content":"[^"]')
COMMAND = [sys.executable, "-m", "app.cli"]


@dataclass(frozen=True, slots=True)
class Done:
    """One request: seconds to its first piece and to its end, and whether it was answered as it should be."""

    first: float
    whole: float
    answered: bool
    kind: str = ""


Request = Callable[[httpx.AsyncClient, str], Awaitable[Done]]


def main() -> None:
    """Serve, ask, print, save."""
    arguments = _arguments()
    questions = _questions()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as home, _server(Path(home), arguments) as (server, process):
        for what, clients, request in (
            ("search", arguments.searching, _search),
            ("answers, streamed", arguments.streaming, _stream(arguments.adapter)),
            ("everything", arguments.mixed, _mixed(arguments.adapter)),
        ):
            if clients:
                # What is loaded and kept at the first requests is not load.
                asyncio.run(_asked(server, questions, request, clients, WARM_SECONDS))
                with _watched(process, arguments.seconds) as memory:
                    done, seconds = asyncio.run(
                        _asked(server, questions, request, clients, arguments.seconds)
                    )
                rows.append({**_row(what, clients, done, seconds), **memory})
        show("Load", rows)
    save(arguments.json, "load", {"load": rows})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each kind is asked")
    parser.add_argument("--searching", type=int, default=50, help="clients that search")
    parser.add_argument("--streaming", type=int, default=16, help="clients that read streamed answers")
    parser.add_argument("--mixed", type=int, default=20, help="clients that do everything by turns")
    parser.add_argument("--adapter", default="base", help="who answers")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _questions() -> list[str]:
    files = (SAMPLES / "pairs").glob("*.jsonl")
    return [pair.question for file in sorted(files) for pair in read_pairs(file).pairs]


@dataclass(frozen=True, slots=True)
class Served:
    """Where the server is, and a key for everything."""

    address: str
    key: str


@contextmanager
def _server(home: Path, arguments: argparse.Namespace) -> Iterator[tuple[Served, psutil.Process]]:
    most = str(2 * max(arguments.searching, arguments.streaming, arguments.mixed, 1))
    settings = {"DOMAINQA_HOME": str(home), "DOMAINQA_COLLECTION": COLLECTION, "DOMAINQA_ACCESS": "required"}
    settings |= {"DOMAINQA_MAX_WAITING": most, "DOMAINQA_ANSWER_SECONDS": str(PATIENCE)}
    settings |= {"DOMAINQA_REQUESTS_PER_MINUTE": "1000000"}
    environment = {**os.environ, **settings}
    samples = str(SAMPLES / "bank")
    subprocess.run([*COMMAND, "ingest", samples, "--collection", COLLECTION], env=environment, check=True)
    create = [*COMMAND, "keys", "create", "load", "--role", "admin"]
    key = subprocess.run(
        create, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    with subprocess.Popen([*COMMAND, "serve"], env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Served(_address(process), key), psutil.Process(process.pid)
        finally:
            process.terminate()
    subprocess.run([*COMMAND, "collections", "delete", COLLECTION, "--yes"], env=environment, check=True)


def _address(process: subprocess.Popen[str]) -> str:
    """Where the server is, once its models are loaded."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit("The server did not start.")
    address = line.split()[-1].rstrip("/")
    while httpx.get(f"{address}/readyz", timeout=PATIENCE).status_code != httpx.codes.OK:
        time.sleep(0.5)
    return address


async def _asked(
    server: Served, questions: Sequence[str], request: Request, clients: int, seconds: float
) -> tuple[list[Done], float]:
    """All requests that were begun in so many seconds, and how long it took until the last had ended."""
    done: list[Done] = []
    numbers = count()
    begun = time.monotonic()
    limits = httpx.Limits(max_connections=clients)

    async def ask(client: httpx.AsyncClient) -> None:
        while time.monotonic() - begun < seconds:
            done.append(await request(client, questions[next(numbers) % len(questions)]))

    headers = {"Authorization": f"Bearer {server.key}"}
    async with httpx.AsyncClient(
        base_url=server.address, headers=headers, timeout=PATIENCE, limits=limits
    ) as client:
        await asyncio.gather(*(ask(client) for _ in range(clients)))
    return done, time.monotonic() - begun


async def _search(client: httpx.AsyncClient, question: str) -> Done:
    begun = time.monotonic()
    answer = await client.post("/v1/search", json={"query": question})
    seconds = time.monotonic() - begun
    return Done(seconds, seconds, answer.status_code == httpx.codes.OK and bool(answer.json()["results"]))


def _stream(adapter: str) -> Request:
    async def stream(client: httpx.AsyncClient, question: str) -> Done:
        begun = time.monotonic()
        first = 0.0
        body = {"model": adapter, "messages": [{"role": "user", "content": question}], "stream": True}
        ended = False
        async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            async for line in answer.aiter_lines():
                if not first and _WRITTEN.search(line):
                    first = time.monotonic() - begun
                ended = ended or '"finish_reason":"' in line
        return Done(first, time.monotonic() - begun, ended)

    return stream


def _mixed(adapter: str) -> Request:
    """What clients of every kind do, one after the other."""
    kinds = {
        "search": _search,
        "stream": _stream(adapter),
        "rated": _rated(adapter),
        "left": _left(adapter),
        "uploaded": _uploaded,
        "embedded": _embedded,
        "over MCP": _over_mcp,
        "page": _opened,
        "refused": _refused,
        "without a key": _stranger,
    }
    order = itertools.cycle(kinds)

    async def act(client: httpx.AsyncClient, question: str) -> Done:
        begun, kind = time.monotonic(), next(order)
        try:
            return replace(await kinds[kind](client, question), kind=kind)
        except (httpx.HTTPError, ExceptionGroup) as error:  # a group comes from MCP's client
            seconds = time.monotonic() - begun
            return Done(seconds, seconds, False, f"{kind}: {error!r}")

    return act


def _rated(adapter: str) -> Request:
    async def rated(client: httpx.AsyncClient, question: str) -> Done:
        begun = time.monotonic()
        answer = await client.post("/v1/generate", json={"input": question, "adapter_id": adapter})
        seconds = time.monotonic() - begun
        verdict = {"answer_id": answer.json().get("answer_id"), "verdict": "up"}
        stored = await client.post("/v1/feedback", json=verdict)
        return Done(seconds, seconds, stored.status_code == httpx.codes.NO_CONTENT)

    return rated


def _left(adapter: str) -> Request:
    async def left(client: httpx.AsyncClient, question: str) -> Done:
        begun = time.monotonic()
        body = {"model": adapter, "messages": [{"role": "user", "content": question}], "stream": True}
        async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            async for _ in answer.aiter_lines():
                break  # the connection is closed while the answer is written
        seconds = time.monotonic() - begun
        return Done(seconds, seconds, answer.status_code == httpx.codes.OK)

    return left


async def _uploaded(client: httpx.AsyncClient, question: str) -> Done:
    begun = time.monotonic()
    documents = f"/v1/collections/{COLLECTION}/documents"
    name = f"{abs(hash(question))}.txt"
    sent = await client.post(documents, files={"files": (name, f"{question} Nobody knows.")})
    busy = sent.status_code == httpx.codes.TOO_MANY_REQUESTS  # a job waits for another one, up to a number
    while sent.status_code == httpx.codes.ACCEPTED:
        job = (await client.get(f"/v1/jobs/{sent.json()['id']}")).json()
        if job["state"] in {"done", "failed"}:
            break
        await asyncio.sleep(0.2)
    gone = await client.delete(f"{documents}/uploads/{name}")
    seconds = time.monotonic() - begun
    fine = gone.status_code in {httpx.codes.NO_CONTENT, httpx.codes.NOT_FOUND}  # another client was first
    return Done(seconds, seconds, busy or (fine and job["state"] == "done"))


async def _embedded(client: httpx.AsyncClient, question: str) -> Done:
    begun = time.monotonic()
    body = {"model": "multilingual-e5-small", "input": [question]}
    answer = await client.post("/v1/embeddings", json=body)
    seconds = time.monotonic() - begun
    return Done(seconds, seconds, answer.status_code == httpx.codes.OK and len(answer.json()["data"]) == 1)


async def _over_mcp(client: httpx.AsyncClient, question: str) -> Done:
    begun = time.monotonic()
    headers = {"Authorization": client.headers["Authorization"]}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http,
        Client(streamable_http_client(str(client.base_url.join("/mcp")), http_client=http)) as assistant,
    ):
        found = await assistant.call_tool("search", {"query": question, "collection": COLLECTION})
        listed = await assistant.call_tool("list_documents", {"collection": COLLECTION})
    seconds = time.monotonic() - begun
    return Done(seconds, seconds, not found.is_error and not listed.is_error)


async def _opened(client: httpx.AsyncClient, question: str) -> Done:
    begun = time.monotonic()
    page = await client.get("/", headers={"accept": "text/html"})
    seconds = time.monotonic() - begun
    return Done(seconds, seconds, page.status_code == httpx.codes.OK)


async def _refused(client: httpx.AsyncClient, question: str) -> Done:
    begun = time.monotonic()
    answer = await client.post("/v1/generate", json={"input": question, "collection": "no-such"})
    seconds = time.monotonic() - begun
    return Done(seconds, seconds, answer.status_code == httpx.codes.NOT_FOUND)


async def _stranger(client: httpx.AsyncClient, question: str) -> Done:
    begun = time.monotonic()
    body = {"input": question, "collection": COLLECTION}
    headers = {"Authorization": "Bearer dq_00000000_unknown"}
    answer = await client.post("/v1/generate", json=body, headers=headers)
    seconds = time.monotonic() - begun
    return Done(seconds, seconds, answer.status_code == httpx.codes.UNAUTHORIZED)


@contextmanager
def _watched(process: psutil.Process, seconds: float) -> Iterator[dict[str, float]]:
    """Fills a row with the memory of a process in MB: now, after half of so many seconds, and in the end."""
    memory = {"MB before": _memory(process)}
    halfway = threading.Timer(seconds / 2, lambda: memory.update({"MB halfway": _memory(process)}))
    halfway.start()
    try:
        yield memory
    finally:
        halfway.cancel()
    memory["MB after"] = _memory(process)


def _memory(process: psutil.Process) -> float:
    return process.memory_info().rss / 2**20


def _row(what: str, clients: int, done: Sequence[Done], seconds: float) -> Row:
    first, whole = [one.first for one in done], [one.whole for one in done]
    return {
        "what": what,
        "clients": clients,
        "requests": len(done),
        "a second": len(done) / seconds,
        "first p50 s": statistics.median(first),
        "p50 s": statistics.median(whole),
        "p95 s": statistics.quantiles(whole, n=20)[-1] if len(whole) > 1 else None,
        "errors": sum(not one.answered for one in done),
        "wrong": str(dict(Counter(one.kind for one in done if not one.answered))),
    }


if __name__ == "__main__":
    main()

"""A server that is told to stop: open answers end, or their clients are told."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.server import Server
from app.settings import Settings
from tests.fake_workspace import FakeWorkspace

ROOT = Path(__file__).parents[2]
QUESTION = "What does the platinum card cost?"
WHOLE = {"input": QUESTION}
STREAM = {"model": "base", "messages": [{"role": "user", "content": QUESTION}], "stream": True}


class Clients:
    """One that waits for a whole answer, one that reads a stream, and one with an open page."""

    def __init__(self, address: str) -> None:
        self.whole: list[httpx.Response] = []
        self.stream = ""
        self._address = address
        self._threads = [threading.Thread(target=ask) for ask in (self._ask, self._read)]
        self.page = httpx.Client(base_url=address)
        self.page.get("/healthz")
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()
        self.page.close()

    def _ask(self) -> None:
        self.whole.append(httpx.post(f"{self._address}v1/generate", json=WHOLE, timeout=30))

    def _read(self) -> None:
        with httpx.stream("POST", f"{self._address}v1/chat/completions", json=STREAM, timeout=30) as reply:
            for text in reply.iter_text():
                self.stream += text


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def stopped_while_asked(home: Path, stop_seconds: float, pause: float) -> Clients:
    """Clients whose questions were being answered when the server was told to stop, and the end of it."""
    workspace = FakeWorkspace()
    workspace.put("bank", "fees.txt", "The platinum card costs 680 yuan a year.", "Fees")
    workspace.pause = pause
    server = Server(workspace, Settings(home=home, stop_seconds=stop_seconds))
    ready = threading.Event()
    running = threading.Thread(target=server.run, args=(lambda _: ready.set(),))
    running.start()
    assert ready.wait(60)
    clients = Clients(server.address)
    until(lambda: len(workspace.asked) == 2 and clients.stream != "")
    server.stop()
    clients.wait()
    running.join(20)
    assert not running.is_alive()
    return clients


def test_open_answers_may_end(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clients = stopped_while_asked(tmp_path, stop_seconds=20, pause=0.1)
    assert clients.whole[0].status_code == 200
    assert "680" in clients.whole[0].json()["text"]
    assert '"error"' not in clients.stream
    assert clients.stream.endswith("data: [DONE]\n\n")
    assert capfd.readouterr().err == ""


def test_after_a_while_their_clients_are_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.answering._PATIENCE_SECONDS", 0.05)
    clients = stopped_while_asked(tmp_path, stop_seconds=0.1, pause=1.5)
    told = clients.whole[0]
    assert (told.status_code, told.headers["retry-after"]) == (503, "2")
    assert told.json()["error"]["message"] == "The server is stopping. Ask again in a moment."
    *_, error, done = clients.stream.strip().split("\n\n")
    assert '"message": "The server is stopping.' in error
    assert done == "data: [DONE]"
    assert capfd.readouterr().err == ""


PROGRAM = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor

import app.server
from app.cli import cli
from app.cli.state import State
from tests.fake_workspace import FakeWorkspace

app.server._STOP_SECONDS = 0.3


class Busy(FakeWorkspace):
    def warm_up(self, done):
        if sys.argv[2] == "loading":
            threading.Thread(target=self.load, daemon=True).start()

    def load(self):
        with self.warming, ThreadPoolExecutor() as pool:
            while True:  # as libraries do that load a model in parts
                pool.submit(time.sleep, 0.01).result()

    def upload(self, *files, **more):
        print("at work", flush=True)
        time.sleep(600)


workspace = Busy()
workspace.put("bank", "fees.txt", "The platinum card costs 680 yuan a year.", "Fees")
cli(["serve", "--home", sys.argv[1]], prog_name="domainqa", obj=State(open=lambda settings: workspace))
"""


@pytest.mark.parametrize("work", ["loading", "a job"])
def test_what_does_not_end_is_not_waited_for(work: str, tmp_path: Path) -> None:
    environment = {**os.environ, "DOMAINQA_STOP_SECONDS": "0.1"}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), work]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            address = re.search(r"http://\S+/", process.stderr.readline())
            assert address
            if work == "a job":
                sent = {"files": ("new.txt", b"The gold card costs 200 yuan.")}
                httpx.post(f"{address[0]}v1/collections/bank/documents", files=sent, timeout=30)
                assert process.stdout.readline() == "at work\n"
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")

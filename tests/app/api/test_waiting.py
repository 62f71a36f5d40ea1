"""Questions that must wait, take too long, or whose client has gone."""

import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.fake_workspace import FakeWorkspace

ASKED = {"input": "What does the platinum card cost?"}


def until(true: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_more_questions_than_may_wait_get_429(site: httpx.Client, workspace: FakeWorkspace) -> None:
    workspace.pause = 0.15
    answers: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(site.post("/v1/generate", json=ASKED)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    until(lambda: len(workspace.asked) == 2)
    refused = site.post("/v1/generate", json=ASKED)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert site.post("/v1/generate", json=ASKED).status_code == 200


def test_a_waiting_stream_says_how_many_are_before(
    site: httpx.Client, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.answering._PATIENCE_SECONDS", 0.05)
    workspace.pause = 0.2
    first = threading.Thread(target=lambda: site.post("/v1/generate", json=ASKED))
    first.start()
    until(lambda: len(workspace.asked) == 1)
    chat = {"model": "base", "messages": [{"role": "user", "content": ASKED["input"]}], "stream": True}
    with site.stream("POST", "/v1/chat/completions", json=chat) as reply:
        lines = [line for line in reply.iter_lines() if line]
    first.join()
    told = [line for line in lines if line.startswith(":")]
    assert set(told) <= {": 1 before this one", ": 0 before this one"}
    assert told[0] == ": 1 before this one"
    assert lines[-1] == "data: [DONE]"
    assert "680" in "".join(line for line in lines if line.startswith("data: {"))


def test_an_error_while_a_stream_waits_is_sent_in_it(
    site: httpx.Client, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.answering._PATIENCE_SECONDS", 0.05)
    workspace.pause = 2.5
    chat = {"model": "base", "messages": [{"role": "user", "content": ASKED["input"]}], "stream": True}
    with site.stream("POST", "/v1/chat/completions", json=chat) as reply:
        text = "".join(reply.iter_text())
    assert "not ready after 2 seconds" in text
    assert text.endswith("data: [DONE]\n\n")


def test_an_answer_that_takes_too_long_is_given_up(site: httpx.Client, workspace: FakeWorkspace) -> None:
    workspace.pause = 0.6
    told = site.post("/v1/generate", json=ASKED)
    assert told.status_code == 503
    assert "not ready after 2 seconds" in told.json()["error"]["message"]


@pytest.fixture(autouse=True)
def _places_are_free(site: httpx.Client, workspace: FakeWorkspace) -> Iterator[None]:
    """What an earlier test left behind keeps its place until its work has ended."""
    until(lambda: "domainqa_questions_inside 0.0" in site.get("/metrics").text)
    yield
    workspace.pause = 0.0


def test_a_late_answer_is_refused_at_once_and_keeps_its_place_until_its_work_ends(
    site: httpx.Client, workspace: FakeWorkspace
) -> None:
    workspace.pause = 3.0
    began = time.monotonic()
    assert site.post("/v1/generate", json=ASKED).status_code == 503
    assert time.monotonic() - began < 3
    assert "domainqa_questions_inside 1.0" in site.get("/metrics").text
    until(lambda: "domainqa_questions_inside 0.0" in site.get("/metrics").text)


def test_writing_ends_when_the_client_has_gone(site: httpx.Client, workspace: FakeWorkspace) -> None:
    workspace.pause = 0.1
    words = " ".join(f"w{number}" for number in range(1000))
    chat = {"model": "base", "messages": [{"role": "user", "content": words}], "retrieval": False}
    with site.stream("POST", "/v1/chat/completions", json={**chat, "stream": True}) as reply:
        next(reply.iter_text())
    with pytest.raises(httpx.ReadTimeout):
        site.post("/v1/generate", json={"input": words, "retrieval": False}, timeout=0.3)
    workspace.pause = 0.0
    until(lambda: site.post("/v1/generate", json=ASKED).status_code == 200)
    until(lambda: workspace.writing == 0)

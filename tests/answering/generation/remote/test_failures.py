"""A server that is away, slow, busy, broken or something else: what is tried again, and what is said."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import SecretStr

from answering.generation.portal import wait_for
from answering.generation.remote.client import Breaker, Client, RetryPolicy, breaker_of
from answering.generation.remote.endpoint import Endpoint
from answering.generation.remote.generator import open_remote
from knowledge_base.errors import InputError, NotFoundError, UnavailableError
from tests.answering.generation.remote.conftest import HASTY, Open
from tests.contracts.generator_contract import asked, written
from tests.openai_server import BASE, OpenAIServer

KEY = "sk-secret-key"
MESSAGES = {
    "model": BASE,
    "messages": [{"role": "user", "content": "fee"}],
    "max_tokens": 3,
    "temperature": 0,
}

PROGRAM = """
import threading
from answering.generation.protocol import Request
from answering.generation.remote.endpoint import Endpoint
from answering.generation.remote.generator import open_remote
from retrieval.prompt import Message
generator = open_remote(Endpoint("{url}", "base"))
answer = generator.stream(Request((Message("user", "What does the gold card cost a year?"),)))
next(answer)
"""


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does; it fails after a while."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(server: OpenAIServer, opened: Open, status: int) -> None:
    generator = opened()
    server.behaviour.refusals.extend([(status, {})] * 2)
    assert written(generator, asked())
    assert not server.behaviour.refusals


@pytest.mark.parametrize(
    ("status", "message"),
    [(429, "too busy"), (503, "too busy"), (502, "failed"), (500, "failed")],
)
def test_the_last_error_quotes_the_server(
    server: OpenAIServer, opened: Open, status: int, message: str
) -> None:
    generator = opened()
    server.behaviour.refusals.extend([(status, {})] * 3)
    with pytest.raises(UnavailableError, match=f"{message}.*{status}.*not now") as caught:
        written(generator, asked())
    assert server.url in caught.value.cause
    assert caught.value.remedy
    assert len(server.behaviour.refusals) == (2 if status == 500 else 0)


def test_a_server_that_names_a_time_is_given_it(server: OpenAIServer) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=8), usegmt=True)
    server.behaviour.refusals.extend([(503, {"Retry-After": "7"}), (429, {"Retry-After": soon}), (503, {})])
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def ask() -> list[str]:
        caller = Client(Endpoint(server.url, BASE), RetryPolicy(first_seconds=0.1), sleep=sleep)
        return [piece async for piece in _pieces(caller)]

    assert wait_for(ask())
    first, second, third = waited
    assert 7 <= first < 7.1
    assert 5 < second < 8.2
    assert third <= 0.4


def test_a_server_that_names_a_long_time_is_not_waited_for(server: OpenAIServer, opened: Open) -> None:
    generator = opened()
    server.behaviour.refusals.extend([(503, {"Retry-After": "3600"})] * 2)
    with pytest.raises(UnavailableError, match="too busy"):
        written(generator, asked())
    assert len(server.behaviour.refusals) == 1


async def _pieces(client: Client) -> AsyncIterator[str]:
    async for piece in client.chat(MESSAGES | {"stream": True}):
        yield piece


@pytest.mark.parametrize("pieces", [1, 2])
def test_an_answer_that_breaks_off_is_an_error_and_not_written_twice(
    server: OpenAIServer, opened: Open, pieces: int
) -> None:
    generator = opened()
    before = len(server.asked)
    server.behaviour.drops_after = pieces
    arrived: list[str] = []
    with pytest.raises(UnavailableError, match="broke off"):
        arrived.extend(generator.stream(asked()))
    assert len(server.asked) == before + 1


def test_a_connection_that_drops_before_the_first_piece_is_tried_again(
    server: OpenAIServer, opened: Open
) -> None:
    generator = opened()
    before = len(server.asked)
    server.behaviour.drops_after = 0
    with pytest.raises(UnavailableError, match="does not answer"):
        written(generator, asked())
    assert len(server.asked) == before + HASTY.attempts


def test_an_answer_without_an_end_is_not_taken_for_a_whole_one(server: OpenAIServer, opened: Open) -> None:
    server.behaviour.ends = False
    with pytest.raises(UnavailableError, match="broke off"):
        written(opened(), asked())


def test_what_breaks_down_while_answering_is_reported(server: OpenAIServer, opened: Open) -> None:
    server.behaviour.breaks_down_after = 2
    with pytest.raises(UnavailableError, match="while it was answering: out of memory"):
        written(opened(), asked())


def test_a_silent_server_is_given_up(server: OpenAIServer, opened: Open) -> None:
    generator = opened(read_seconds=0.2)
    server.behaviour.delay = 30
    with pytest.raises(UnavailableError, match="sent nothing for 0.2 seconds"):
        written(generator, asked())


def test_cancelling_hangs_up(server: OpenAIServer, opened: Open) -> None:
    generator = opened()
    server.behaviour.delay = 30
    over = threading.Event()
    reader = threading.Thread(target=lambda: list(generator.stream(asked(), over.is_set)))
    before = len(server.asked)
    reader.start()
    until(lambda: len(server.asked) > before)
    over.set()
    reader.join(20)
    assert not reader.is_alive()
    until(lambda: server.left == 1)


def test_cancelling_hangs_up_on_a_server_that_reads_to_score(server: OpenAIServer, opened: Open) -> None:
    generator = opened()
    server.behaviour.delay = 30
    over = threading.Event()
    scores: list[list[float]] = []
    requests = [asked(), asked("another")]
    reader = threading.Thread(
        target=lambda: scores.append(generator.logprobs(requests, "Not", over.is_set))  # type: ignore[attr-defined]
    )
    before = len(server.asked)
    reader.start()
    until(lambda: len(server.asked) > before)
    over.set()
    reader.join(5)
    assert scores == [[]]
    until(lambda: server.left == 1)
    assert len(server.asked) == before + 1


def test_closing_hangs_up(server: OpenAIServer, opened: Open) -> None:
    generator = opened()
    server.behaviour.delay = 0.2
    pieces = generator.stream(asked(tokens=100))
    assert next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    until(lambda: server.left == 1)


def test_nobody_there_is_said_with_the_repair(server: OpenAIServer, opened: Open) -> None:
    server.stop()
    with pytest.raises(UnavailableError, match="does not answer") as caught:
        opened()
    assert server.url in caught.value.cause
    assert "generator_url" in caught.value.remedy


def test_it_continues_when_the_server_comes_back(server: OpenAIServer, opened: Open) -> None:
    generator = opened()
    usual = written(generator, asked())
    server.stop()
    with pytest.raises(UnavailableError):
        written(generator, asked())
    server.start()
    assert written(generator, asked()) == usual


def test_a_server_that_keeps_failing_is_left_alone_then_tried_once(server: OpenAIServer) -> None:
    clock = Clock()
    breaker = Breaker(failures=3, pause_seconds=10, clock=clock)

    async def ask() -> list[str]:
        caller = Client(Endpoint(server.url, BASE), HASTY, breaker)
        return [piece async for piece in _pieces(caller)]

    server.behaviour.refusals.extend([(500, {})] * 4)
    for _ in range(3):
        with pytest.raises(UnavailableError, match="status 500"):
            wait_for(ask())
    with pytest.raises(UnavailableError, match="left alone for 10 more seconds"):
        wait_for(ask())
    assert len(server.behaviour.refusals) == 1
    clock.now = 11
    with pytest.raises(UnavailableError, match="status 500"):
        wait_for(ask())
    with pytest.raises(UnavailableError, match="left alone"):
        wait_for(ask())
    clock.now = 22
    assert wait_for(ask())
    assert wait_for(ask())


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_who_cannot_open_a_server_soon_leaves_it_alone(server: OpenAIServer, opened: Open) -> None:
    server.stop()
    said = []
    for _ in range(7):
        with pytest.raises(UnavailableError) as caught:
            opened()
        said.append("left alone" in caught.value.cause)
    assert said == [False] * 5 + [True] * 2
    breaker_of.cache_clear()


def test_the_key_goes_along_and_is_never_shown(server: OpenAIServer, opened: Open) -> None:
    server.behaviour.key = KEY
    assert written(opened(key=SecretStr(KEY)), asked())
    for wrong in (None, SecretStr("sk-another-key")):
        with pytest.raises(UnavailableError, match="refuses the key") as caught:
            opened(key=wrong)
        assert "sk-" not in str(caught.value)
        assert "generator_api_key" in caught.value.remedy
    endpoint = Endpoint(server.url, BASE, SecretStr(KEY))
    assert KEY not in repr(endpoint)
    assert endpoint.quote(f"bad key {KEY}\n\n!") == "bad key *** !"


def test_a_model_that_is_not_served_is_reported_with_those_that_are(opened: Open) -> None:
    with pytest.raises(NotFoundError, match='no model named "other".*bank, base'):
        opened(model="other")


def test_a_server_that_lists_nothing_is_believed(server: OpenAIServer, opened: Open) -> None:
    server.behaviour.lists = False
    generator = opened()
    assert generator.models() == []
    assert written(generator, asked())
    with pytest.raises(NotFoundError, match="nothing that it lists"):
        written(generator, asked(adapter="bank"))


def test_what_is_no_such_server_is_said(server: OpenAIServer) -> None:
    with pytest.raises(NotFoundError, match="does not know"):
        endpoint = Endpoint(server.url.replace("/v1", "/v2"), BASE)
        written(open_remote(replace(endpoint), HASTY), asked())


def test_the_request_says_what_was_asked(server: OpenAIServer, opened: Open) -> None:
    generator = opened()
    request = replace(
        asked(tokens=7, stop=["\n", "a", "", "b", "c", "d"]), temperature=0.5, unlike="You said"
    )
    written(generator, request)
    body = server.asked[-1]
    assert (body["model"], body["max_tokens"], body["temperature"]) == (BASE, 7, 0.5)
    assert body["stop"] == ["\n", "a", "b", "c"]
    assert set(body["logit_bias"].values()) == {-100}
    assert not {"top_p", "seed", "response_format"} & set(body)
    written(generator, replace(request, top_p=0.5, seed=7, schema='{"type": "object"}'))
    body = server.asked[-1]
    assert (body["top_p"], body["seed"]) == (0.5, 7)
    assert body["response_format"]["json_schema"] == {"name": "reply", "schema": {"type": "object"}}
    server.behaviour.tokenizes = False
    written(opened(), request)
    assert "logit_bias" not in server.asked[-1]


def test_what_a_reply_must_not_begin_with_it_does_not(opened: Open) -> None:
    generator = opened()
    assert written(generator, asked()).startswith("You")
    assert not written(generator, replace(asked(), unlike="You")).startswith("You")


def test_stop_texts_beyond_the_protocols_four_are_heeded(opened: Open) -> None:
    generator = opened()
    whole = written(generator, asked())
    stop = whole[4:7]
    assert written(generator, asked(stop=["\n", "~1", "~2", "~3", stop])) == whole[: whole.index(stop)]


@pytest.mark.parametrize(("tokens", "temperature"), [(0, 0.0), (1, -1.0), (1, float("inf"))])
def test_numbers_that_make_no_sense_are_refused(opened: Open, tokens: int, temperature: float) -> None:
    with pytest.raises(InputError):
        written(opened(), replace(asked(tokens=tokens), temperature=temperature))


def test_waiting_for_work_that_fails_raises_what_it_raised() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise InputError("a", "b")

    with pytest.raises(InputError):
        wait_for(fail())


@pytest.mark.parametrize(
    "ending",
    ["", "\nimport sys; sys.exit(3)", "\nthreading.Thread(target=list, args=(answer,), daemon=True).start()"],
)
def test_the_process_ends_though_an_answer_is_not(server: OpenAIServer, ending: str) -> None:
    server.behaviour.delay = 0.5
    program = PROGRAM.format(url=server.url) + ending
    ended = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert ended.returncode == (3 if "exit" in ending else 0)

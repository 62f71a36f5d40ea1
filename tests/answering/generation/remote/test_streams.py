"""The ways in which servers stream: reasoning apart or inside, one piece, a limit, a filter."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from answering.generation.protocol import Finish, Request
from answering.generation.remote.generator import RemoteGenerator
from knowledge_base.errors import UnavailableError
from tests.answering.generation.remote.conftest import Open
from tests.contracts.generator_contract import asked, written
from tests.openai_server import OpenAIServer


def heard(generator: RemoteGenerator, request: Request) -> tuple[list[str], Finish | None]:
    """The pieces and how they ended."""
    pieces: list[str] = []
    stream = generator.stream(request)
    try:
        while True:
            pieces.append(next(stream))
    except StopIteration as end:
        return pieces, end.value


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize("ignores_stream", [False, True])
def test_reasoning_comes_first_if_it_is_asked_for_and_is_left_out_otherwise(
    server: OpenAIServer, opened: Open, field: str, ignores_stream: bool
) -> None:
    generator = opened()
    usual = written(generator, asked())
    server.behaviour.reasoning = "The card costs 680, so"
    server.behaviour.reasoning_field = field
    server.behaviour.ignores_stream = ignores_stream
    assert written(generator, asked()) == usual
    thinking = replace(asked(), reasoning=True)
    assert written(generator, thinking) == f"<think>The card costs 680, so</think>{usual}"


def test_reasoning_without_an_answer_is_closed(server: OpenAIServer, opened: Open) -> None:
    server.behaviour.reasoning = "Let me think"
    server.behaviour.withholds = True
    server.behaviour.finish = "length"
    generator = opened()
    assert heard(generator, asked()) == ([], "length")
    pieces, finish = heard(generator, replace(asked(), reasoning=True))
    assert "".join(pieces) == "<think>Let me think</think>"
    assert finish == "length"


@pytest.mark.parametrize(
    ("said", "finish"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "filter"), ("eos_token", "stop")],
)
@pytest.mark.parametrize("ignores_stream", [False, True])
def test_why_an_answer_ended_is_known(
    server: OpenAIServer, opened: Open, said: str, finish: Finish, ignores_stream: bool
) -> None:
    server.behaviour.finish = said
    server.behaviour.ignores_stream = ignores_stream
    pieces, found = heard(opened(), asked())
    assert pieces
    assert found == finish


def test_a_stop_text_found_here_ends_the_answer_by_itself(server: OpenAIServer, opened: Open) -> None:
    generator = opened()
    whole = written(generator, asked())
    stop = whole[4:7]
    assert heard(generator, asked(stop=["\n", "~1", "~2", "~3", stop]))[1] == "stop"


def test_a_server_that_ignores_stream_answers_in_one_piece(server: OpenAIServer, opened: Open) -> None:
    generator = opened()
    usual = written(generator, asked())
    server.behaviour.ignores_stream = True
    assert heard(generator, asked())[0] == [usual]


@pytest.mark.parametrize("ways", [["usage_with_finish"], ["ignores_stream"], []])
def test_usage_is_counted_once_wherever_it_comes(
    server: OpenAIServer, opened: Open, ways: Sequence[str]
) -> None:
    generator = opened()
    for way in ways:
        setattr(server.behaviour, way, True)
    assert written(generator, asked())
    assert generator.tokens.totals()["completion"] == 2
    assert generator.tokens.totals()["prompt"] > 2


@pytest.mark.parametrize(
    "body", ["", "<html>", "[]", "{}", '{"choices": [{}]}', '{"choices": [{"delta": 1}]}']
)
def test_what_is_no_completion_is_said(server: OpenAIServer, opened: Open, body: str) -> None:
    generator = opened()
    server.behaviour.answers_with = body
    with pytest.raises(UnavailableError, match="does not speak OpenAI's protocol"):
        written(generator, asked())


@pytest.mark.parametrize(
    ("ways", "context"),
    [
        ({"window": 2048}, 2048),
        ({"lists_window": 4096, "window": 2048}, 4096),
        ({}, None),
        ({"window": "many"}, None),
        ({"lists": False, "window": 512}, 512),
    ],
)
def test_the_window_is_what_the_server_reports(
    server: OpenAIServer, opened: Open, ways: dict[str, object], context: int | None
) -> None:
    for name, value in ways.items():
        setattr(server.behaviour, name, value)
    assert opened().context == context


@pytest.mark.parametrize(("root", "chats"), [(None, True), ("/models/gemma-3-270m-92d7", False)])
def test_the_packaged_base_model_is_recognised_at_a_server(
    server: OpenAIServer, opened: Open, root: str | None, chats: bool
) -> None:
    server.behaviour.root = root
    assert opened().chats is chats

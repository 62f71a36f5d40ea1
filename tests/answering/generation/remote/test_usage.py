"""What servers tell of the tokens that they read and wrote."""

import pytest

from answering.generation.protocol import TokenCounts
from answering.generation.remote.client import count_usage
from tests.answering.generation.remote.conftest import Open
from tests.contracts.generator_contract import asked, written
from tests.openai_server import OpenAIServer


def test_a_stream_and_a_score_report_their_usage(opened: Open) -> None:
    generator = opened()
    assert written(generator, asked())
    once = generator.tokens.totals()
    assert once["completion"] == 2
    assert once["cached"] == once["prompt"] - 1 > 0
    generator.logprobs([asked()], "Not")  # type: ignore[attr-defined]
    assert generator.tokens.totals() == {kind: 2 * number for kind, number in once.items()}


def test_a_server_that_reports_nothing_is_used_all_the_same(opened: Open, server: OpenAIServer) -> None:
    server.behaviour.tells_usage = False
    generator = opened()
    assert written(generator, asked())
    assert set(generator.tokens.totals().values()) == {0}


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, {"usage": None}, {"usage": {"prompt_tokens": "7", "prompt_tokens_details": None}}],
)
def test_what_makes_no_sense_counts_nothing(answer: object) -> None:
    tokens = TokenCounts()
    count_usage(answer, tokens)
    assert tokens.totals() == {"prompt": 0, "cached": 0, "completion": 0}

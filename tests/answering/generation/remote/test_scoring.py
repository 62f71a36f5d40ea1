"""What the first tokens that a server lists say about how a reply begins, and how tokens are estimated."""

import math

import pytest

from answering.generation.protocol import estimate_tokens
from answering.generation.remote.generator import begins_with, first_tokens

REFUSAL = "Not in the documents."


def listed(**probabilities: float) -> list[tuple[str, float]]:
    return [(text, math.log(probability)) for text, probability in probabilities.items()]


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ({"Not": 0.5, "No": 0.3}, 0.5),
        ({"Not": 0.5, " Not": 0.25}, 0.75),
        ({"Not in": 0.5, "Not": 0.25}, 0.5),
        ({"No": 0.6, "N": 0.3}, 0.1),  # both begin other words; what they leave is a tenth
        ({"Yes": 0.6, "five": 0.1}, 0.1),  # it cannot be likelier than the least likely that is listed
        ({"": 0.6, " ": 0.3}, 0.1),
    ],
)
def test_the_beginning_of_a_reply(probabilities: dict[str, float], expected: float) -> None:
    assert math.exp(begins_with(REFUSAL, listed(**probabilities))) == pytest.approx(expected)


def test_the_longest_beginning_counts_in_chinese() -> None:
    assert math.exp(begins_with("文档中没有。", listed(文=0.2, 文档=0.5))) == pytest.approx(0.5)


def test_it_is_a_log_probability_though_the_server_rounds() -> None:
    assert begins_with(REFUSAL, [("Not", 0.001)]) == 0.0
    assert begins_with(REFUSAL, [("Yes", 0.001), ("five", -9.0)]) == -9.0


@pytest.mark.parametrize(
    "completion",
    [
        None,
        [],
        {},
        {"choices": []},
        {"choices": [{"logprobs": None}]},
        {"choices": [{"logprobs": {"content": []}}]},
    ],
)
def test_a_completion_without_log_probabilities_lists_none(completion: object) -> None:
    assert first_tokens(completion) == []


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        (" \n", 1),
        ("fee", 1),
        ("fees", 2),
        ("680 yuan.", 6),
        ("年费680元", 6),
        ("да", 4),
        ("café", 3),
    ],
)
def test_tokens_are_estimated(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens

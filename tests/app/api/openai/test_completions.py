"""The older completions of OpenAI, by its own client."""

import openai as client_of
import pytest
from openai import OpenAI

from tests.fake_workspace import FakeWorkspace

ANSWER = "The platinum card costs 680 yuan a year."


def test_a_prompt_is_answered_whole_and_streamed(openai: OpenAI) -> None:
    whole = openai.completions.create(model="base", prompt=["platinum card cost"], max_tokens=20)
    (choice,) = whole.choices
    assert (choice.text, choice.finish_reason) == (ANSWER, "stop")
    assert choice.model_dump()["sources"]["citations"][0]["document"] == "fees.txt"
    assert whole.usage is not None and whole.usage.completion_tokens == 8
    chunks = list(openai.completions.create(model="base", prompt="platinum card cost", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == ANSWER
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_without_retrieval_the_model_writes(openai: OpenAI, workspace: FakeWorkspace) -> None:
    reply = openai.completions.create(
        model="fees", prompt="one two", stop="one", extra_body={"retrieval": False}
    )
    assert reply.choices[0].text == "two"
    assert workspace.tasks[0].messages[0].content == "one two"


@pytest.mark.parametrize(
    ("field", "value"),
    [("prompt", ["a", "b"]), ("prompt", [1, 2]), ("echo", True), ("suffix", "x"), ("best_of", 2)],
)
def test_what_is_not_done_is_refused(openai: OpenAI, field: str, value: object) -> None:
    with pytest.raises(client_of.UnprocessableEntityError) as refused:
        openai.completions.create(**{"model": "base", "prompt": "a", field: value})  # type: ignore[call-overload]
    assert refused.value.param == field

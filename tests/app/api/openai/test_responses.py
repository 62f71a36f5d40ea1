"""OpenAI's Responses API, by its own client."""

import openai as client_of
import pytest
from openai import OpenAI

from tests.fake_workspace import REFUSAL, FakeWorkspace


def test_a_question_is_answered_with_annotations(openai: OpenAI, workspace: FakeWorkspace) -> None:
    reply = openai.responses.create(
        model="base",
        instructions="Be brief.",
        input=[
            {"role": "user", "content": "What opens at nine?"},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Branches."}],
            },
            {"role": "user", "content": [{"type": "input_text", "text": "platinum card cost"}]},
        ],
        store=False,
        temperature=0.5,
    )
    assert reply.output_text == "The platinum card costs 680 yuan a year."
    assert (reply.status, reply.model, reply.temperature) == ("completed", "base", 0.5)
    assert reply.usage is not None and reply.usage.output_tokens == 8
    (message,) = reply.output
    assert message.type == "message" and message.content[0].type == "output_text"
    (cited,) = message.content[0].annotations
    assert cited.type == "url_citation" and cited.url.endswith("/documents/fees.txt")
    (asked,) = workspace.asked
    assert [(turn.question, turn.answer) for turn in asked.history] == [("What opens at nine?", "Branches.")]


def test_the_reply_of_one_call_can_be_the_input_of_the_next(openai: OpenAI, workspace: FakeWorkspace) -> None:
    first = openai.responses.create(model="base", input="platinum card cost")
    again = [{"role": "user", "content": "platinum card cost"}, *(one.model_dump() for one in first.output)]
    openai.responses.create(model="base", input=[*again, {"role": "user", "content": "白金卡年费"}])  # type: ignore[arg-type,list-item]
    assert [turn.answer for turn in workspace.asked[-1].history] == [first.output_text]


def test_a_stream_has_the_events_of_openai_in_their_order(openai: OpenAI) -> None:
    with openai.responses.stream(model="base", input="platinum card cost") as stream:
        events = list(stream)
        reply = stream.get_final_response()
    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.annotation.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == reply.output_text == "The platinum card costs 680 yuan a year."


def test_a_reply_that_is_cut_is_incomplete(openai: OpenAI) -> None:
    reply = openai.responses.create(model="base", input="platinum card cost", max_output_tokens=8)
    assert reply.status == "incomplete"
    assert reply.incomplete_details is not None
    assert reply.incomplete_details.reason == "max_output_tokens"


def test_a_question_without_answer_is_told_so(openai: OpenAI) -> None:
    assert REFUSAL in openai.responses.create(model="base", input="zebra").output_text


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("previous_response_id", "resp_1", "not kept"),
        ("background", True, "background"),
        ("tools", [{"type": "web_search"}], "calls no tools"),
        ("input", [{"type": "function_call_output", "call_id": "a", "output": "b"}], "Only messages"),
        ("input", [{"role": "user", "content": [{"type": "input_image", "image_url": "data:"}]}], "Images"),
    ],
)
def test_what_is_not_done_is_refused(openai: OpenAI, field: str, value: object, told: str) -> None:
    given = {"model": "base", "input": "platinum", field: value}
    with pytest.raises(client_of.UnprocessableEntityError, match=told) as refused:
        openai.responses.create(**given)  # type: ignore[call-overload]
    assert refused.value.param is not None and refused.value.param.startswith(field)


def test_what_goes_wrong_in_a_stream_fails_the_response(openai: OpenAI) -> None:
    with pytest.raises(client_of.NotFoundError):
        openai.responses.create(model="base", input="a", stream=True, extra_body={"collection": "nowhere"})

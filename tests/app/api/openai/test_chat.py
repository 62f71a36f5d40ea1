"""OpenAI's own client against our server."""

import httpx
import openai as client_of
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.app.api.conftest import COLLECTION
from tests.fake_workspace import REFUSAL, FakeWorkspace

ASKED: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What opens at nine?"},
    {"role": "assistant", "content": "Branches."},
    {"role": "user", "content": "What does the platinum card cost?"},
]


def test_models_are_the_base_and_the_adapters(openai: OpenAI) -> None:
    assert [model.id for model in openai.models.list()] == ["base", "fees"]
    assert openai.models.retrieve("fees").id == "fees"
    with pytest.raises(client_of.NotFoundError, match="There is no model or adapter none"):
        openai.models.retrieve("none")


def test_a_question_is_answered_with_its_sources(openai: OpenAI, workspace: FakeWorkspace) -> None:
    answer = openai.chat.completions.create(
        model="fees", messages=ASKED, temperature=0.5, max_tokens=20, extra_body={"style": "sentence"}
    )
    message = answer.choices[0].message
    assert message.content == "The platinum card costs 680 yuan a year."
    assert answer.usage is not None and answer.usage.completion_tokens == 8
    (citation,) = message.model_dump()["sources"]["citations"]
    assert (citation["document"], citation["quote"]) == ("fees.txt", message.content)
    (asked,) = workspace.asked
    assert (asked.text, asked.collection, asked.adapter) == (ASKED[-1]["content"], COLLECTION, "fees")
    assert [(turn.question, turn.answer) for turn in asked.history] == [("What opens at nine?", "Branches.")]
    assert (asked.temperature, asked.max_new_tokens, asked.style) == (0.5, 20, "sentence")


def test_a_stream_brings_the_text_then_the_sources_then_the_tokens(openai: OpenAI) -> None:
    chunks = list(
        openai.chat.completions.create(
            model="base",
            messages=[{"role": "user", "content": "白金卡年费"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "白金卡年费为680元。"
    last = chunks[-2].choices[0]
    assert last.finish_reason == "stop"
    assert last.delta.model_dump()["sources"]["citations"][0]["document"] == "费用.txt"
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens > 0
    assert chunks[-1].choices == []


def test_a_reply_that_ends_at_the_length_asked_for_says_so(openai: OpenAI) -> None:
    def ended(most: int, content: str) -> str:
        asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": content}]
        answer = openai.chat.completions.create(model="base", messages=asked, max_tokens=most)
        return answer.choices[0].finish_reason

    assert ended(8, "platinum card cost") == "length"
    assert ended(9, "platinum card cost") == "stop"
    assert ended(1, "zebra") == "stop", "a refusal is whole"


def test_sampling_and_the_longest_length_go_to_the_generator(
    openai: OpenAI, workspace: FakeWorkspace
) -> None:
    for retrieval in (True, False):
        openai.chat.completions.create(
            model="fees",
            messages=ASKED,
            temperature=1,
            top_p=0.4,
            seed=7,
            max_tokens=100_000,
            extra_body={"retrieval": retrieval},
        )
    for given in (*workspace.asked, *workspace.tasks):
        assert (given.temperature, given.top_p, given.seed, given.max_new_tokens) == (1, 0.4, 7, 4096)


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("retrieval", [False, True])
def test_a_reply_ends_before_a_stop_text(openai: OpenAI, streams: bool, retrieval: bool) -> None:
    said = "platinum card cost" if retrieval else "year a yuan 680 costs card platinum The"
    reply = openai.chat.completions.create(
        model="base",
        messages=[{"role": "user", "content": said}],
        stop=["yuan a", "680 "],
        stream=streams,
        extra_body={"retrieval": retrieval},
    )
    if isinstance(reply, client_of.Stream):
        chunks = list(reply)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        ended = chunks[-1].choices[0].finish_reason
    else:
        text, ended = reply.choices[0].message.content or "", reply.choices[0].finish_reason
    assert (text.strip(), ended) == ("The platinum card costs", "stop")


def test_a_text_of_the_documents_is_cut_at_the_length_asked_for(
    openai: OpenAI, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "profile", "extract")
    for streams in (False, True):
        reply = openai.chat.completions.create(
            model="base",
            messages=[{"role": "user", "content": "platinum card cost"}],
            max_tokens=3,
            stream=streams,
        )
        if isinstance(reply, client_of.Stream):
            chunks = list(reply)
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            ended = chunks[-1].choices[0].finish_reason
        else:
            text, ended = reply.choices[0].message.content or "", reply.choices[0].finish_reason
        assert (text, ended) == ("The platinum card", "length")


def test_sentences_are_annotated_with_the_address_of_their_source(openai: OpenAI, site: httpx.Client) -> None:
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "白金卡年费"}]
    message = openai.chat.completions.create(model="base", messages=asked).choices[0].message
    assert message.annotations is not None and message.content is not None
    (cited,) = (annotation.url_citation for annotation in message.annotations)
    assert message.content[cited.start_index : cited.end_index] == "白金卡年费为680元。"
    assert cited.title == "费用"
    assert site.get(cited.url).json()["document"] == "费用.txt"
    *_, last = openai.chat.completions.create(model="base", messages=asked, stream=True)
    assert last.choices[0].delta.model_dump()["annotations"][0]["url_citation"]["url"] == cited.url


def test_without_retrieval_the_messages_go_to_the_adapter(openai: OpenAI, workspace: FakeWorkspace) -> None:
    answer = openai.chat.completions.create(
        model="fees", messages=ASKED, extra_body={"retrieval": False}, max_completion_tokens=9
    )
    assert answer.choices[0].message.content == "cost? card platinum the does What"
    (task,) = workspace.tasks
    assert [message.role for message in task.messages] == ["system", "user", "assistant", "user"]
    assert (task.adapter, task.max_new_tokens) == ("fees", 9)


def test_failures_are_those_that_the_client_knows(openai: OpenAI) -> None:
    def ask(**changed: object) -> None:
        given = {"model": "base", "messages": ASKED, **changed}
        openai.chat.completions.create(**given)  # type: ignore[call-overload]

    with pytest.raises(client_of.NotFoundError, match="There is no collection nowhere"):
        ask(extra_body={"collection": "nowhere"})
    with pytest.raises(client_of.NotFoundError, match="There is no adapter unknown"):
        ask(model="unknown", extra_body={"retrieval": False})
    with pytest.raises(client_of.UnprocessableEntityError, match=r"tempratur.*not permitted") as told:
        ask(extra_body={"tempratur": 1})
    assert (told.value.code, told.value.param) == ("invalid_request", "tempratur")
    with pytest.raises(client_of.UnprocessableEntityError, match="last message is not the user's"):
        ask(messages=ASKED[:3])


def test_what_goes_wrong_before_the_first_piece_of_a_stream_is_a_status(openai: OpenAI) -> None:
    with pytest.raises(client_of.NotFoundError):
        openai.chat.completions.create(
            model="base", messages=ASKED, stream=True, extra_body={"collection": "nowhere"}
        )


def test_a_stream_that_turns_out_to_stand_on_nothing_ends_with_the_refusal(openai: OpenAI) -> None:
    chunks = openai.chat.completions.create(
        model="base", messages=[{"role": "user", "content": "zebra"}], stream=True
    )
    found = list(chunks)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in found)
    assert text.endswith(f"\n\n{REFUSAL} The closest are: fees.txt, 费用.txt.")
    assert found[-1].choices[0].delta.model_dump()["sources"]["refused"] is True

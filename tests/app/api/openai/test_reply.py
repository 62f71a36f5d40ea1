"""Replies without a server: sources as text, and JSON of models that write."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from answering.values import Task, Writing
from app.access.values import LOCAL
from app.api.openai.chat_schema import ChatRequest
from app.api.openai.reply import Manner, Reply, Whole, whole_of
from app.session import Session
from tests.fake_workspace import FakeWorkspace

SCHEMA = {"type": "object", "properties": {"fee": {"type": "number"}}, "required": ["fee"]}
IN_JSON = {"type": "json_schema", "json_schema": {"name": "fee", "schema": SCHEMA}}


@pytest.fixture
def documents() -> FakeWorkspace:
    made = FakeWorkspace()
    made.put("bank", "fees.txt", "The platinum card costs 680 yuan a year.")
    made.put("bank", "费用.txt", "白金卡年费为680元。")
    return made


def parts(workspace: FakeWorkspace, question: str, append_sources: bool = False, **more: Any) -> list[Any]:
    body = {"model": "base", "messages": [{"role": "user", "content": question}], **more}
    wanted = ChatRequest.model_validate(body).wanted
    manner = Manner("bank", append_sources)
    reply = Reply(Session(workspace, LOCAL), wanted, manner, "chatcmpl-", "http://127.0.0.1/")
    return list(reply.parts(lambda: False))


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (
            "platinum card cost",
            "The platinum card costs 680 yuan a year.\n\nSources:\n[1] fees.txt, page 1",
        ),
        ("白金卡年费", "白金卡年费为680元。\n\n来源：\n[1] 费用.txt，第 1 页"),
    ],
)
def test_sources_are_appended_to_the_text_where_the_setting_says_so(
    documents: FakeWorkspace, question: str, text: str
) -> None:
    *streamed, whole = parts(documents, question, append_sources=True)
    assert "".join(streamed) == whole.text == text


def test_a_refusal_has_no_sources(documents: FakeWorkspace) -> None:
    *_, whole = parts(documents, "zebra", append_sources=True)
    assert whole.text.endswith("费用.txt.")


class WritesJson(FakeWorkspace):
    """Writes an object, wherever it is asked to."""

    def write(self, task: Task, cancelled: Any = None) -> Writing:
        self.tasks.append(task)
        return Writing("base", self._pieces())

    def _pieces(self) -> Iterator[str]:
        yield from ("Here: ", '{"fee": ', "680}")


@pytest.mark.parametrize("retrieval", [True, False])
def test_a_capable_model_writes_json_and_its_server_learns_the_schema(retrieval: bool) -> None:
    workspace = WritesJson()
    workspace.profile = "free"
    workspace.put("bank", "fees.txt", "The platinum card costs 680 yuan a year.")
    given = {"response_format": IN_JSON, "retrieval": retrieval, "temperature": 0.5, "seed": 3}
    whole: Whole = whole_of(parts(workspace, "platinum card cost", **given))
    assert json.loads(whole.text) == {"fee": 680}
    (task,) = workspace.tasks
    assert json.loads(task.schema) == SCHEMA
    assert (task.temperature, task.seed) == (0.5, 3)


def test_json_of_no_schema_is_an_object_with_the_answer(documents: FakeWorkspace) -> None:
    whole = whole_of(parts(documents, "platinum card cost", response_format={"type": "json_object"}))
    assert json.loads(whole.text) == {"answer": "The platinum card costs 680 yuan a year."}
    shown = 'platinum card cost as JSON {"fee": ..., "colour": ...}'
    whole = whole_of(parts(documents, shown, response_format={"type": "json_object"}))
    assert set(json.loads(whole.text)) == {"fee", "colour"}
    assert json.loads(whole.text)["colour"] is None


def test_json_that_a_model_fails_to_write_is_a_refusal(documents: FakeWorkspace) -> None:
    whole = whole_of(parts(documents, "one two", response_format=IN_JSON, retrieval=False))
    assert (whole.text, whole.refusal) == ("", "The model wrote no JSON that fits the request.")

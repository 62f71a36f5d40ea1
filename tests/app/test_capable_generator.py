"""Questions to a workspace with a capable model at a server: every way in which servers answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from answering.generation.protocol import Request
from answering.generation.remote.client import breaker_of
from answering.values import Finished, Piece, Question, Turn
from app import doctor
from app.settings import Settings, load_settings
from app.workspace import Workspace
from knowledge_base.errors import SettingsError, UnavailableError
from tests.fakes import FakeEmbedder, FakeGenerator
from tests.openai_server import BASE, OpenAIServer

FEE = "The platinum card costs 680 yuan a year."
QUESTION = Question("What does the platinum card cost a year?", "bank")


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    breaker_of.cache_clear()
    with OpenAIServer(FakeGenerator(reply=_answer)) as server:
        yield server


def _answer(request: Request) -> str:
    if "Rewrite" in request.messages[0].content:
        return "What does the platinum card cost a year?"
    return f"{FEE} [1]\n\nIt is made of bamboo [1]."


@pytest.fixture
def settings(tmp_path: Path, server: OpenAIServer) -> Settings:
    return load_settings({"home": tmp_path / "home", "generator": BASE, "generator_url": server.url})


@pytest.fixture
def workspace(settings: Settings, tmp_path: Path) -> Iterator[Workspace]:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "fees.txt").write_text(FEE, encoding="utf-8")
    with Workspace(settings, FakeEmbedder()) as workspace:
        workspace.ingest(documents, "bank")
        yield workspace


def test_it_is_recognised_and_reads_freely(workspace: Workspace, server: OpenAIServer) -> None:
    events = list(workspace.ask(QUESTION))
    assert len([event for event in events if isinstance(event, Piece)]) > 5
    assert isinstance(events[-1], Finished)
    answer = events[-1].answer
    assert answer.text == f"{FEE}\n\nIt is made of bamboo."
    assert [sentence.supported for sentence in answer.sentences] == [True, False]
    assert answer.citations[0].document == "fees.txt"
    body = server.asked[-1]
    assert (body["max_tokens"], "stop" in body, "logit_bias" in body) == (2048, False, False)


def test_a_question_may_be_read_in_another_way(workspace: Workspace, server: OpenAIServer) -> None:
    server.generator._reply = lambda request: "680 yuan"
    workspace.answer(Question(QUESTION.text, "bank", reading="span"))
    assert server.asked[-1]["stop"] == ["\n"]


@pytest.mark.parametrize(
    "ways",
    [
        {"reasoning": "It says 680. [7]"},
        {"reasoning": "It says 680.", "reasoning_field": "reasoning"},
        {"reasoning": "<think>It says 680.</think>", "reasoning_field": "content"},
        {"ignores_stream": True},
        {"ignores_stream": True, "reasoning": "It says 680."},
        {"usage_with_finish": True},
        {"tells_usage": False, "scores": False, "tokenizes": False, "lists": False},
    ],
)
def test_whatever_the_server_s_manner_the_answer_is_the_same(
    workspace: Workspace, server: OpenAIServer, ways: dict[str, object]
) -> None:
    for name, value in ways.items():
        setattr(server.behaviour, name, value)
    answer = workspace.answer(QUESTION)
    assert (answer.outcome, answer.text.startswith(FEE)) == ("answered", True)
    assert "It says" not in answer.text
    assert all("It says" not in sentence.text for sentence in answer.sentences)


@pytest.mark.parametrize(
    ("ways", "message"),
    [
        ({"drops_after": 3}, "broke off in the middle of its answer"),
        ({"breaks_down_after": 2}, "failed while it was answering: out of memory"),
        (
            {"reasoning": "Hm", "withholds": True, "finish": "length"},
            "limit of 2048 tokens while it was thinking",
        ),
        ({"reasoning": "Hm", "withholds": True}, "ended without an answer"),
        ({"withholds": True, "finish": "content_filter"}, "content filter withheld the answer"),
        ({"answers_with": "<html>"}, "does not speak OpenAI's protocol"),
    ],
)
def test_what_is_no_answer_is_one_sentence_and_the_conversation_continues(
    workspace: Workspace, server: OpenAIServer, ways: dict[str, object], message: str
) -> None:
    workspace.answer(QUESTION)
    for name, value in ways.items():
        setattr(server.behaviour, name, value)
    with pytest.raises(UnavailableError, match=message) as caught:
        workspace.answer(QUESTION)
    assert caught.value.remedy
    server.reset()
    history = (Turn(QUESTION.text, FEE),)
    assert workspace.answer(Question("And why?", "bank", history=history)).outcome == "answered"


def test_a_refusal_in_free_words_names_the_nearest_documents(
    workspace: Workspace, server: OpenAIServer
) -> None:
    server.generator._reply = lambda request: "Unfortunately, the passages do not mention any fee."
    answer = workspace.answer(QUESTION)
    assert (answer.outcome, answer.nearest) == ("not_found", ("fees.txt",))


def test_an_answer_at_the_limit_says_that_it_was_cut(workspace: Workspace, server: OpenAIServer) -> None:
    server.behaviour.finish = "length"
    assert "cut off at the limit of 2048 tokens" in workspace.answer(QUESTION).text


def test_doctor_says_how_it_reads(settings: Settings) -> None:
    reading = {finding.check: finding.seen for finding in doctor.generator(settings)}["reading"]
    assert reading.startswith("free: an instruct model")


def test_doctor_names_the_package_that_a_provider_needs(tmp_path: Path) -> None:
    settings = load_settings({"home": tmp_path, "generator": "langchain:anthropic:claude"})
    (found,) = doctor.generator(settings)
    assert found.state == "fail"
    assert "pip install 'langchain-anthropic'" in f"{found.seen} {found.remedy}"


def test_a_generator_of_langchain_answers_through_the_workspace(
    settings: Settings, server: OpenAIServer, tmp_path: Path
) -> None:
    changed = settings.model_copy(
        update={"generator": f"langchain:openai:{BASE}", "generator_api_key": "sk-secret-key"}
    )
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "fees.txt").write_text(FEE, encoding="utf-8")
    with Workspace(changed, FakeEmbedder()) as workspace:
        workspace.ingest(tmp_path / "documents", "bank")
        assert workspace.answer(QUESTION).citations[0].document == "fees.txt"


@pytest.mark.parametrize("reading", ["freely", "", "Span"])
def test_an_unknown_way_of_reading_is_refused(reading: str) -> None:
    with pytest.raises(SettingsError, match="reading"):
        load_settings({"reading": reading})

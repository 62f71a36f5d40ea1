"""The MCP server, by the SDK's own client: over HTTP with keys, in the process, and as a command."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from app.access.store import AccessStore
from app.access.values import LOCAL, grant
from app.mcp import mcp_server
from app.session import Session
from app.settings import Settings
from tests.app.serving import served
from tests.fake_workspace import FakeWorkspace

SETTINGS = Settings(collection="bank", max_waiting=2, answer_seconds=2)
TEXT = "The gold card costs 200 yuan a year.\nLost cards are blocked at once."


@pytest.fixture
def workspace() -> FakeWorkspace:
    """Two collections."""
    made = FakeWorkspace()
    made.put("bank", "cards.md", TEXT, "Cards")
    made.put("staff", "salaries.md", "The manager earns 9,000 yuan.")
    return made


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an asynchronous test in a thread: the tests of the browser leave a loop running in this one."""

    @wraps(test)
    def run(**fixtures: Any) -> None:
        with ThreadPoolExecutor(1) as threads:
            threads.submit(lambda: asyncio.run(test(**fixtures))).result()

    return run


@asynccontextmanager
async def client_of(workspace: FakeWorkspace) -> AsyncIterator[Client]:
    async with Client(mcp_server(lambda _: Session(workspace, LOCAL), SETTINGS)) as client:
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


@in_a_loop
async def test_the_tools_only_read(workspace: FakeWorkspace) -> None:
    async with client_of(workspace) as client:
        tools = (await client.list_tools()).tools
    assert {tool.name for tool in tools} == {
        "search",
        "ask",
        "list_collections",
        "list_documents",
        "read_document",
    }
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
    assert all("context" not in tool.input_schema["properties"] for tool in tools)


@in_a_loop
async def test_an_answer_cites_its_source_and_progress_is_reported(workspace: FakeWorkspace) -> None:
    steps: list[tuple[float, str | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        steps.append((done, message))

    async with client_of(workspace) as client:
        result = await client.call_tool(
            "ask", {"question": "What does the gold card cost?"}, progress_callback=progress
        )
    answer: Any = result.structured_content
    assert "200 yuan" in answer["text"]
    assert answer["citations"][0]["document"] == "cards.md"
    assert steps
    assert steps[0][0] == 1


@in_a_loop
async def test_documents_are_listed_searched_and_read(workspace: FakeWorkspace) -> None:
    async with client_of(workspace) as client:
        collections = await call(client, "list_collections")
        documents = await call(client, "list_documents")
        found = await call(client, "search", query="gold card", k=1)
        read = await call(client, "read_document", document=found["results"][0]["document"])
    assert [one["name"] for one in collections["collections"]] == ["bank", "staff"]
    assert [one["document"] for one in documents["documents"]] == ["cards.md"]
    assert read["text"] == TEXT
    assert collections["next_cursor"] is documents["next_cursor"] is read["next_cursor"] is None


async def pages(client: Client, tool: str, **arguments: Any) -> list[Any]:
    """Every page that a tool gives, by the cursor of the one before."""
    found = [await call(client, tool, **arguments)]
    while cursor := found[-1]["next_cursor"]:
        found.append(await call(client, tool, cursor=cursor, **arguments))
    return found


@in_a_loop
async def test_lists_and_texts_are_read_page_by_page(workspace: FakeWorkspace) -> None:
    for number in (3, 1, 2):
        workspace.put("bank", f"{number}.md", "A card.")
    async with client_of(workspace) as client:
        lists = await pages(client, "list_documents", count=3)
        collections = await pages(client, "list_collections", count=1)
        texts = await pages(client, "read_document", document="cards.md", characters=40)
        unknown = await client.call_tool("read_document", {"document": "cards.md", "cursor": "²"})
    shown = [[one["document"] for one in page["documents"]] for page in lists]
    assert shown == [["1.md", "2.md", "3.md"], ["cards.md"]]
    assert [page["collections"][0]["name"] for page in collections] == ["bank", "staff"]
    assert "".join(page["text"] for page in texts) == TEXT
    assert [page["start"] for page in texts] == [0, 40]
    places = [place["start"] for page in texts for place in page["places"]]
    assert places == [0, TEXT.index("Lost")]
    assert unknown.is_error
    assert "cursor ² is unknown" in str(unknown.content)


@in_a_loop
async def test_a_document_that_goes_between_two_pages_hides_no_other(workspace: FakeWorkspace) -> None:
    for number in range(4):
        workspace.put("bank", f"{number}.md", "A card.")
    async with client_of(workspace) as client:
        first = await call(client, "list_documents", count=2)
        workspace.delete_document("bank", "0.md")
        second = await call(client, "list_documents", count=2, cursor=first["next_cursor"])
    assert [one["document"] for one in second["documents"]] == ["2.md", "3.md"]


@in_a_loop
async def test_what_is_wrong_is_said_to_the_assistant(workspace: FakeWorkspace) -> None:
    async with client_of(workspace) as client:
        result = await client.call_tool("read_document", {"document": "none.md"})
    assert result.is_error
    assert "none.md" in str(result.content)


@in_a_loop
async def test_what_is_wrong_with_a_question_is_said_to_the_assistant(workspace: FakeWorkspace) -> None:
    async with client_of(workspace) as client:
        result = await client.call_tool("ask", {"question": "gold", "collection": "nowhere"})
    assert result.is_error
    assert "There is no collection nowhere" in str(result.content)


@in_a_loop
async def test_questions_have_a_time_and_a_number(workspace: FakeWorkspace) -> None:
    workspace.pause = 0.5  # four seconds in all
    question = {"question": "What does the gold card cost a year, all told, please?"}
    told: list[str] = []
    async with client_of(workspace) as client, anyio.create_task_group() as group:

        async def ask() -> None:
            told.append(str((await client.call_tool("ask", question)).content))

        for _ in range(3):
            group.start_soon(ask)
    assert ["2 questions are waiting" in text for text in told] == [True, False, False]
    assert ["not ready after 2 seconds" in text for text in told] == [False, True, True]
    assert not workspace.writing


@in_a_loop
async def test_a_cancelled_question_ends_its_work(workspace: FakeWorkspace) -> None:
    workspace.pause = 0.5  # four seconds in all
    async with client_of(workspace) as client:
        with anyio.move_on_after(1) as scope:
            await call(client, "ask", question="What does the gold card cost a year, all told, please?")
        assert scope.cancelled_caught
        with anyio.fail_after(2):
            while workspace.writing:
                await anyio.sleep(0.05)


@in_a_loop
async def test_over_http_a_key_opens_only_its_collections(workspace: FakeWorkspace, tmp_path: Path) -> None:
    key = AccessStore(tmp_path).keys.create("assistant", grant("reader", ["bank"]))
    settings = Settings(home=tmp_path, access="required", collection="bank")
    with served(workspace, settings) as address:
        assert httpx2.post(f"{address}mcp", json={}).status_code == 401
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(f"{address}mcp", http_client=http)) as client,
        ):
            collections = await call(client, "list_collections")
            answer = await call(client, "ask", question="What does the gold card cost?")
            hidden = await client.call_tool("search", {"query": "manager", "collection": "staff"})
    assert [one["name"] for one in collections["collections"]] == ["bank"]
    assert "200 yuan" in answer["text"]
    assert hidden.is_error
    assert "9,000" not in str(hidden.content)


@in_a_loop
async def test_over_http_progress_is_reported_and_a_cancelled_question_ends_its_work(
    workspace: FakeWorkspace, tmp_path: Path
) -> None:
    steps: list[str | None] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        steps.append(message)

    question = {"question": "What does the gold card cost a year, all told, please?"}
    with served(workspace, Settings(home=tmp_path, collection="bank")) as address:
        async with Client(f"{address}mcp") as client:
            await client.call_tool("ask", question, progress_callback=progress)
            workspace.pause = 0.5  # four seconds in all
            with anyio.move_on_after(1) as scope:
                await call(client, "ask", **question)
            assert scope.cancelled_caught
            with anyio.fail_after(2):
                while workspace.writing:
                    await anyio.sleep(0.05)
            workspace.pause = 0
            assert await call(client, "ask", **question), "the client can go on"
    assert steps == ["2 passages found"]


@in_a_loop
async def test_a_client_that_leaves_over_http_ends_its_work(workspace: FakeWorkspace, tmp_path: Path) -> None:
    workspace.pause = 0.5  # four seconds in all
    with served(workspace, Settings(home=tmp_path, collection="bank")) as address:
        with anyio.move_on_after(1):
            async with Client(f"{address}mcp") as client:
                await call(client, "ask", question="What does the gold card cost a year, all told, please?")
        with anyio.fail_after(2):
            while workspace.writing:
                await anyio.sleep(0.05)


@pytest.mark.models
@in_a_loop
async def test_the_command_speaks_over_standard_input_and_output(tmp_path: Path) -> None:
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "app.cli", "mcp", "--home", str(tmp_path / "home")]
    )
    async with Client(command) as client:
        assert await call(client, "list_collections") == {"collections": [], "next_cursor": None}

"""The documents as an MCP server: assistants search, ask, list and read, with the caller's own rights.

The same server speaks over standard input and output (`domainqa mcp`) and over streamable HTTP at /mcp of
`domainqa serve` (Model Context Protocol, revisions up to 2026-07-28).
"""

import threading
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import version
from typing import Annotated, Any, TypeVar

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import ToolAnnotations
from pydantic import Field
from starlette.routing import Route

from answering.generation.protocol import Cancelled
from answering.values import Event, Finished, Question, Searched
from app.paging import (
    Characters,
    CollectionPage,
    Count,
    Cursor,
    DocumentPage,
    TextPage,
    page_of,
    text_page_of,
)
from app.schema import (
    NO_LIMIT,
    Answer,
    Collection,
    Limit,
    SearchResponse,
    answer_of,
    entry_of,
    search_of,
    text_of,
)
from app.session import Session
from app.settings import Settings
from app.workspace import Workspace
from knowledge_base.errors import DomainqaError

PATH = "/mcp"
_INSTRUCTIONS = (
    "Answers questions from an organisation's own documents. Use `ask` for an answer that cites its sources, "
    "`search` for passages to read yourself. An answer whose outcome is 'not_found' or 'related' means that "
    "the documents do not hold the answer: do not fill the gap from memory."
)
_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

R = TypeVar("R")
Receive = Callable[[R], Awaitable[None]]
SessionOf = Callable[[Context[Any, Any]], Session]
InCollection = Annotated[
    str | None, Field(description="Name of the collection; the server's default one if left out.")
]


class Tools:
    """What an assistant may call; each runs in the session that `session_of` finds.

    Args:
        session_of: the session of whoever sent a request.
        usual: the collection that is used when none is named.
        room: where they run.
    """

    def __init__(self, session_of: SessionOf, usual: str, room: "Room") -> None:
        self._session_of = session_of
        self._usual = usual
        self._room = room

    async def search(
        self,
        query: Annotated[str, Field(min_length=1, description="What to look for, in any language.")],
        context: Context[Any, Any],
        collection: InCollection = None,
        k: Annotated[int, Field(ge=1, le=100, description="Number of passages.")] = 5,
        limit: Annotated[Limit, Field(description="Documents, folder, formats, dates.")] = NO_LIMIT,
    ) -> SearchResponse:
        """Find the passages of the documents that fit a question best."""
        where = collection or self._usual
        found = await self._room.call(
            lambda: self._session_of(context).search([query], where, k=k, limit=limit.as_filter())
        )
        return search_of(found[0], where)

    async def ask(
        self,
        question: Annotated[str, Field(min_length=1, description="A question, in English or Chinese.")],
        context: Context[Any, Any],
        collection: InCollection = None,
        adapter: Annotated[str | None, Field(description="Such as 'policies@2', or 'base'.")] = None,
    ) -> Answer:
        """Answer a question from the documents, citing the sentences that the answer is taken from."""
        asked = Question(question, collection or self._usual, adapter)
        answers: list[Answer] = []

        async def receive(event: Event) -> None:
            if isinstance(event, Searched):
                await context.report_progress(1, 2, f"{len(event.ranked)} passages found")
            elif isinstance(event, Finished):
                answers.append(answer_of(event.answer))

        await self._room.run(lambda cancelled: self._session_of(context).ask(asked, cancelled), receive)
        return answers[-1]

    async def list_collections(
        self, context: Context[Any, Any], cursor: Cursor = None, count: Count = 100
    ) -> CollectionPage:
        """List the collections that you may read, with the number of their documents and passages."""
        found = await self._room.call(lambda: self._session_of(context).collections())
        shown, following = page_of(found, lambda info: info.name, cursor, count)
        return CollectionPage(collections=tuple(map(Collection.model_validate, shown)), next_cursor=following)

    async def list_documents(
        self,
        context: Context[Any, Any],
        collection: InCollection = None,
        cursor: Cursor = None,
        count: Count = 100,
    ) -> DocumentPage:
        """List the documents of a collection: path, title, format, date, and what could not be read."""
        found = await self._room.call(lambda: self._session_of(context).documents(collection or self._usual))
        shown, following = page_of(found, lambda entry: entry.path, cursor, count)
        entries = tuple(entry_of(entry, local=False) for entry in shown)
        return DocumentPage(documents=entries, next_cursor=following)

    async def read_document(
        self,
        document: Annotated[str, Field(description="Path of the document, as search and ask give it.")],
        context: Context[Any, Any],
        collection: InCollection = None,
        cursor: Cursor = None,
        characters: Characters = 20_000,
    ) -> TextPage:
        """Read the text of a document, page by page, with the places of its passages."""

        def read() -> TextPage:
            found = self._session_of(context).document(collection or self._usual, document)
            return text_page_of(text_of(found, local=False), cursor, characters)

        return await self._room.call(read)


def mcp_server(session_of: SessionOf, settings: Settings) -> MCPServer[Any]:
    """A server that offers the tools, within the bounds of the settings."""
    server: MCPServer[Any] = MCPServer(
        "domainqa", version=version("domainqa"), instructions=_INSTRUCTIONS, log_level="ERROR"
    )
    room = Room(settings.max_waiting, settings.answer_seconds)
    tools = Tools(session_of, settings.collection, room)
    for tool in (tools.search, tools.ask, tools.list_collections, tools.list_documents, tools.read_document):
        server.add_tool(tool, annotations=_READS)
    return server


def http_route(server: MCPServer[Any]) -> Route:
    """The route of streamable HTTP; `server.session_manager.run()` must be entered before its first request.

    Each request stands for itself: it acts as the principal that the access middleware found for it, and no
    caller can continue the session of another. Host and origin are checked before (app/middleware.py).
    """
    checked_before = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = server.streamable_http_app(
        streamable_http_path=PATH, stateless_http=True, transport_security=checked_before
    )
    endpoint: Any = app.routes[0]
    return Route(PATH, endpoint.endpoint, methods=["GET", "POST", "DELETE"])


def session_of_request(workspace: Workspace) -> SessionOf:
    """Over HTTP, the session of the principal whom the access middleware found."""

    def session_of(context: Context[Any, Any]) -> Session:
        request: Any = context.request_context.request  # there for every request over HTTP
        return Session(workspace, request.state.principal)

    return session_of


class Room:
    """Threads for the calls of assistants: at most `most` at once, each for at most `seconds`.

    Threads of their own: those of the event loop are for short calls, and there are only forty.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._inside = 0
        self._threads: anyio.CapacityLimiter | None = None  # made in the event loop

    async def call(self, work: Callable[[], R]) -> R:
        """The result of blocking work; an expected failure becomes the tool's own error message."""
        self._threads = self._threads or anyio.CapacityLimiter(self._most)
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._threads)
        except DomainqaError as error:
            raise ToolError(str(error)) from error

    async def run(self, start: Callable[[Cancelled], Iterator[R]], receive: Receive[R]) -> None:
        """Pass on what `start` gives; if the caller cancels or leaves, the work in its thread is stopped."""
        if self._inside >= self._most:
            raise ToolError(
                f"{self._inside} questions are waiting, and no more are accepted. Ask again later."
            )
        self._inside += 1
        try:
            with anyio.move_on_after(self._seconds) as late:
                await self._run(start, receive)
        finally:
            self._inside -= 1
        if late.cancelled_caught:
            raise ToolError(f"The answer was not ready after {self._seconds:g} seconds. Ask again later.")

    async def _run(self, start: Callable[[Cancelled], Iterator[R]], receive: Receive[R]) -> None:
        stop, problem = threading.Event(), None

        async def stop_when_cancelled() -> None:
            try:
                await anyio.sleep_forever()
            finally:
                stop.set()

        async with anyio.create_task_group() as group:
            group.start_soon(stop_when_cancelled)
            events: Iterator[R] = iter(())
            try:
                events = await self.call(lambda: start(stop.is_set))
                while (event := await self.call(lambda: next(events, None))) is not None:
                    await receive(event)
            except ToolError as error:  # else the group would wrap it
                problem = error
            finally:
                _close(events)
            group.cancel_scope.cancel()
        if problem:
            raise problem


def _close(events: Iterator[object]) -> None:
    """End work that was left in the middle at once: it may hold the model."""
    if close := getattr(events, "close", None):
        close()

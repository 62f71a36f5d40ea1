"""`POST /v1/generate`, `/v1/search` and `/v1/feedback`: answers, passages without an answer, and verdicts."""

import asyncio
import os
import time
from collections.abc import Iterator

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from answering.generation.protocol import Cancelled
from answering.values import Finished, Question, Task
from app.api.answering import Queue
from app.api.dependencies import Caller, usage_of
from app.schema import (
    Feedback,
    GenerateRequest,
    GenerateResponse,
    SearchRequest,
    SearchResponse,
    answer_of,
    search_of,
)
from app.session import Session
from app.telemetry import tracer
from knowledge_base.errors import UnavailableError
from retrieval.prompt import Message

# Questions are embedded by this machine's processors: more searches at once only take each other's turns.
_SEARCHES_AT_ONCE = 2 * (os.cpu_count() or 1)


def answer_routes(queue: Queue, usual: str) -> APIRouter:
    """The routes; `usual` is the collection that is asked when none is named."""
    routes = APIRouter(prefix="/v1", tags=["answers"])
    room = asyncio.Semaphore(_SEARCHES_AT_ONCE)  # first come, first served

    @routes.post("/generate")
    async def generate(asked: GenerateRequest, request: Request, session: Caller) -> GenerateResponse:
        """Answer a question from the documents, or write for a task without them."""
        collection = asked.collection or usual
        if asked.retrieval:
            return await _answer(session, queue, request, _question(asked, collection))
        return await _write(session, queue, request, _task(asked, collection))

    @routes.post("/search")
    async def search(asked: SearchRequest, request: Request, session: Caller) -> SearchResponse:
        """The passages that fit a question best."""
        async with room:
            if await request.is_disconnected():
                raise UnavailableError("The client has closed the connection.", "Ask again.")
            return await run_in_threadpool(_search, session, asked, asked.collection or usual)

    @routes.post("/feedback", status_code=204)
    def feedback(given: Feedback, session: Caller) -> None:
        """A verdict on a recent answer; a correction can become a training pair."""
        session.feedback(given.answer_id, given.verdict, given.correction, given.comment)

    return routes


async def _answer(session: Session, queue: Queue, request: Request, question: Question) -> GenerateResponse:
    events = await queue.whole(request, lambda cancelled: session.ask(question, cancelled))
    answer = next(event.answer for event in reversed(events) if isinstance(event, Finished))
    usage = await usage_of(session, answer.trace.prompt, answer.text)
    return GenerateResponse(**dict(answer_of(answer)), usage=usage)


async def _write(session: Session, queue: Queue, request: Request, task: Task) -> GenerateResponse:
    writing, began = [], time.monotonic()

    def start(cancelled: Cancelled) -> Iterator[str]:
        writing.append(session.write(task, cancelled))
        return writing[0].pieces

    text = "".join(await queue.whole(request, start)).strip()
    return GenerateResponse(
        text=text,
        adapter=writing[0].adapter,
        kind=None,
        outcome=None,
        refused=False,
        confidence=None,
        citations=(),
        nearest=(),
        answer_id=None,
        seconds=round(time.monotonic() - began, 4),
        usage=await usage_of(session, task.messages[-1].content, text),
    )


def _question(asked: GenerateRequest, collection: str) -> Question:
    return Question(
        text=asked.input,
        collection=collection,
        adapter=asked.adapter_id,
        limit=asked.limit.as_filter(),
        style=asked.style,
        reading=asked.reading,
        max_new_tokens=asked.max_new_tokens,
        temperature=asked.temperature,
    )


def _task(asked: GenerateRequest, collection: str) -> Task:
    return Task(
        messages=(Message("user", asked.input),),
        collection=collection,
        adapter=asked.adapter_id,
        max_new_tokens=asked.max_new_tokens,
        temperature=asked.temperature,
    )


def _search(session: Session, asked: SearchRequest, collection: str) -> SearchResponse:
    with tracer.start_as_current_span("search", attributes={"domainqa.collection": collection}):
        (found,) = session.search([asked.query], collection, k=asked.k, limit=asked.limit.as_filter())
    return search_of(found, collection)

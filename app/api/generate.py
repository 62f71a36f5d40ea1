"""`POST /v1/generate`: one question or task, with the adapter by its id."""

from collections.abc import Iterator

from fastapi import APIRouter, Request

from answering.generation.protocol import Cancelled
from answering.values import Finished, Question, Task
from app.api.answering import Queue
from app.api.caller import Caller
from app.api.shapes import GenerateRequest, GenerateResponse, citations_of
from app.api.usage import usage_of
from app.session import Session
from retrieval.prompt import Message


def generate_routes(queue: Queue, usual: str) -> APIRouter:
    """The routes; `usual` is the collection that is asked when none is named."""
    routes = APIRouter(prefix="/v1", tags=["answers"])

    @routes.post("/generate")
    async def generate(asked: GenerateRequest, request: Request, session: Caller) -> GenerateResponse:
        """Answer a question from the documents, or write for a task without them."""
        collection = asked.collection or usual
        if asked.retrieval:
            return await _answer(session, queue, request, _question(asked, collection))
        return await _write(session, queue, request, _task(asked, collection))

    return routes


async def _answer(session: Session, queue: Queue, request: Request, question: Question) -> GenerateResponse:
    events = await queue.whole(request, lambda cancelled: session.ask(question, cancelled))
    answer = next(event.answer for event in reversed(events) if isinstance(event, Finished))
    return GenerateResponse(
        text=answer.text,
        adapter=answer.adapter,
        kind=answer.kind,
        outcome=answer.outcome,
        refused=answer.refused,
        confidence=answer.confidence,
        citations=citations_of(answer),
        nearest=answer.nearest,
        answer_id=answer.id,
        usage=await usage_of(session, answer.trace.prompt, answer.text),
    )


async def _write(session: Session, queue: Queue, request: Request, task: Task) -> GenerateResponse:
    writing = []

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
        usage=await usage_of(session, task.messages[-1].content, text),
    )


def _question(asked: GenerateRequest, collection: str) -> Question:
    return Question(
        text=asked.input,
        collection=collection,
        adapter=asked.adapter_id,
        limit=asked.limit.as_filter(),
        style=asked.style,
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

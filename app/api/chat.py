"""`POST /v1/chat/completions` and `GET /v1/models`, as OpenAI's clients call them."""

import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from answering.generation.protocol import Cancelled
from answering.values import Answer, Event, Finished, Piece, Question, Task
from app.api.answering import Queue, Waiting
from app.api.chat_schema import (
    ChatChunk,
    ChatRequest,
    ChatResponse,
    Choice,
    ChunkChoice,
    Delta,
    Finish,
    Model,
    Models,
    ReplyMessage,
    conversation_of,
)
from app.api.dependencies import Caller, usage_of
from app.api.errors import failure_body
from app.schema import Usage, sources_of
from app.session import Session
from knowledge_base.errors import DomainqaError, NotFoundError
from retrieval.prompt import Message

# A reply, as it comes: its text, then, of an answer, the checked whole.
Part = str | Answer


def chat_routes(queue: Queue, usual: str) -> APIRouter:
    """The routes; `usual` is the collection that is asked when none is named."""
    routes = APIRouter(prefix="/v1", tags=["answers"])

    @routes.get("/models")
    def models(session: Caller) -> Models:
        """The base model and the adapters, the one that answers by default first."""
        return Models(data=tuple(Model(id=name) for name in session.adapters()))

    @routes.get("/models/{name:path}")
    def model(name: str, session: Caller) -> Model:
        """One of them."""
        if name not in session.adapters():
            raise NotFoundError(f"There is no model or adapter {name}.", "GET /v1/models lists them.")
        return Model(id=name)

    @routes.post("/chat/completions", response_model=ChatResponse)
    async def chat(asked: ChatRequest, request: Request, session: Caller) -> ChatResponse | StreamingResponse:
        """Answer the last message from the documents; those before it are the conversation."""
        reply = _Reply(session, asked, asked.collection or usual)
        if not asked.stream:
            return await _whole(reply, await queue.whole(request, reply.parts))
        parts = await queue.begun(request, reply.parts)
        return StreamingResponse(_events(reply, parts), media_type="text/event-stream")

    return routes


class _Reply:
    """What is to be replied to, and by whom."""

    def __init__(self, session: Session, asked: ChatRequest, collection: str) -> None:
        self.session = session
        self.asked = asked
        self.id = f"chatcmpl-{uuid.uuid4().hex}"
        self.created = int(time.time())
        self.model = asked.model
        self._collection = collection

    def parts(self, cancelled: Cancelled) -> Iterator[Part]:
        """The reply as it comes; what is wrong with the request is raised here."""
        if self.asked.retrieval:
            return _parts(self.session.ask(self._question(), cancelled))
        writing = self.session.write(self._task(), cancelled)
        self.model = writing.adapter
        return writing.pieces

    async def usage(self, answer: Answer | None, text: str) -> Usage:
        """The tokens of the exchange."""
        prompt = answer.trace.prompt if answer else "\n".join(m.text for m in self.asked.messages)
        return await usage_of(self.session, prompt, text)

    def finish(self, answer: Answer | None, usage: Usage | None) -> Finish:
        """Why the reply ended; a refusal has no length."""
        most = self.asked.most_tokens
        cut = most and usage and usage.completion_tokens >= most and not (answer and answer.refused)
        return "length" if cut else "stop"

    def _question(self) -> Question:
        text, history = conversation_of(self.asked.messages)
        return Question(
            text=text,
            collection=self._collection,
            adapter=self.asked.model,
            history=history,
            limit=self.asked.limit.as_filter(),
            style=self.asked.style,
            reading=self.asked.reading,
            max_new_tokens=self.asked.most_tokens,
            temperature=self.asked.temperature or 0.0,
        )

    def _task(self) -> Task:
        roles = {"developer": "system"}
        return Task(
            messages=tuple(
                Message(roles.get(m.role, m.role), m.text)  # type: ignore[arg-type]
                for m in self.asked.messages
            ),
            collection=self._collection,
            adapter=self.asked.model,
            max_new_tokens=self.asked.most_tokens,
            temperature=self.asked.temperature or 0.0,
        )


def _parts(events: Iterator[Event]) -> Iterator[Part]:
    for event in events:
        if isinstance(event, Piece):
            yield event.text
        elif isinstance(event, Finished):
            yield event.answer


async def _whole(reply: _Reply, parts: list[Part]) -> ChatResponse:
    answer = next((part for part in parts if isinstance(part, Answer)), None)
    text = answer.text if answer else "".join(part for part in parts if isinstance(part, str)).strip()
    message = ReplyMessage(
        content=text,
        kind=answer.kind if answer else None,
        outcome=answer.outcome if answer else None,
        sources=sources_of(answer) if answer else None,
    )
    usage = await reply.usage(answer, text)
    return ChatResponse(
        id=reply.id,
        created=reply.created,
        model=answer.adapter if answer else reply.model,
        choices=(Choice(message=message, finish_reason=reply.finish(answer, usage)),),
        usage=usage,
    )


async def _events(reply: _Reply, parts: AsyncIterator[Part | Waiting]) -> AsyncIterator[str]:
    """Server-sent events: chunks, the tokens if they are wanted, and the end; while it waits, comments.

    What was streamed may be found to stand on nothing when it is checked: the refusal is sent behind it then,
    and `sources` says so too.
    """
    answer, text = None, ""
    try:
        yield _chunk(reply, Delta(role="assistant", content=""))
        async for part in parts:
            if isinstance(part, Waiting):
                yield f": {part.before} before this one\n\n"
            elif isinstance(part, Answer):
                answer = part
            else:
                text += part
                yield _chunk(reply, Delta(content=part))
        if answer and (answer.refused or not text):
            yield _chunk(reply, Delta(content=f"\n\n{answer.text}" if text else answer.text))
        told = reply.asked.stream_options and reply.asked.stream_options.include_usage
        counted = told or reply.asked.most_tokens  # counting may ask another server
        usage = await reply.usage(answer, answer.text if answer else text) if counted else None
        last = (
            Delta(kind=answer.kind, outcome=answer.outcome, sources=sources_of(answer)) if answer else Delta()
        )
        yield _chunk(reply, last, reply.finish(answer, usage))
        if told:
            yield _event(_bare(reply, (), usage))
    except DomainqaError as error:
        yield f"data: {json.dumps(failure_body(error), ensure_ascii=False)}\n\n"
    yield "data: [DONE]\n\n"


def _chunk(reply: _Reply, delta: Delta, finish: Finish | None = None) -> str:
    choice = ChunkChoice(delta=delta, finish_reason=finish)
    return _event(_bare(reply, (choice,), None))


def _bare(reply: _Reply, choices: tuple[ChunkChoice, ...], usage: Usage | None) -> ChatChunk:
    return ChatChunk(id=reply.id, created=reply.created, model=reply.model, choices=choices, usage=usage)


def _event(chunk: ChatChunk) -> str:
    return f"data: {chunk.model_dump_json(exclude_none=True)}\n\n"

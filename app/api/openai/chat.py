"""`POST /v1/chat/completions`, as OpenAI's clients call it."""

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from app.api.answering import Queue, Waiting
from app.api.dependencies import Caller
from app.api.errors import failure_body
from app.api.openai.chat_schema import (
    ChatChunk,
    ChatRequest,
    ChatResponse,
    Choice,
    ChunkChoice,
    Delta,
    ReplyMessage,
)
from app.api.openai.reply import Finish, Manner, Reply, Whole
from app.api.openai.sending import Parts, reply_to, send
from app.api.openai.sources import Annotation
from app.schema import Usage, sources_of
from knowledge_base.errors import DomainqaError


def chat_routes(queue: Queue, manner: Manner) -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/v1", tags=["answers"])

    @routes.post("/chat/completions", response_model=ChatResponse)
    async def chat(asked: ChatRequest, request: Request, session: Caller) -> ChatResponse | StreamingResponse:
        """Answer the last message from the documents; those before it are the conversation."""
        reply = await reply_to(asked, session, manner, "chatcmpl-", str(request.base_url))
        return await send(queue, request, reply, partial(_finished, reply), partial(_events, reply))

    return routes


def _ours(reply: Reply, whole: Whole) -> dict[str, Any]:
    """What is told beside the text of a reply."""
    cited = tuple(Annotation(url_citation=one) for one in reply.citations(whole))
    if whole.answer is None:
        return {}
    kind, outcome, sources = whole.answer.kind, whole.answer.outcome, sources_of(whole.answer)
    return {"annotations": cited, "kind": kind, "outcome": outcome, "sources": sources}


def _finished(reply: Reply, whole: Whole, usage: Usage) -> ChatResponse:
    content = None if whole.refusal else whole.text
    message = ReplyMessage(content=content, refusal=whole.refusal or None, **_ours(reply, whole))
    return ChatResponse(
        id=reply.id,
        created=reply.created,
        model=reply.model,
        choices=(Choice(message=message, finish_reason=reply.finish(whole, usage)),),
        usage=usage,
    )


async def _events(reply: Reply, parts: Parts) -> AsyncIterator[str]:
    """Server-sent events: chunks, the tokens if they are wanted, and the end; while it waits, comments."""
    whole = Whole("", None)
    try:
        yield _chunk(reply, Delta(role="assistant", content=""))
        async for part in parts:
            if isinstance(part, Waiting):
                yield f": {part.before} before this one\n\n"
            elif isinstance(part, Whole):
                whole = part
            elif part:
                yield _chunk(reply, Delta(content=part))
        if whole.refusal:
            yield _chunk(reply, Delta(refusal=whole.refusal))
        told = reply.wanted.asking.stream_options.include_usage
        counted = told or reply.wanted.most_tokens  # counting may ask another server
        usage = await reply.usage(whole) if counted else None
        yield _chunk(reply, Delta(**_ours(reply, whole)), reply.finish(whole, usage))
        if told:
            yield _event(_bare(reply, (), usage))
    except DomainqaError as error:
        yield f"data: {json.dumps(failure_body(error), ensure_ascii=False)}\n\n"
    yield "data: [DONE]\n\n"


def _chunk(reply: Reply, delta: Delta, finish: Finish | None = None) -> str:
    choice = ChunkChoice(delta=delta, finish_reason=finish)
    return _event(_bare(reply, (choice,), None))


def _bare(reply: Reply, choices: tuple[ChunkChoice, ...], usage: Usage | None) -> ChatChunk:
    return ChatChunk(id=reply.id, created=reply.created, model=reply.model, choices=choices, usage=usage)


def _event(chunk: ChatChunk) -> str:
    return f"data: {chunk.model_dump_json(exclude_none=True)}\n\n"

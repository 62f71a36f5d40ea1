"""`POST /v1/completions`: the older format for one prompt, which is answered as a question is."""

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from app.api.answering import Queue, Waiting
from app.api.dependencies import Caller
from app.api.errors import failure_body
from app.api.openai.fields import Asking, MostTokens, NoTopLogprobs, One, only
from app.api.openai.reply import Finish, Manner, Reply, Wanted, Whole
from app.api.openai.sending import Parts, reply_to, send
from app.schema import Shape, Sources, Usage, plain_unicode, sources_of
from knowledge_base.errors import DomainqaError
from retrieval.prompt import Message


def _single(prompt: object) -> object:
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if isinstance(prompt, list):
        raise PydanticCustomError("unsupported", "One prompt is answered at a time; send it as one text")
    return plain_unicode(prompt) if isinstance(prompt, str) else prompt


class CompletionRequest(Asking):
    """OpenAI's request for one prompt; `collection`, `style`, `reading`, `limit` and `retrieval` are ours."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "base", "prompt": "What does the platinum card cost?"}]}
    )
    TAKEN: ClassVar[frozenset[str]] = frozenset({"user"})

    prompt: Annotated[str, Field(max_length=100_000), BeforeValidator(_single, str | list[str])]
    max_tokens: MostTokens | None = None
    best_of: One = 1
    logprobs: NoTopLogprobs = 0
    echo: Annotated[bool, only("The prompt is not repeated; leave it out", False)] = False
    suffix: Annotated[str, only("Nothing is written in front of a text; leave it out", "")] = ""

    @property
    def wanted(self) -> Wanted:
        """What is asked for."""
        return Wanted(self, (Message("user", self.prompt),), self.max_tokens)


class TextChoice(Shape):
    """The one text there is, or a piece of it."""

    index: int = 0
    text: str
    logprobs: None = None
    finish_reason: Finish | None = None
    sources: Sources | None = None


class CompletionResponse(Shape):
    """A finished text, or a piece of one."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: tuple[TextChoice, ...]
    usage: Usage | None = None


def completion_routes(queue: Queue, manner: Manner) -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/v1", tags=["answers"])

    @routes.post("/completions", response_model=CompletionResponse)
    async def complete(
        asked: CompletionRequest, request: Request, session: Caller
    ) -> CompletionResponse | StreamingResponse:
        """Answer a prompt from the documents, or with `retrieval` false by the model alone."""
        reply = await reply_to(asked, session, manner, "cmpl-", str(request.base_url))
        return await send(queue, request, reply, partial(_finished, reply), partial(_events, reply))

    return routes


def _finished(reply: Reply, whole: Whole, usage: Usage) -> CompletionResponse:
    return _response(reply, (_last(reply, whole, whole.text, usage),), usage)


async def _events(reply: Reply, parts: Parts) -> AsyncIterator[str]:
    whole = Whole("", None)
    try:
        async for part in parts:
            if isinstance(part, Waiting):
                yield f": {part.before} before this one\n\n"
            elif isinstance(part, Whole):
                whole = part
            elif part:
                yield _event(_response(reply, (TextChoice(text=part),), None))
        usage = await reply.usage(whole)
        yield _event(_response(reply, (_last(reply, whole, "", usage),), None))
        if reply.wanted.asking.stream_options.include_usage:
            yield _event(_response(reply, (), usage))
    except DomainqaError as error:
        yield f"data: {json.dumps(failure_body(error), ensure_ascii=False)}\n\n"
    yield "data: [DONE]\n\n"


def _last(reply: Reply, whole: Whole, text: str, usage: Usage) -> TextChoice:
    sources = sources_of(whole.answer) if whole.answer else None
    return TextChoice(text=text, finish_reason=reply.finish(whole, usage), sources=sources)


def _response(reply: Reply, choices: tuple[TextChoice, ...], usage: Usage | None) -> CompletionResponse:
    return CompletionResponse(
        id=reply.id, created=reply.created, model=reply.model, choices=choices, usage=usage
    )


def _event(response: CompletionResponse) -> str:
    return f"data: {response.model_dump_json(exclude_none=True)}\n\n"

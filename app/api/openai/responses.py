"""`POST /v1/responses`: OpenAI's newer format, with text in and text out."""

import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from app.api.answering import Queue, Waiting
from app.api.dependencies import Caller
from app.api.errors import code_of
from app.api.openai.reply import Manner, Reply, Whole
from app.api.openai.responses_schema import (
    OutputMessage,
    OutputRefusal,
    OutputText,
    ResponseObject,
    ResponseRequest,
    usage_of_response,
)
from app.api.openai.sending import Parts, reply_to, send
from app.schema import Usage, sources_of
from knowledge_base.errors import DomainqaError

_AT = {"output_index": 0, "content_index": 0}


def response_routes(queue: Queue, manner: Manner) -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/v1", tags=["answers"])

    @routes.post("/responses", response_model=ResponseObject)
    async def respond(
        asked: ResponseRequest, request: Request, session: Caller
    ) -> ResponseObject | StreamingResponse:
        """Answer the last message of the input from the documents; nothing is kept between calls."""
        reply = await reply_to(asked, session, manner, "resp_", str(request.base_url))
        return await send(
            queue, request, reply, partial(_finished, reply, asked), partial(_events, reply, asked)
        )

    return routes


def _begun(reply: Reply, asked: ResponseRequest, **more: Any) -> ResponseObject:  # noqa: ANN401
    told = {
        "id": reply.id,
        "created_at": reply.created,
        "status": "in_progress",
        "model": reply.model,
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "max_output_tokens": asked.max_output_tokens,
        "instructions": asked.instructions or None,
        "text": {"format": asked.text.format.model_dump(by_alias=True, exclude_defaults=True)},
    }
    return ResponseObject.model_validate(told | more)


def _content(reply: Reply, whole: Whole) -> OutputText | OutputRefusal:
    if whole.refusal:
        return OutputRefusal(refusal=whole.refusal)
    cited = ({"type": "url_citation", **dict(one)} for one in reply.citations(whole))
    return OutputText(text=whole.text, annotations=tuple(cited))


def _finished(reply: Reply, asked: ResponseRequest, whole: Whole, usage: Usage) -> ResponseObject:
    is_cut = reply.finish(whole, usage) == "length"
    status: Literal["incomplete", "completed"] = "incomplete" if is_cut else "completed"
    message = OutputMessage(id=_message_id(reply), status=status, content=(_content(reply, whole),))
    return _begun(
        reply,
        asked,
        status=status,
        incomplete_details={"reason": "max_output_tokens"} if is_cut else None,
        output=(message,),
        usage=usage_of_response(usage),
        sources=sources_of(whole.answer) if whole.answer else None,
    )


def _message_id(reply: Reply) -> str:
    return reply.id.replace("resp_", "msg_")


async def _events(reply: Reply, asked: ResponseRequest, parts: Parts) -> AsyncIterator[str]:
    """Server-sent events in the order of OpenAI's; while it waits, comments."""
    numbers = itertools.count()

    def event(kind: str, **more: Any) -> str:  # noqa: ANN401 - whatever the event tells
        told = {"type": f"response.{kind}", "sequence_number": next(numbers), **more}
        return f"event: {told['type']}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n"

    whole = Whole("", None)
    empty = OutputMessage(id=_message_id(reply), status="in_progress", content=())
    item = {"item_id": empty.id, **_AT}
    begun = _begun(reply, asked).model_dump(mode="json")
    try:
        yield event("created", response=begun)
        yield event("in_progress", response=begun)
        yield event("output_item.added", output_index=0, item=empty.model_dump(mode="json"))
        yield event("content_part.added", **item, part=OutputText(text="").model_dump(mode="json"))
        async for part in parts:
            if isinstance(part, Waiting):
                yield f": {part.before} before this one\n\n"
            elif isinstance(part, Whole):
                whole = part
            elif part:
                yield event("output_text.delta", **item, delta=part, logprobs=[])
        last = _finished(reply, asked, whole, await reply.usage(whole))
        for told in _endings(event, item, last):
            yield told
    except DomainqaError as error:
        failed = _begun(reply, asked, status="failed", error={"code": code_of(error), "message": str(error)})
        yield event("failed", response=failed.model_dump(mode="json"))


def _endings(event: Callable[..., str], item: dict[str, Any], last: ResponseObject) -> Iterator[str]:
    """What is told once a reply is finished."""
    (message,) = last.output
    (content,) = message.content
    if isinstance(content, OutputText):
        for index, annotation in enumerate(content.annotations):
            yield event("output_text.annotation.added", **item, annotation_index=index, annotation=annotation)
        yield event("output_text.done", **item, text=content.text, logprobs=[])
    else:
        yield event("refusal.delta", **item, delta=content.refusal)
        yield event("refusal.done", **item, refusal=content.refusal)
    yield event("content_part.done", **item, part=content.model_dump(mode="json"))
    yield event("output_item.done", output_index=0, item=message.model_dump(mode="json"))
    kind = "incomplete" if last.status == "incomplete" else "completed"
    yield event(kind, response=last.model_dump(mode="json"))

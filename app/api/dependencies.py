"""What routes share: the session in which a request acts, and the tokens of an exchange."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from app.schema import Usage
from app.session import Session


def session_of(request: Request) -> Session:
    """The workspace as the principal whom the middleware found may use it."""
    return Session(request.app.state.workspace, request.state.principal)


Caller = Annotated[Session, Depends(session_of)]


async def usage_of(session: Session, prompt: str, reply: str) -> Usage:
    """Tokens that were read and written, by the model's own tokenizer."""
    read, written = await run_in_threadpool(session.count_tokens, [prompt, reply])
    return Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)

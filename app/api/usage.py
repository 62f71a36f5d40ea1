"""Counts the tokens of an exchange."""

from starlette.concurrency import run_in_threadpool

from app.api.shapes import Usage
from app.session import Session


async def usage_of(session: Session, prompt: str, reply: str) -> Usage:
    """Tokens that were read and written."""
    read, written = await run_in_threadpool(session.count_tokens, [prompt, reply])
    return Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)

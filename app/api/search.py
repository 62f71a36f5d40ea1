"""`POST /v1/search`: passages for a question, without an answer; and feedback on answers."""

import asyncio
import os

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from app.api.caller import Caller
from app.api.shapes import Feedback, Hit, SearchRequest, SearchResponse
from app.session import Session
from retrieval.retriever import Ranked

# Questions are embedded by this machine's processors: more searches at once only take each other's turns.
_AT_ONCE = 2 * (os.cpu_count() or 1)


def search_routes(usual: str) -> APIRouter:
    """The routes; `usual` is the collection that is searched when none is named."""
    routes = APIRouter(prefix="/v1", tags=["answers"])
    room = asyncio.Semaphore(_AT_ONCE)  # who came first goes first

    def found(asked: SearchRequest, session: Session) -> SearchResponse:
        collection = asked.collection or usual
        (result,) = session.search([asked.query], collection, k=asked.k, limit=asked.limit.as_filter())
        return SearchResponse(collection=collection, results=tuple(map(_hit, result.ranked)))

    @routes.post("/search")
    async def search(asked: SearchRequest, session: Caller) -> SearchResponse:
        """The passages that fit a question best."""
        async with room:
            return await run_in_threadpool(found, asked, session)

    @routes.post("/feedback", status_code=204)
    def feedback(given: Feedback, session: Caller) -> None:
        """A verdict on an answer that was given lately; a correction can become a training pair."""
        session.feedback(given.answer_id, given.verdict, given.correction, given.comment)

    return routes


def _hit(ranked: Ranked) -> Hit:
    passage = ranked.passage
    return Hit(
        document=passage.document,
        title=passage.title,
        page=passage.page,
        heading=passage.heading,
        start=passage.start,
        end=passage.end,
        text=passage.text,
        score=ranked.score,
    )

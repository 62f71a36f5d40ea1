"""`POST /v1/search`: passages for a question, without an answer; and feedback on answers."""

import asyncio
import os

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from app.api.caller import Caller, Reader
from app.api.shapes import Feedback, Hit, SearchRequest, SearchResponse
from app.page.service import Service
from retrieval.retriever import Ranked

# Questions are embedded by this machine's processors: more searches at once only take each other's turns.
_AT_ONCE = 2 * (os.cpu_count() or 1)


def search_routes(service: Service, usual: str) -> APIRouter:
    """The routes; `usual` is the collection that is searched when none is named."""
    routes = APIRouter(prefix="/v1", tags=["answers"])
    room = asyncio.Semaphore(_AT_ONCE)  # who came first goes first

    def found(asked: SearchRequest, caller: Caller) -> SearchResponse:
        collection = caller.enter(asked.collection or usual)
        (result,) = service.search([asked.query], collection, k=asked.k, limit=asked.limit.as_filter())
        return SearchResponse(collection=collection, results=tuple(map(_hit, result.ranked)))

    @routes.post("/search")
    async def search(asked: SearchRequest, caller: Reader) -> SearchResponse:
        """The passages that fit a question best."""
        async with room:
            return await run_in_threadpool(found, asked, caller)

    @routes.post("/feedback", status_code=204)
    def feedback(given: Feedback, _caller: Reader) -> None:
        """A verdict on an answer that was given lately; a correction can become a training pair."""
        service.feedback(given.answer_id, given.verdict, given.correction, given.comment)

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

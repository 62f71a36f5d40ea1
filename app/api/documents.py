"""`/v1/collections` and `/v1/jobs`: collections, their documents, uploads and ingests."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, File, Query, Response, UploadFile
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from app.api.dependencies import Caller
from app.api.jobs import Jobs, unknown
from app.schema import (
    Collection,
    DocumentEntry,
    DocumentText,
    IngestRequest,
    Job,
    NewCollection,
    Shape,
    entry_of,
    text_of,
)
from app.uploads import upload_names
from knowledge_base.errors import InputError
from retrieval.storage import translate_errors

_MOST_FILES = 1000
_PNG = "image/png"
_MARKED_AT = "Marked-At"  # a header: how far down the first mark is, 0…1 of the height


class PageRequest(Shape):
    """Which page of a document to draw, how many pixels wide, and which of its text to mark, if any."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    width: Annotated[int, Field(ge=50, le=3000)] = 1000
    start: Annotated[int, Field(ge=0)] = 0
    end: Annotated[int, Field(ge=0)] = 0


def document_routes(jobs: Jobs, most_bytes: int) -> APIRouter:
    """The routes; a file may have at most `most_bytes`."""
    routes = APIRouter(prefix="/v1", tags=["documents"])
    _add_collections(routes)
    _add_jobs(routes, jobs)
    place = "/collections/{collection}/documents"

    @routes.get(place)
    def documents(collection: str, session: Caller) -> tuple[DocumentEntry, ...]:
        """Every document of a collection."""
        return tuple(entry_of(entry, local=False) for entry in session.documents(collection))

    @routes.get(place + "/{path:path}")
    def document(collection: str, path: str, session: Caller) -> DocumentText:
        """One document with its text."""
        return text_of(session.document(collection, path), local=False)

    @routes.get("/collections/{collection}/pages/{path:path}", responses={200: {"content": {_PNG: {}}}})
    def page_picture(
        collection: str, path: str, wanted: Annotated[PageRequest, Query()], session: Caller
    ) -> Response:
        """A page of a PDF or picture as PNG; the document's text from `start` to `end` is marked on it.

        `Marked-At` says how far down the first mark is, from 0 to 1.
        """
        span = (wanted.start, wanted.end) if wanted.end else None
        drawn = session.page_picture(collection, path, wanted.page, wanted.width, span)
        headers = {"Cache-Control": "private, max-age=300"}
        if drawn.marked_at is not None:
            headers[_MARKED_AT] = f"{drawn.marked_at:.4f}"
        return Response(drawn.png, media_type=_PNG, headers=headers)

    @routes.post(place, status_code=202)
    async def upload(
        collection: str, files: Annotated[list[UploadFile], File(max_length=_MOST_FILES)], session: Caller
    ) -> Job:
        """Take files in; the job says how far it is."""
        session.principal.require("write", collection)
        await run_in_threadpool(session.collection, collection)  # a misspelt name would swallow the files
        return await run_in_threadpool(_keep, jobs, files, collection, most_bytes)

    @routes.delete(place + "/{path:path}", status_code=204)
    def delete(collection: str, path: str, session: Caller) -> None:
        """Remove one document with its passages."""
        session.delete_document(collection, path)

    return routes


def _add_collections(routes: APIRouter) -> None:
    @routes.get("/collections")
    def collections(session: Caller) -> tuple[Collection, ...]:
        """Every collection that the caller may see."""
        return tuple(map(Collection.model_validate, session.collections()))

    @routes.post("/collections", status_code=201)
    def create(wanted: NewCollection, session: Caller) -> Collection:
        """Make an empty collection."""
        session.create_collection(wanted.name)
        return Collection.model_validate(session.collection(wanted.name))

    @routes.delete("/collections/{collection}", status_code=204)
    def delete(collection: str, session: Caller) -> None:
        """Remove a collection with all its documents."""
        session.delete_collection(collection)


def _add_jobs(routes: APIRouter, jobs: Jobs) -> None:
    @routes.post("/collections/{collection}/ingest", status_code=202)
    def ingest(collection: str, wanted: IngestRequest, session: Caller) -> Job:
        """Bring a collection, made if need be, up to date with a folder of the server's machine."""
        session.principal.require("admin", collection)
        return jobs.ingest(Path(wanted.folder), collection, wanted.allow_removal)

    @routes.get("/jobs/{job_id}")
    def job(job_id: str, session: Caller) -> Job:
        """How far a job is."""
        found = jobs.get(job_id)
        session.principal.require("write")
        if not session.principal.sees(found.collection):
            raise unknown(job_id)
        return found.model_copy(update={"error": found.error and session.readable(found.error)})


def _keep(jobs: Jobs, files: Sequence[UploadFile], collection: str, most_bytes: int) -> Job:
    """Copy uploaded files into the folder of a new job; nothing is left of them if one cannot be used."""
    given = [file.filename or "" for file in files]
    names = upload_names(given)
    large = [name for name, file in zip(names, files, strict=True) if (file.size or 0) > most_bytes]
    if large:
        raise InputError(
            f"{large[0]} has more than {most_bytes // 2**20} megabytes.",
            "Split it, or raise max_file_megabytes.",
        )
    folder = jobs.folder()
    try:
        with translate_errors(folder):
            for name, file in zip(names, files, strict=True):
                with (folder / name).open("wb") as copy:
                    shutil.copyfileobj(file.file, copy)
        return jobs.upload(folder, collection, dict(zip(names, given, strict=True)))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise

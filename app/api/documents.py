"""`/v1/collections/NAME/documents`: list, show, upload, ingest and delete documents; and their jobs."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated

from fastapi import APIRouter, File, UploadFile
from starlette.concurrency import run_in_threadpool

from app.api.caller import Caller
from app.api.jobs import Jobs
from app.api.shapes import DocumentEntry, DocumentText, IngestRequest, Job, Note
from app.uploads import upload_name
from knowledge_base.errors import InputError
from knowledge_base.values import CatalogueEntry, Document

_COPIED = 2**20
_MOST_FILES = 1000


def document_routes(jobs: Jobs, most_bytes: int) -> APIRouter:
    """The routes; a file may have at most `most_bytes`."""
    routes = APIRouter(prefix="/v1", tags=["documents"])
    place = "/collections/{collection}/documents"

    @routes.get(place)
    def documents(collection: str, session: Caller) -> tuple[DocumentEntry, ...]:
        """Every document of a collection."""
        return tuple(map(_entry, session.documents(collection)))

    @routes.get(place + "/{path:path}")
    def document(collection: str, path: str, session: Caller) -> DocumentText:
        """One document with its text."""
        found = session.document(collection, path)
        return DocumentText(
            document=found.path,
            title=found.title,
            format=found.format,
            modified=found.modified,
            notes=_notes(found),
            text=found.text,
        )

    @routes.post(place, status_code=202)
    async def upload(
        collection: str, files: Annotated[list[UploadFile], File(max_length=_MOST_FILES)], session: Caller
    ) -> Job:
        """Take files in; the job says how far it is."""
        await run_in_threadpool(session.collection, collection)  # a misspelt name would swallow the files
        names = _distinct([upload_name(file.filename or "") for file in files])
        folder = Path(mkdtemp(prefix="upload-"))
        try:
            kept = [
                await _kept(file, folder / name, most_bytes) for file, name in zip(files, names, strict=True)
            ]
            return await run_in_threadpool(jobs.upload, session, kept, collection, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    @routes.delete(place + "/{path:path}", status_code=204)
    def delete(collection: str, path: str, session: Caller) -> None:
        """Remove one document with its passages."""
        session.delete_document(collection, path)

    return routes


def job_routes(jobs: Jobs) -> APIRouter:
    """Ingesting a folder, and how far any job is."""
    routes = APIRouter(prefix="/v1", tags=["documents"])

    @routes.post("/collections/{collection}/ingest", status_code=202)
    def ingest(collection: str, wanted: IngestRequest, session: Caller) -> Job:
        """Bring a collection, made if need be, up to date with a folder of the server's machine."""
        return jobs.ingest(session, Path(wanted.folder), collection)

    @routes.get("/jobs/{job_id}")
    def job(job_id: str, session: Caller) -> Job:
        """How far a job is."""
        found = jobs.get(job_id)
        session.principal.require("write", found.collection)
        return found

    return routes


def _distinct(names: Sequence[str]) -> Sequence[str]:
    """The names; InputError if two files would take each other's place."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"Several files are called {', '.join(twice)}.", "Rename them, or send them one after the other."
        )
    return names


async def _kept(file: UploadFile, copied: Path, most_bytes: int) -> Path:
    """A copy of an uploaded file."""
    size = 0
    with copied.open("wb") as copy:
        while block := await file.read(_COPIED):
            size += len(block)
            if size > most_bytes:
                most = most_bytes // 2**20
                raise InputError(
                    f"{copied.name} has more than {most} megabytes.", "Split it, or raise max_file_megabytes."
                )
            copy.write(block)
    return copied


def _notes(document: Document | CatalogueEntry) -> tuple[Note, ...]:
    return tuple(Note.model_validate(note.as_json()) for note in document.notes)


def _entry(entry: CatalogueEntry) -> DocumentEntry:
    return DocumentEntry(
        document=entry.path,
        title=entry.title,
        format=entry.format,
        modified=entry.modified,
        size=entry.size,
        passages=entry.passages,
        digest=entry.digest,
        notes=_notes(entry),
    )

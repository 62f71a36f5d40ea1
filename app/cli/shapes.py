"""What commands print with --json: the shapes that scripts rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from answering.values import Answer
    from app.access.values import Key, User
    from app.retraining.pairs import StoredFile
    from app.workspace import CollectionInfo
    from finetune.pairs.values import Dropped, Pair
    from knowledge_base.values import CatalogueEntry, Document
    from retrieval.retriever import Retrieval

Object = dict[str, object]


def search_shape(retrieval: Retrieval, line: str | int | None = None) -> Object:
    """One search; `id` is that of the batch's line, or null."""
    results = [
        {"document": ranked.passage.document, "text": ranked.passage.text, "score": ranked.score}
        for ranked in retrieval.ranked
    ]
    return {"id": line, "results": results}


def answer_shape(answer: Answer, line: str | int | None = None) -> Object:
    """One answer; `start` and `end` count characters of the document's text, which `quote` equals there."""
    citations = [
        {
            "document": citation.document,
            "page": citation.page,
            "start": citation.start,
            "end": citation.end,
            "quote": citation.quote,
        }
        for citation in answer.citations
    ]
    return {
        "id": line,
        "answer": answer.text,
        "kind": answer.kind,
        "outcome": answer.outcome,
        "refused": answer.refused,
        "adapter": answer.adapter,
        "citations": citations,
        "seconds": round(answer.seconds, 4),
    }


def entry_shape(entry: CatalogueEntry) -> Object:
    """One document of a list."""
    return {
        "document": entry.path,
        "passages": entry.passages,
        "title": entry.title,
        "format": entry.format,
        "size": entry.size,
        "modified": entry.modified,
        "source": entry.source,
        "digest": entry.digest,
        "notes": [note.as_json() for note in entry.notes],
    }


def document_shape(document: Document) -> Object:
    """One document with its text and where its passages lie in it."""
    return {
        "document": document.path,
        "title": document.title,
        "format": document.format,
        "size": document.size,
        "modified": document.modified,
        "source": document.source,
        "digest": document.digest,
        "notes": [note.as_json() for note in document.notes],
        "text": document.text,
        "passages": [
            {
                "start": passage.start,
                "end": passage.end,
                "page": passage.page,
                "ocr": passage.ocr,
                "heading": list(passage.heading),
            }
            for passage in document.passages
        ],
    }


def collection_shape(info: CollectionInfo) -> Object:
    """One collection of a list."""
    return {
        "collection": info.name,
        "documents": info.documents,
        "passages": info.passages,
        "revision": info.revision,
        "embedder": info.embedder,
        "size": info.size_bytes,
    }


def stored_shape(file: StoredFile) -> Object:
    """One stored file of pairs."""
    return {
        "name": file.name,
        "pairs": file.pairs,
        "tasks": file.tasks,
        "licence": file.licence,
        "source": file.source,
        "imported": file.imported,
        "digest": file.digest,
    }


def pair_shape(pair: Pair) -> Object:
    """One pair, as our own JSON Lines have it."""
    return {
        "id": pair.id,
        "question": pair.question,
        "answers": list(pair.answers),
        "sentence": pair.sentence,
        "evidence": [{"document": place.document, "quote": place.quote} for place in pair.evidence],
    }


def dropped_shape(dropped: Dropped) -> Object:
    """One pair that is not used; `origin` names its file and line."""
    return {
        "id": dropped.id,
        "origin": dropped.origin,
        "question": dropped.question,
        "reason": dropped.reason,
    }


def key_shape(key: Key) -> Object:
    """One key of a list; `collections` is null for all, `last_used` for never."""
    return {
        "name": key.name,
        "prefix": key.prefix,
        "role": key.role,
        "collections": None if key.collections is None else list(key.collections),
        "created": key.created,
        "last_used": key.last_used or None,
    }


def user_shape(user: User) -> Object:
    """One user of a list; `collections` is null for all, `last_login` for never."""
    return {
        "name": user.name,
        "role": user.role,
        "collections": None if user.collections is None else list(user.collections),
        "created": user.created,
        "last_login": user.last_login or None,
    }

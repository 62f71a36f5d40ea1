"""Documents and passages as Elasticsearch stores them, and back."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge_base.notes import notes_as_json, notes_of
from knowledge_base.values import CatalogueEntry, Document, Passage, digest_of
from retrieval.collections import content_of

DOCUMENT = "document"
PASSAGE = "passage"
ENTRY_FIELDS = ["path", "source", "digest", "title", "format", "size", "modified", "passages", "notes"]
PASSAGE_FIELDS = ["path", "ordinal", "text", "start", "end", "title", "heading", "page", "ocr"]

Vector = NDArray[np.float32]


def version_of(path: str, change: str) -> str:
    """Names the state of a document that a change brings; the same for the same two."""
    return digest_of(f"{path}\0{change}".encode())[:32]


def records_of(
    document: Document, change: str, vectors: Mapping[str, Vector]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that is stored of a document, with ids that are the same when it is tried again."""
    version = version_of(document.path, change)
    common = {
        "change": change,
        "version": version,
        "path": document.path,
        "format": document.format,
        "modified": document.modified,
    }
    yield (
        version,
        {
            **common,
            "kind": DOCUMENT,
            "source": document.source,
            "digest": document.digest,
            "title": document.title,
            "size": document.size,
            "text": document.text,
            "passages": len(document.passages),
            "notes": notes_as_json(document.notes),
        },
    )
    for passage in document.passages:
        content = content_of(passage.indexed_text)
        yield (
            f"{version}-{passage.ordinal}",
            {
                **common,
                "kind": PASSAGE,
                "ordinal": passage.ordinal,
                "text": passage.text,
                "start": passage.start,
                "end": passage.end,
                "title": passage.title,
                "heading": list(passage.heading),
                "page": passage.page,
                "ocr": passage.ocr,
                "body": passage.indexed_text,
                "content": content,
                "vector": vectors[content].tolist(),
            },
        )


def entry_of(source: Mapping[str, Any]) -> CatalogueEntry:
    """A document as the catalogue shows it."""
    return CatalogueEntry(**_entry_fields(source))


def passage_of(source: Mapping[str, Any]) -> Passage:
    """A passage as it was stored."""
    return Passage(
        document=source["path"],
        ordinal=source["ordinal"],
        text=source["text"],
        start=source["start"],
        end=source["end"],
        title=source["title"],
        heading=tuple(source["heading"]),
        page=source["page"],
        ocr=source.get("ocr"),
    )


def document_of(source: Mapping[str, Any], passages: tuple[Passage, ...]) -> Document:
    """A document as it was stored."""
    return Document(**(_entry_fields(source) | {"text": source["text"], "passages": passages}))


def _entry_fields(source: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a catalogue entry; documents of earlier versions have no notes."""
    fields = {field: source.get(field) for field in ENTRY_FIELDS}
    return fields | {"notes": notes_of(source.get("notes", "[]"))}

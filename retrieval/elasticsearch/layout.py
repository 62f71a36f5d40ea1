"""How a cluster keeps collections: names of indices, mapping and analyzer, documents as records and back.

Elasticsearch takes lower-case names without most signs. Letters of scripts without case, Chinese among them,
stay; `Bank` becomes `+bank`. `~` is in no collection's name, so what follows it is ours: the index behind the
alias `domainqa-bank` is `domainqa-bank~v1`.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge_base.errors import InputError
from knowledge_base.notes import notes_as_json, notes_of
from knowledge_base.values import CatalogueEntry, Document, Passage, digest_of
from retrieval.collections import check_name, content_of, program_version
from retrieval.elasticsearch.cluster import ANALYZER, ClusterSettings

MARK = "~"
_UPPER = "+"
_MOST_BYTES = 255
_ROOM = len("~rebuild") + 4


def alias_of(prefix: str, name: str) -> str:
    """The alias of a collection; InputError for a name that cannot be one."""
    alias = prefix + "".join(_encoded(sign) for sign in check_name(name))
    if len(alias.encode()) + _ROOM > _MOST_BYTES:
        raise InputError(
            f"{name} is too long for the name of an index in Elasticsearch.", "Choose a shorter name."
        )
    return alias


def name_of(prefix: str, alias: str) -> str | None:
    """The collection behind an alias; None for one that is not a collection's."""
    body = alias.removeprefix(prefix)
    if body == alias or MARK in alias:
        return None
    decoded, raised = "", False
    for sign in body:
        if sign == _UPPER and not raised:
            raised = True
            continue
        decoded += sign.upper() if raised else sign
        raised = False
    return decoded


def rebuild_alias(alias: str) -> str:
    """The alias of the index that is being made to take a collection's place."""
    return f"{alias}{MARK}rebuild"


def index_of(alias: str, number: int) -> str:
    """The name of the index behind an alias."""
    return f"{alias}{MARK}v{number}"


def number_of(index: str) -> int:
    """The number of an index that `index_of` has named."""
    return int(index.rpartition(f"{MARK}v")[2])


def _encoded(sign: str) -> str:
    small = sign.lower()
    if small == sign:
        return sign
    if small.upper() != sign or len(small) != 1:
        raise InputError(
            f"{sign!r} cannot be part of the name of an index in Elasticsearch.", "Choose another name."
        )
    return _UPPER + small


LAYOUT = 1

_QUESTION_ANALYZER = f"{ANALYZER}_question"

_NOT_SEARCHED = {"type": "keyword", "index": False, "doc_values": False}


# What indices of earlier versions lack.
ADDED_FIELDS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "notes": _NOT_SEARCHED,
    "ocr": {"type": "float", "index": False},
})  # fmt: skip


def index_settings(settings: ClusterSettings) -> dict[str, Any]:
    """Settings of an index; a change is refreshed by its writer, and on the disk when it is confirmed."""
    return {
        "number_of_shards": settings.shards,
        "auto_expand_replicas": "0-1",
        "refresh_interval": "-1",
        "translog.durability": "request",
        "analysis": {
            "filter": {
                "english": {"type": "stemmer", "language": "porter2"},
                "han": {"type": "cjk_bigram", "output_unigrams": True},
            },
            "analyzer": {ANALYZER: _analyzer("han"), _QUESTION_ANALYZER: _analyzer("cjk_bigram")},
        },
    }


def _analyzer(han: str) -> dict[str, Any]:
    return {"tokenizer": "standard", "filter": ["cjk_width", "lowercase", han, "english"]}


def _body(analyzer: str) -> dict[str, Any]:
    """The text that is searched by words.

    Of two terms in one place Elasticsearch makes synonyms, so questions come cut into single characters and
    pairs (`view.lexical_body`), each in a place of its own.
    """
    if analyzer != ANALYZER:
        return {"type": "text", "analyzer": analyzer}
    return {"type": "text", "analyzer": ANALYZER, "search_analyzer": _QUESTION_ANALYZER}


def mappings(dimension: int, settings: ClusterSettings) -> dict[str, Any]:
    """One index holds passages, documents with their texts, the state and the writer's lease, by `kind`.

    `change` is the run of writes that brought a document, `version` one state of a document: record and
    passages share it. `content` is the hash by which vectors are found again.
    """
    return {
        "dynamic": "strict",
        "_meta": {"layout": LAYOUT, "program": program_version()},
        "properties": {
            "kind": {"type": "keyword"},
            "change": {"type": "keyword"},
            "version": {"type": "keyword"},
            "path": {"type": "keyword"},
            "format": {"type": "keyword"},
            "modified": {"type": "date", "format": "strict_date"},
            # documents
            "source": _NOT_SEARCHED,
            "digest": _NOT_SEARCHED,
            "size": {"type": "long", "index": False},
            "passages": {"type": "integer", "index": False},
            "text": {"type": "text", "index": False},
            # passages
            "title": _NOT_SEARCHED,
            "heading": _NOT_SEARCHED,
            "ordinal": {"type": "integer"},
            "start": {"type": "integer", "index": False},
            "end": {"type": "integer", "index": False},
            "page": {"type": "integer", "index": False},
            "content": {"type": "keyword"},
            "body": _body(settings.analyzer),
            "vector": {
                "type": "dense_vector",
                "dims": dimension,
                "index": True,
                "similarity": "dot_product",
                "index_options": {"type": "hnsw", "m": 16, "ef_construction": 100},
            },
            # one of each
            "state": {"type": "object", "enabled": False},
            "lease": {"type": "object", "enabled": False},
            **ADDED_FIELDS,
        },
    }


DOCUMENT = "document"
PASSAGE = "passage"
ENTRY_FIELDS = ["path", "source", "digest", "title", "format", "size", "modified", "passages", "notes"]
PASSAGE_FIELDS = ["path", "ordinal", "text", "start", "end", "title", "heading", "page", "ocr"]

Vector = NDArray[np.float32]


def version_of(path: str, change: str) -> str:
    """Names the state of a document that a change brings; the same for the same two."""
    return digest_of(f"{path}\0{change}".encode())[:32]


def records_of(
    document: Document, change: str, vectors: Mapping[str, Vector], form: Callable[[str], str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that is stored of a document, with ids that are the same when it is tried again.

    `form` is what the text that is searched goes through.
    """
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
                "body": form(passage.indexed_text),
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

"""The index of a collection: settings, strict mapping, and the analyzer for English and Chinese."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from retrieval.collections import program_version
from retrieval.elasticsearch.cluster import ANALYZER, ClusterSettings

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
    pairs (`search.lexical_body`), each in a place of its own.
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

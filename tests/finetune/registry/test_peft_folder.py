"""Folders that are no adapter, or one that cannot be loaded, are refused before anything is copied."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from finetune.registry.peft_folder import beyond_plain, check_folder, files_of
from knowledge_base.errors import ModelError
from tests.finetune.registry.folders import LAYERS, matrices, peft_folder

FIRST_A = f"base_model.model.{LAYERS[0]}.lora_A.weight"
FIRST_B = f"base_model.model.{LAYERS[0]}.lora_B.weight"


def test_the_rank_and_base_of_an_ordinary_folder_are_read(tmp_path: Path) -> None:
    found = check_folder(peft_folder(tmp_path, base_model_name_or_path="someone/model"))
    assert (found.rank, found.base) == (2, "someone/model")


def test_a_base_need_not_be_named(tmp_path: Path) -> None:
    assert check_folder(peft_folder(tmp_path, base_model_name_or_path=None)).base == ""


EMBEDDING = "base_model.model.model.embed_tokens.lora_embedding_"
DORA = {f"base_model.model.{layer}.lora_magnitude_vector": np.ones(6, np.float32) for layer in LAYERS}
BIASES = {f"base_model.model.{layer}.lora_B.bias": np.zeros(6, np.float32) for layer in LAYERS}


@pytest.mark.parametrize(
    ("extra", "config"),
    [
        ({f"{EMBEDDING}A": np.ones((2, 9), np.float32), f"{EMBEDDING}B": np.ones((8, 2), np.float32)}, {}),
        (DORA, {"use_dora": True}),
        (BIASES, {"lora_bias": True}),
    ],
    ids=["embedding", "dora", "bias"],
)
def test_what_else_belongs_to_lora_is_welcome(
    tmp_path: Path, extra: dict[str, np.ndarray], config: dict[str, bool]
) -> None:
    assert check_folder(peft_folder(tmp_path, weights=matrices() | extra, **config)).rank == 2


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ({"modules_to_save": ["lm_head"]}, "replaces parts .*lm_head"),
        ({"trainable_token_indices": [3, 4]}, "replaces parts .*trainable_token_indices"),
        ({"bias": "all"}, "replaces biases"),
        ({"layer_replication": [[0, 1], [0, 1]]}, "repeats layers"),
        ({"init_lora_weights": "pissa_niter_16"}, "changed base model"),
    ],
)
def test_whatever_changes_the_base_model_is_refused(
    tmp_path: Path, config: dict[str, object], match: str
) -> None:
    """The base model is shared: with such an adapter in it, other adapters would answer otherwise."""
    with pytest.raises(ModelError, match=match) as caught:
        check_folder(peft_folder(tmp_path, **config))
    assert "plain LoRA" in caught.value.remedy


def test_what_vllm_does_not_serve_is_told(tmp_path: Path) -> None:
    assert beyond_plain(peft_folder(tmp_path / "plain")) == ""
    dora = peft_folder(tmp_path / "dora", weights=matrices() | DORA, use_dora=True)
    assert beyond_plain(dora) == "DoRA"
    assert "lora_bias" in beyond_plain(peft_folder(tmp_path / "bias", lora_bias=True))


def test_single_layers_may_have_their_own_rank(tmp_path: Path) -> None:
    weights = matrices() | {FIRST_A: np.ones((5, 8), np.float32), FIRST_B: np.ones((6, 5), np.float32)}
    peft_folder(tmp_path, weights=weights, rank_pattern={"q_proj": 5})
    assert check_folder(tmp_path).rank == 2


def test_experts_stack_their_ranks(tmp_path: Path) -> None:
    weights = {FIRST_A: np.ones((16, 8), np.float32), FIRST_B: np.ones((6, 16), np.float32)}
    peft_folder(tmp_path, weights=weights, target_parameters=["experts.up"])
    assert check_folder(tmp_path).rank == 2


@pytest.mark.parametrize(
    ("weights", "config", "match"),
    [
        (None, {"r": 4}, "rank 2, and the config says 4"),
        (matrices() | {FIRST_B: np.zeros((6, 3), np.float32)}, {}, r"lora_A has shape \[2, 8\]"),
        (matrices() | {FIRST_A: np.zeros(2, np.float32)}, {}, "has shape"),
        ({FIRST_A: np.zeros((2, 8), np.float32)}, {}, "lora_B is missing"),
        ({FIRST_B: np.zeros((6, 2), np.float32)}, {}, "lora_A is missing"),
        ({"weight": np.zeros(2, np.float32)}, {}, "no LoRA matrix"),
        ({}, {}, "no LoRA matrix"),
        (
            matrices() | {FIRST_A: np.full((2, 8), np.nan, np.float32)},
            {},
            "q_proj.lora_A.weight has .*finite",
        ),
        (matrices() | {FIRST_B: np.full((6, 2), -np.inf, np.float32)}, {}, "lora_B.weight has .*finite"),
        (matrices() | {FIRST_B: np.ones((6, 2), np.int32)}, {}, "numbers of type I32"),
        (None, {"use_dora": True}, "magnitude_vector is missing"),
        (matrices() | DORA, {}, "does not say use_dora"),
        (matrices() | BIASES, {}, "2 biases"),
        (
            matrices() | {"base_model.model.lm_head.weight": np.ones((9, 8), np.float16)},
            {},
            "no part of LoRA",
        ),
    ],
)
def test_weights_that_do_not_fit_the_config(
    tmp_path: Path, weights: dict[str, np.ndarray] | None, config: dict[str, int], match: str
) -> None:
    with pytest.raises(ModelError, match=match) as caught:
        check_folder(peft_folder(tmp_path, weights=weights, **config))
    assert "from the same training" in caught.value.remedy


@pytest.mark.parametrize(
    "config", [{"r": 0}, {"r": None}, {"r": "8"}, {"rank_pattern": {"q": -1}}, {"rank_pattern": [8]}]
)
def test_a_config_without_a_rank(tmp_path: Path, config: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="names no rank"):
        check_folder(peft_folder(tmp_path, **config))


@pytest.mark.parametrize(
    "config", [{"lora_alpha": float("nan")}, {"lora_alpha": "4"}, {"alpha_pattern": [1]}]
)
def test_a_config_without_a_scale(tmp_path: Path, config: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="names no scale"):
        check_folder(peft_folder(tmp_path, **config))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"peft_type": "IA3"}', "\x00"])
def test_a_config_that_is_none(tmp_path: Path, text: str) -> None:
    (peft_folder(tmp_path) / "adapter_config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be read|not LORA"):
        check_folder(tmp_path)


@pytest.mark.parametrize("length", [0, 4, 100, -1])
def test_weights_cut_short(tmp_path: Path, length: int) -> None:
    weights = peft_folder(tmp_path) / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:length])
    with pytest.raises(ModelError, match="damaged"):
        check_folder(tmp_path)


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no adapter_config.json") as caught:
        check_folder(tmp_path)
    assert "unpacked" in caught.value.remedy
    with pytest.raises(ModelError, match="no adapter_config.json"):
        check_folder(tmp_path / "not there")


def test_missing_weights_are_named(tmp_path: Path) -> None:
    (peft_folder(tmp_path) / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match="has no adapter_model.safetensors"):
        check_folder(tmp_path)


def test_a_pickle_is_refused_and_the_way_to_safetensors_named(tmp_path: Path) -> None:
    (peft_folder(tmp_path) / "adapter_model.safetensors").rename(tmp_path / "adapter_model.bin")
    with pytest.raises(ModelError, match="adapter_model.bin, which may contain code") as caught:
        check_folder(tmp_path)
    assert "save_pretrained" in caught.value.remedy


def test_only_an_adapters_own_files_belong_to_it(tmp_path: Path) -> None:
    peft_folder(tmp_path)
    (tmp_path / "checkpoint-1").mkdir()
    for name in ("training_args.bin", "optimizer.pt", ".gitattributes", "NOTICE"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    assert [file.name for file in files_of(tmp_path)] == [
        "NOTICE",
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
    ]


def test_numbers_of_which_numpy_has_no_type_are_no_obstacle(tmp_path: Path) -> None:
    save_file(matrices(), peft_folder(tmp_path) / "adapter_model.safetensors")
    file = tmp_path / "adapter_model.safetensors"
    length = int.from_bytes(file.read_bytes()[:8], "little")
    header = json.loads(file.read_bytes()[8 : 8 + length])
    for entry in header.values():
        entry["dtype"] = "BF16"
        entry["data_offsets"] = [offset // 2 for offset in entry["data_offsets"]]
    text = json.dumps(header).encode()
    body = file.read_bytes()[8 + length :]
    file.write_bytes(len(text).to_bytes(8, "little") + text + body[: len(body) // 2])
    assert check_folder(tmp_path).rank == 2

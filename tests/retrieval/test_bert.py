"""The packed encoder computes what transformers and sentence-transformers compute."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retrieval.bert import BertEncoder, Int8Linear, Precision, packs, read_tensors
from retrieval.bert_shape import describe
from retrieval.e5 import build
from retrieval.models import silent
from retrieval.values import Vectors
from tests.retrieval.tiny_e5 import VOCABULARY, packed, tensors

IDS = [
    [0, *(5 + (7 * i + j) % (VOCABULARY - 8) for j in range(length)), 2]
    for i, length in enumerate((3, 28, 1, 9, 14))
]


@pytest.fixture(scope="module", params=["bert", "xlm-roberta"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of each kind, pooled by the mean or by the first token."""
    place = tmp_path_factory.mktemp(request.param)
    (place / "model.bin").write_bytes(packed(tensors()))
    (place / "folder").mkdir()
    build([place / "model.bin"], place / "folder", silent)
    if request.param == "xlm-roberta":
        change(place / "folder" / "config.json", model_type="xlm-roberta", architectures=["XLMRobertaModel"])
        change(
            place / "folder" / "1_Pooling" / "config.json",
            pooling_mode_mean_tokens=False,
            pooling_mode_cls_token=True,
        )
    return place / "folder"


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def encoded(folder: Path, precision: Precision, ids: list[list[int]]) -> Vectors:
    shape = describe(folder)
    assert shape is not None
    return BertEncoder(read_tensors(folder), shape, precision).encode(ids)


def reference(folder: Path, ids: list[list[int]]) -> Vectors:
    """What transformers makes of each text alone, pooled and brought to length one."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    mean = json.loads((folder / "1_Pooling" / "config.json").read_text())["pooling_mode_mean_tokens"]
    with torch.inference_mode():
        states = [model(input_ids=torch.tensor([text])).last_hidden_state[0] for text in ids]
        pooled = torch.stack([state.mean(0) if mean else state[0] for state in states])
        return torch.nn.functional.normalize(pooled).numpy()


@pytest.mark.parametrize(("precision", "error"), [("fp32", 1e-6), ("int8", 0.003), ("bf16", 0.003)])
def test_vectors_are_those_of_transformers(folder: Path, precision: Precision, error: float) -> None:
    cosines = np.sum(encoded(folder, precision, IDS) * reference(folder, IDS), axis=1)
    assert cosines.min() > 1 - error


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_text_in_a_pack_has_the_vector_it_has_alone(folder: Path, precision: Precision) -> None:
    together = encoded(folder, precision, IDS)
    alone = np.concatenate([encoded(folder, precision, [text]) for text in IDS])
    assert np.sum(together * alone, axis=1).min() > 0.9999


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("config.json", {"model_type": "distilbert"}),
        ("config.json", {"hidden_act": "relu"}),
        ("config.json", {"position_embedding_type": "relative_key"}),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}),
        ("1_Pooling/config.json", {"include_prompt": False}),
    ],
)
def test_what_it_would_compute_otherwise_is_left_to_others(
    tmp_path: Path, file: str, values: dict[str, object]
) -> None:
    (tmp_path / "model.bin").write_bytes(packed(tensors()))
    build([tmp_path / "model.bin"], tmp_path, silent)
    assert describe(tmp_path) is not None
    change(tmp_path / file, **values)
    assert describe(tmp_path) is None


def test_a_row_of_huge_values_takes_nothing_from_the_others() -> None:
    generator = torch.Generator().manual_seed(3)
    weight, bias = torch.randn(48, 64, generator=generator), torch.randn(48, generator=generator)
    rows = torch.randn(5, 64, generator=generator)
    alone = Int8Linear(weight, bias)(rows)
    rows[0] *= 1000
    beside = Int8Linear(weight, bias)(rows)
    exact = torch.nn.functional.linear(rows, weight, bias)
    assert torch.equal(alone[1:], beside[1:])
    assert torch.norm(beside - exact) / torch.norm(exact) < 0.03


def test_outputs_of_gelu_have_more_levels_for_what_is_above_zero() -> None:
    generator = torch.Generator().manual_seed(4)
    weight, bias = torch.randn(48, 64, generator=generator), torch.zeros(48)
    rows = torch.nn.functional.gelu(3 * torch.randn(200, 64, generator=generator))
    exact = torch.nn.functional.linear(rows, weight, bias)
    errors = [float(torch.norm(Int8Linear(weight, bias, low)(rows) - exact)) for low in (0.25, 1.0)]
    assert errors[0] < errors[1]


@given(st.lists(st.integers(1, 200)), st.integers(1, 128))
def test_packs_hold_every_text_once_within_the_budget(lengths: list[int], tokens: int) -> None:
    groups = packs(lengths, tokens)
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    assert all(len(group) == 1 or sum(lengths[i] for i in group) <= tokens for group in groups)
    longest = [lengths[group[0]] for group in groups]
    assert all(before >= after for before, after in pairwise(longest))

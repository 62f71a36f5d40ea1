"""The embedder over small models of several kinds, and over the packaged one."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from knowledge_base.errors import ModelError
from retrieval.e5 import E5_SMALL, build
from retrieval.embedder import DIGEST_FILE, SentenceTransformerEmbedder, embedder_digest, prompts_of
from retrieval.models import silent, unpack
from retrieval.values import Embedder
from tests.contracts.embedder_contract import EmbedderContract
from tests.fakes import FakeEmbedder
from tests.retrieval.tiny_e5 import POSITIONS, packed, tensors


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in every respect like that of the packaged embedder."""
    place = tmp_path_factory.mktemp("embedder")
    (place / "model.bin").write_bytes(packed(tensors()))
    (place / "tiny-e5").mkdir()
    build([place / "model.bin"], place / "tiny-e5", silent)
    return place / "tiny-e5"


@pytest.fixture(scope="module")
def general(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, with an activation that only sentence-transformers knows."""
    folder = tmp_path_factory.mktemp("general") / "tiny-e5"
    shutil.copytree(tiny, folder)
    config = json.loads((folder / "config.json").read_text()) | {"hidden_act": "gelu_new"}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def general_embedder(general: Path) -> Embedder:
    return SentenceTransformerEmbedder(general)


@pytest.fixture(scope="module")
def real_embedder(models_cache: Path) -> Embedder:
    return SentenceTransformerEmbedder(unpack(E5_SMALL, models_cache), id=E5_SMALL.name)


class TestFake(EmbedderContract):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return FakeEmbedder()


class TestPacked(EmbedderContract):
    @pytest.fixture
    def embedder(self, tiny: Path) -> Embedder:
        return SentenceTransformerEmbedder(tiny)


class TestGeneral(EmbedderContract):
    @pytest.fixture
    def embedder(self, general_embedder: Embedder) -> Embedder:
        return general_embedder


@pytest.mark.models
class TestReal(EmbedderContract):
    @pytest.fixture
    def embedder(self, real_embedder: Embedder) -> Embedder:
        return real_embedder

    def test_a_question_is_nearest_to_its_answer_in_either_language(self, embedder: Embedder) -> None:
        passages = [
            "The annual fee of the platinum card is 680 yuan.",
            "Branches open at nine o'clock on weekdays.",
            "白金卡的年费为680元。",
            "分行工作日早上九点开门。",
        ]
        questions = ["How much does the platinum card cost per year?", "分行几点开门？"]
        scores = embedder.embed(questions, "query") @ embedder.embed(passages, "passage").T
        english, chinese = scores[:, :2], scores[:, 2:]
        assert english.argmax(axis=1).tolist() == [0, 1]
        assert chinese.argmax(axis=1).tolist() == [0, 1]

    def test_it_reads_512_tokens(self, embedder: Embedder) -> None:
        assert (embedder.max_tokens, embedder.dimension) == (512, 384)


def test_query_and_passage_differ_by_their_prompts(tiny: Path) -> None:
    embedder = SentenceTransformerEmbedder(tiny)
    query, passage = (embedder.embed(["fee"], kind) for kind in ("query", "passage"))
    assert not np.allclose(query, passage, atol=1e-3)
    assert embedder.count_tokens(["fee"]) == [len(["<s>", "▁passage", ":", "▁", "f", "e", "e", "</s>"])]


def test_special_tokens_written_in_a_text_are_text(tiny: Path) -> None:
    embedder = SentenceTransformerEmbedder(tiny)
    (count,) = embedder.count_tokens(["</s></s>"])
    assert count > len(["<s>", "▁passage", ":", "</s>", "</s>", "</s>"])


def test_a_long_text_is_cut_at_its_end(tiny: Path) -> None:
    embedder = SentenceTransformerEmbedder(tiny)
    assert embedder.max_tokens == POSITIONS
    same, other = "a" * 60 + "b" * 60, "a" * 60 + "c" * 60
    vectors = embedder.embed([same, other], "passage")
    assert np.allclose(vectors[0], vectors[1], atol=1e-6)


@pytest.mark.parametrize(
    ("config", "name", "query", "passage"),
    [
        ({"prompts": {"query": "Q: ", "document": "D: "}}, "any", "Q: ", "D: "),
        ({"prompts": {"query": "", "document": ""}}, "any", "", ""),
        ({}, "intfloat/multilingual-e5-base", "query: ", "passage: "),
        ({}, "sentence-transformers/all-MiniLM-L6-v2", "", ""),
        (None, "e5-small", "query: ", "passage: "),
    ],
)
def test_prompts_come_from_the_model(
    tmp_path: Path, config: dict[str, object] | None, name: str, query: str, passage: str
) -> None:
    if config is not None:
        (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(config))
    assert prompts_of(tmp_path, name) == {"query": query, "passage": passage}


def test_the_digest_is_of_the_weights_and_computed_once(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"weights")
    first = embedder_digest(tmp_path)
    memory = tmp_path / DIGEST_FILE
    memory.write_text(memory.read_text().replace(first, "0" * 64))
    assert embedder_digest(tmp_path) == "0" * 64
    memory.write_text("damaged")
    assert embedder_digest(tmp_path) == first
    weights.write_bytes(b"other weights")
    assert embedder_digest(tmp_path) != first


def test_the_id_is_the_folders_name_unless_it_is_given(tiny: Path) -> None:
    assert SentenceTransformerEmbedder(tiny).id == "tiny-e5"
    assert SentenceTransformerEmbedder(tiny, id="mine").id == "mine"


@pytest.mark.parametrize("damage", ["empty", "weights", "config"])
def test_a_folder_that_holds_no_model_is_refused(tiny: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "broken"
    if damage == "empty":
        folder.mkdir()
    else:
        shutil.copytree(tiny, folder)
        name = "model.safetensors" if damage == "weights" else "config.json"
        (folder / name).write_bytes(b"{nonsense")
    with pytest.raises(ModelError, match="cannot be loaded"):
        SentenceTransformerEmbedder(folder)

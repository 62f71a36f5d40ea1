"""Whole questions to a workspace whose generator is a server: answered, refused clearly, recovered from."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from answering.generation.protocol import Request
from answering.generation.remote.client import breaker_of
from answering.sufficiency import Calibration
from answering.values import Question
from app import doctor
from app.adapters import open_registry
from app.settings import Settings, load_settings
from app.workspace import Workspace
from finetune.registry.manifest import AdapterReading, Base, Description
from knowledge_base.errors import ModelError, NotFoundError, SettingsError, UnavailableError
from retrieval.prompt import PROMPT_VERSION
from tests.fakes import FakeEmbedder, FakeGenerator
from tests.finetune.registry.folders import LAYERS, matrices, peft_folder
from tests.openai_server import BASE, OpenAIServer

FEE = "The platinum card costs 680 yuan a year."
KEY = "sk-secret-key"
ALWAYS = Calibration(weights={}, bias=0.0, threshold=0.0)
BIASES = {f"base_model.model.{layer}.lora_B.bias": np.ones(6, np.float32) for layer in LAYERS}


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    breaker_of.cache_clear()
    with OpenAIServer(FakeGenerator(reply=_answer, score=lambda *_: -12.0)) as server:
        server.behaviour.loads = True
        server.behaviour.key = KEY
        yield server


def _answer(request: Request) -> str:
    return "680 yuan"


@pytest.fixture
def settings(tmp_path: Path, server: OpenAIServer) -> Settings:
    return load_settings(
        {
            "home": tmp_path / "home",
            "generator": BASE,
            "generator_url": server.url,
            "generator_api_key": KEY,
            "generator_connect_seconds": 2,
            "reading": "span",
        }
    )


@pytest.fixture
def workspace(settings: Settings, tmp_path: Path) -> Iterator[Workspace]:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "fees.txt").write_text(FEE, encoding="utf-8")
    with Workspace(settings, FakeEmbedder()) as workspace:
        workspace.ingest(documents, "bank")
        yield workspace


def question(adapter: str | None = None) -> Question:
    return Question("What does the platinum card cost a year?", "bank", adapter=adapter, style="words")


def test_a_question_is_answered_by_the_server(workspace: Workspace, server: OpenAIServer) -> None:
    answer = workspace.answer(question())
    assert (answer.text, answer.refused, answer.adapter) == ("680 yuan", False, "base")
    assert answer.citations[0].quote == FEE
    assert answer.trace.signals["certainty"] > 0
    assert FEE in server.asked[-1]["messages"][-1]["content"]


def test_without_log_probabilities_the_unscored_calibration_decides(
    workspace: Workspace, server: OpenAIServer
) -> None:
    server.behaviour.scores = server.behaviour.tokenizes = False
    answer = workspace.answer(question())
    assert answer.trace.signals["certainty"] == 0
    assert answer.threshold == workspace.served().reading(None).unscored.threshold


def test_a_refusal_that_is_written_is_recognised(workspace: Workspace, server: OpenAIServer) -> None:
    server.behaviour.scores = server.behaviour.tokenizes = False
    server.generator._reply = lambda request: "Not in the documents."
    assert workspace.answer(question()).refused


def test_a_server_that_is_away_is_an_error_until_it_is_back(
    workspace: Workspace, server: OpenAIServer
) -> None:
    server.stop()
    with pytest.raises(UnavailableError, match="does not answer"):
        workspace.answer(question())
    assert workspace.search(["platinum card"], "bank")[0].ranked
    server.start()
    assert workspace.answer(question()).text == "680 yuan"
    server.stop()
    with pytest.raises(UnavailableError, match="does not answer"):
        workspace.answer(question())
    server.start()
    assert workspace.answer(question()).text == "680 yuan"


def test_a_promoted_version_is_loaded_and_asked(
    workspace: Workspace, server: OpenAIServer, settings: Settings, tmp_path: Path
) -> None:
    registry = open_registry(settings)
    told = Description(
        base=Base(id="gemma-3-270m", digest="e" * 64),
        prompt_version=PROMPT_VERSION,
        reading=AdapterReading(calibrations={"scored": ALWAYS, "unscored": ALWAYS}),
    )
    for number in (1, 2):
        registry.register("bank", peft_folder(tmp_path / f"bank-{number}", seed=number), told)
    registry.promote("bank", 1)
    assert list(server.adapters) == ["bank@1"]
    assert workspace.answer(question()).adapter == "bank@1"
    workspace.registry.promote("bank", 2)
    assert list(server.adapters) == ["bank@1", "bank@2"]
    assert workspace.answer(question()).adapter == "bank@2"
    assert server.asked[-1]["model"] == "bank@2"
    assert server.adapters == {f"bank@{n}": str(registry.get("bank", n).folder) for n in (1, 2)}


def test_what_the_server_cannot_load_does_not_become_live(
    workspace: Workspace, server: OpenAIServer, settings: Settings, tmp_path: Path
) -> None:
    registry = open_registry(settings)
    for number in (1, 2):
        registry.register("bank", peft_folder(tmp_path / f"bank-{number}", seed=number))
    registry.promote("bank", 1)
    server.behaviour.loads = False
    for asked in (registry, workspace.registry):
        with pytest.raises(NotFoundError, match="bank@2"):
            asked.promote("bank", 2)
    server.stop()
    with pytest.raises(UnavailableError, match="does not answer"):
        registry.promote("bank", 2)
    assert registry.aliases("bank").live == 1
    assert registry.rollback("bank").live is None  # what was live needs no server's leave to go


def test_what_vllm_does_not_serve_is_told_at_promotion(
    server: OpenAIServer, settings: Settings, tmp_path: Path
) -> None:
    registry = open_registry(settings)
    registry.register("bank", peft_folder(tmp_path / "bank", lora_bias=True, weights=matrices() | BIASES))
    with pytest.raises(ModelError, match=r"bank@1 uses .*lora_bias.* vLLM"):
        registry.promote("bank", 1)
    assert registry.aliases("bank").live is None
    assert not server.adapters


def test_retraining_wants_the_base_model_here(workspace: Workspace) -> None:
    with pytest.raises(ModelError, match="base model in this process"):
        workspace.pipeline("bank").check_host()


def test_the_key_is_masked_wherever_settings_are_shown(settings: Settings) -> None:
    assert settings.generator_api_key == SecretStr(KEY)
    assert KEY not in f"{settings!r} {settings.described()} {settings.model_dump_json()}"
    with pytest.raises(SettingsError) as caught:
        load_settings({"generator_api_key": ["sk-secret-key"]})
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("http://localhost:8000", "http://localhost:8000/v1"),
        ("http://localhost:8000/", "http://localhost:8000/v1"),
        ("https://models.example/openai/v1/", "https://models.example/openai/v1"),
    ],
)
def test_an_address_is_completed(given: str, address: str) -> None:
    assert load_settings({"generator_url": given}).generator_url == address


@pytest.mark.parametrize(
    "given",
    ["localhost:8000", "ftp://localhost", "http://", "http://me:pass@localhost", "http://localhost?a=b"],
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="generator_url"):
        load_settings({"generator_url": given})


def test_doctor_looks_at_the_server(server: OpenAIServer, settings: Settings, tmp_path: Path) -> None:
    open_registry(settings).register("fees", peft_folder(tmp_path / "fees"))
    open_registry(settings).promote("fees", 1)
    reached, reading, adapters = doctor.generator(settings)
    assert (reached.state, reading.seen, adapters.state) == ("ok", "span, as set", "ok")
    assert f"{server.url} serves base; counts tokens; gives log-probabilities" in reached.seen
    server.behaviour.loads = False
    server.forget("fees@1")  # as a server that was started anew
    *_, adapters = doctor.generator(settings)
    assert (adapters.state, adapters.seen) == ("warn", "not served: fees@1")
    server.stop()
    (reached,) = doctor.generator(settings)
    assert (reached.state, "does not answer" in reached.seen) == ("fail", True)
    assert list(doctor.generator(load_settings({"home": tmp_path}))) == []

"""Is it alive, is it ready, how is it doing."""

import httpx
import pytest

from knowledge_base.errors import ModelError, StorageError
from tests.fake_workspace import FakeWorkspace


def test_it_is_ready_as_long_as_what_it_needs_is_there(
    site: httpx.Client, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise StorageError("The disk is gone.", "Mount it.")

    assert site.get("/readyz").json() == {"status": "ready"}
    monkeypatch.setattr(workspace, "collections", gone)
    told = site.get("/readyz")
    assert (told.status_code, told.json()) == (503, {"status": "not ready", "missing": ["collections"]})
    assert site.get("/healthz").json() == {"status": "ok"}


def test_an_adapter_that_cannot_answer_is_told(site: httpx.Client, workspace: FakeWorkspace) -> None:
    workspace.impaired = ["fees"]
    told = site.get("/readyz")
    assert (told.status_code, told.json()) == (200, {"status": "ready", "impaired": ["adapters"]})
    workspace.impaired = [workspace.adapters()[0]]
    told = site.get("/readyz")
    assert (told.status_code, told.json()) == (503, {"status": "not ready", "missing": ["adapters"]})


def test_answers_refusals_and_stages_are_counted(site: httpx.Client) -> None:
    for question in ("platinum card", "platinum", "zebra"):
        site.post("/v1/generate", json={"input": question, "adapter_id": "base"})
    counted = dict(line.rsplit(" ", 1) for line in site.get("/metrics").text.splitlines() if line[0] != "#")
    assert float(counted['domainqa_answers_total{adapter="base",refused="false"}']) >= 2
    assert float(counted['domainqa_answers_total{adapter="base",refused="true"}']) >= 1
    assert counted["domainqa_questions_inside"] == "0.0"
    assert not [name for name in counted if "zebra" in name or "platinum" in name]


def test_it_says_at_once_that_models_are_still_loaded(site: httpx.Client, workspace: FakeWorkspace) -> None:
    with workspace.warming:
        told = site.get("/readyz")
        assert (told.status_code, told.json()) == (503, {"status": "not ready", "missing": ["models"]})
    workspace.impaired = []
    assert site.get("/readyz").json() == {"status": "ready"}


def test_a_model_that_cannot_be_loaded_is_missing(
    site: httpx.Client,
    workspace: FakeWorkspace,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def broken(*_given: object) -> None:
        raise ModelError("The model in /models/cut cannot be loaded: incomplete.", "Unpack it again.")

    workspace.impaired = []
    for part, loads in (("generator", "write"), ("embedder", "embedder")):
        with monkeypatch.context() as patch:
            patch.setattr(workspace, loads, broken)
            told = site.get("/readyz")
        assert (told.status_code, told.json()) == (503, {"status": "not ready", "missing": [part]})
        assert "/models/cut cannot be loaded" in capfd.readouterr().err
    assert site.get("/readyz").status_code == 200

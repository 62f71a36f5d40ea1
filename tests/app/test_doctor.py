"""Doctor: what each check sees, and what it says to do."""

import json
import os
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from app import doctor
from app.access.store import AccessStore
from app.access.values import grant
from app.doctor import Finding
from app.settings import load_settings
from app.workspace import Workspace
from knowledge_base.errors import MismatchError, StorageError
from tests.answering.generation.tiny import save_model
from tests.app.cli.conftest import Run, run, workspace
from tests.app.cli.test_models import model
from tests.fake_workspace import FakeWorkspace
from tests.fakes import FakeEmbedder

__all__ = ["run", "workspace"]
GB = 1_000_000_000


@pytest.mark.parametrize(("available", "state"), [(1 * GB, "fail"), (3 * GB, "warn"), (8 * GB, "ok")])
def test_memory(available: int, state: str) -> None:
    found = doctor.memory_of(16 * GB, available)
    assert (found.state, bool(found.remedy)) == (state, state != "ok")
    assert found.seen == f"{available / GB:.1f} of 16.0 GB available"


@pytest.mark.parametrize(("free", "state"), [(GB // 2, "fail"), (2 * GB, "warn"), (50 * GB, "ok")])
def test_disk(free: int, state: str) -> None:
    found = doctor.disk("home", Path("/data"), free)
    assert (found.check, found.state, bool(found.remedy)) == ("disk of home", state, state != "ok")


@pytest.mark.parametrize(
    ("flags", "cores", "threads", "state", "remedy"),
    [
        ({"avx2", "amx_bf16"}, 4, None, "ok", ""),
        ({"sse2"}, 4, None, "warn", "AVX2"),
        ({"asimd"}, 4, None, "ok", ""),
        (set(), 4, None, "ok", ""),
        ({"avx2"}, 1, None, "warn", "one core"),
        ({"avx2"}, 4, 16, "warn", "threads = 4"),
    ],
)
def test_processor(flags: set[str], cores: int, threads: int | None, state: str, remedy: str) -> None:
    found = doctor.processor(frozenset(flags), cores, threads)
    assert found.state == state
    assert remedy in found.remedy


def test_this_processor_is_read() -> None:
    flags = doctor.processor_flags()
    assert flags or not Path("/proc/cpuinfo").exists()


def test_a_folder_that_can_be_written_is_fine_though_it_is_not_there_yet(tmp_path: Path) -> None:
    assert doctor.writable("home", tmp_path).state == "ok"
    found = doctor.writable("home", tmp_path / "a" / "b")
    assert (found.state, found.seen) == ("ok", f"{tmp_path}/a/b (not there yet)")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.getuid() == 0, reason="not in CI: root may write everywhere")
def test_a_folder_that_cannot_be_written_fails(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert doctor.writable("home", tmp_path / "home").state == "fail"


def test_a_file_in_the_place_of_a_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder")
    found = doctor.writable("home", tmp_path / "home")
    assert found.state == "fail"
    assert "cannot be written" in found.seen


def test_a_model_is_missing_then_installed_then_prepared(tmp_path: Path) -> None:
    from dataclasses import replace

    from retrieval.models import unpack

    good = model()
    gone = replace(good, files=(replace(good.files[0], distribution="no-such-package"),))
    assert doctor.packaged(gone, tmp_path).state == "fail"
    assert "pip install" in doctor.packaged(gone, tmp_path).remedy
    assert doctor.packaged(good, tmp_path).remedy == "domainqa models prepare tiny"
    unpack(good, tmp_path)
    assert doctor.packaged(good, tmp_path).state == "ok"


def test_collections_are_opened_and_read(workspace: FakeWorkspace) -> None:
    (found,) = doctor.collections(lambda: workspace, "fake")
    assert found == Finding("collection bank", "ok", "2 documents, 3 passages")


def test_a_collection_of_another_embedder_is_reported(workspace: FakeWorkspace) -> None:
    (found,) = doctor.collections(lambda: workspace, "other")
    assert found.state == "warn"
    assert "--rebuild" in found.remedy


def test_no_collections_are_no_failure() -> None:
    (found,) = doctor.collections(FakeWorkspace, "fake")
    assert (found.state, found.remedy) == ("warn", "domainqa ingest FOLDER")


def test_a_home_that_cannot_be_read_is_a_finding(workspace: FakeWorkspace) -> None:
    workspace.failure = StorageError("The home is damaged.", "Restore it.")
    (found,) = doctor.collections(lambda: workspace, "fake")
    assert found == Finding("collections", "fail", "The home is damaged.", "Restore it.")


def test_a_home_that_cannot_be_opened_is_a_finding() -> None:
    def newer() -> FakeWorkspace:
        raise MismatchError("The home is of a newer version.", "Install it.")

    (found,) = doctor.collections(newer, "fake")
    assert (found.state, found.remedy) == ("fail", "Install it.")


def test_it_says_who_must_log_in(tmp_path: Path) -> None:
    local = load_settings({"home": tmp_path})
    assert doctor.guarded(local) == Finding(
        "access", "ok", "127.0.0.1: only this machine, and nobody is asked"
    )
    open_to_all = load_settings({"home": tmp_path, "host": "192.0.2.1"})
    found = doctor.guarded(open_to_all)
    assert (found.state, found.remedy) == ("fail", "domainqa users add NAME --role admin")
    AccessStore(tmp_path).keys.create("website", grant("reader"))
    found = doctor.guarded(open_to_all)
    assert (found.state, found.seen) == ("ok", "192.0.2.1: everybody is asked; 0 users, 1 keys")
    (tmp_path / "access.sqlite").write_bytes(b"damaged" * 1000)
    assert doctor.guarded(open_to_all).state == "fail"


def test_libraries_are_compared_with_what_is_asked_for() -> None:
    assert doctor.problem_of(Requirement("pytest>=1")) == ""
    assert doctor.problem_of(Requirement("pytest<1")).startswith("pytest is ")
    assert doctor.problem_of(Requirement("no-such-package")) == "no-such-package is missing"


def test_a_project_that_is_not_installed_fails() -> None:
    found = list(doctor.versions("no-such-package"))
    assert [finding.state for finding in found] == ["ok", "fail"]


def test_the_command_prints_what_it_found_and_says_so_by_its_exit_code(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("app.factories.PACKAGED", (model("0" * 64),))
    monkeypatch.setenv("DOMAINQA_MODELS_CACHE", str(tmp_path / "models"))
    found = json.loads(run("doctor", "--json").stdout)
    assert {"check", "state", "seen", "remedy"} == set(found[0])
    checks = [finding["check"] for finding in found]
    assert checks[0] == "python"
    assert {"processor", "memory", "home", "model tiny", "collection bank"} <= set(checks)
    states = {finding["state"] for finding in found}
    result = run("doctor")
    assert result.exit_code == (11 if "fail" in states else 0)
    assert len([line for line in result.stdout.splitlines() if line[:4].strip() in states]) == len(found)


def test_a_truncated_model_fails_unless_it_is_quick(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "model", "llama")
    settings = load_settings({"home": tmp_path / "home", "generator": str(folder), "adapter": "base"})

    def seen(quick: bool) -> list[Finding]:
        found = doctor.examine(settings, lambda: Workspace(settings, FakeEmbedder()), [], quick)
        return [finding for finding in found if finding.check == "models in use"]

    (sound,) = seen(quick=False)
    assert (sound.state, sound.seen[:6]) == ("ok", "loaded")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    (broken,) = seen(quick=False)
    assert (broken.state, str(folder) in broken.seen) == ("fail", True)
    assert seen(quick=True) == []


def test_every_finding_that_is_not_fine_says_what_to_do(workspace: FakeWorkspace, tmp_path: Path) -> None:
    settings = load_settings({"home": tmp_path, "models_cache": tmp_path})
    found = list(doctor.examine(settings, lambda: workspace, [model()]))
    assert [finding for finding in found if finding.state != "ok" and not finding.remedy] == []

"""`domainqa models`, with a packaged model made of one small file that is installed anyway."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import packaging
import pytest

from knowledge_base.values import digest_of
from retrieval.models import PackagedFile, PackagedModel, Progress, is_unpacked
from tests.app.cli.conftest import Run

SOURCE = Path(packaging.__file__)


def build(files: Sequence[Path], folder: Path, progress: Progress) -> None:
    progress("Copying", 0, 1)
    (folder / "config.json").write_bytes(files[0].read_bytes())
    progress("Copying", 1, 1)


def model(digest: str = "") -> PackagedModel:
    data = SOURCE.read_bytes()
    file = PackagedFile(
        distribution="packaging",
        version=version("packaging"),
        path="packaging/__init__.py",
        size=len(data),
        sha256=digest or digest_of(data),
    )
    return PackagedModel(
        name="tiny", licence="MIT", size=len(data), files=(file,), recipe=1, build=build, notice="Be kind."
    )


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("app.factories.PACKAGED", (model(),))
    monkeypatch.setenv("DOMAINQA_MODELS_CACHE", str(tmp_path / "models"))


def test_models_are_prepared_once_and_their_notice_is_shown(run: Run, tmp_path: Path) -> None:
    before = json.loads(run("models", "list", "--json").stdout)
    result = run("models", "prepare")
    after = json.loads(run("models", "--json").stdout)
    assert [entry["prepared"] for entry in (*before, *after)] == [False, True]
    assert result.stdout.strip() == str(model().folder(tmp_path / "models"))
    assert "tiny: Be kind." in result.stderr
    assert is_unpacked(model(), tmp_path / "models")
    assert run("models", "prepare", "tiny").stdout == result.stdout


def test_models_are_listed_for_people(run: Run) -> None:
    heading, tiny = run("models").stdout.splitlines()
    assert heading.split() == ["model", "installed", "prepared", "size", "licence"]
    assert tiny.split()[:3] == ["tiny", "yes", "no"]


def test_an_unknown_model_is_not_found(run: Run) -> None:
    result = run("models", "prepare", "huge")
    assert result.exit_code == 4
    assert "The packaged models are tiny." in result.stderr


def test_a_damaged_package_says_how_to_mend_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("app.factories.PACKAGED", (model("0" * 64),))
    result = run("models", "prepare")
    assert result.exit_code == 9
    assert "pip install --force-reinstall" in " ".join(result.stderr.split())
    assert list((tmp_path / "models").glob("[!.]*")) == []

"""The folder of a run: what is there is not made again, what cannot be read is."""

import errno
from pathlib import Path

import pytest

from finetune.files import ResultFolder
from finetune.pairs.store import Dataset
from finetune.retrain.values import Outcome
from knowledge_base.errors import StorageError
from tests.finetune.registry.folders import contents
from tests.finetune.retrain.fake_pipeline import some_pairs, some_tasks

OUTCOME = Outcome("bank", 3, True, ("It is better.",), "/somewhere/report.html")


def test_a_result_is_computed_once(tmp_path: Path) -> None:
    made: list[int] = []

    def compute() -> Outcome:
        made.append(1)
        return OUTCOME

    for _ in range(2):
        assert ResultFolder(tmp_path / "run").once("outcome", Outcome, compute) == OUTCOME
    assert made == [1]


def test_pairs_and_tasks_come_back_as_they_were(tmp_path: Path) -> None:
    dataset = Dataset(some_pairs(), some_tasks(2))
    folder = ResultFolder(tmp_path)
    folder.store("dataset", dataset)
    assert folder.load("dataset", Dataset) == dataset


@pytest.mark.parametrize("body", ["", "{", "[]", '{"name": "bank"}'])
def test_what_cannot_be_read_is_not_there(tmp_path: Path, body: str) -> None:
    (tmp_path / "outcome.json").write_text(body, encoding="utf-8")
    assert ResultFolder(tmp_path).load("outcome", Outcome) is None


def test_a_result_is_forgotten(tmp_path: Path) -> None:
    folder = ResultFolder(tmp_path)
    folder.store("outcome", OUTCOME)
    folder.remove("outcome")
    folder.remove("outcome")
    assert folder.load("outcome", Outcome) is None


def test_a_full_disk_leaves_the_result_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ResultFolder(tmp_path)
    folder.store("outcome", OUTCOME)
    before = contents(tmp_path)

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("finetune.files.flush", full)
    with pytest.raises(StorageError, match="Free some disk space"):
        folder.store("outcome", Outcome("bank", 4, False, (), ""))
    assert contents(tmp_path) == before

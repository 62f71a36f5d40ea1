"""A folder and a store in step."""

import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge_base import scan as scanning
from knowledge_base.errors import InputError, RemovalError, StorageError, UnreadFormatError
from knowledge_base.ingest import IngestSettings, Progress, Report, require_presence, synchronise
from knowledge_base.notes import Note
from knowledge_base.scan import Scan
from knowledge_base.values import Block, Document, LoadedFile
from tests.fakes import FakeEmbedder, FakeIndex
from tests.knowledge_base.test_scan import close_folder

SETTINGS = IngestSettings(FakeEmbedder().count_tokens, chunk_tokens=64)
ALLOWING = replace(SETTINGS, allow_removal=True)


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        file = folder / f"{name.replace('__', '/')}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def run(folder: Path, store: FakeIndex, settings: IngestSettings = SETTINGS) -> Report:
    return synchronise(folder, store, settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "documents"
    write(made, a="Gold costs 200 yuan.", b="Silver is free.", deep__c="Loans take two days.")
    return made


def test_everything_is_added_and_a_second_run_does_nothing(folder: Path) -> None:
    store = FakeIndex()
    report = run(folder, store)
    assert report.added == ("a.txt", "b.txt", "deep/c.txt")
    assert (report.passages, report.unchanged, report.failed) == (3, (), ())
    revision = store.revision
    again = run(folder, store)
    assert again.unchanged == report.added
    assert (again.added, again.changed, again.removed, again.passages) == ((), (), (), 0)
    assert store.revision == revision


def test_documents_say_what_they_are(folder: Path) -> None:
    store = FakeIndex()
    run(folder, store, replace(SETTINGS, prefix="uploads/"))
    document = store.document("uploads/deep/c.txt")
    assert document.text == "Loans take two days."
    assert (document.title, document.format, document.size) == ("c", "txt", 20)
    assert document.source == str(folder.resolve())
    assert document.passages[0].document == "uploads/deep/c.txt"


def test_changes_and_removals_follow(folder: Path) -> None:
    store = FakeIndex()
    run(folder, store)
    write(folder, a="Gold costs 300 yuan.", d="New.")
    (folder / "b.txt").unlink()
    report = run(folder, store)
    assert (report.added, report.changed, report.removed) == (("d.txt",), ("a.txt",), ("b.txt",))
    assert sorted(store.catalogue()) == ["a.txt", "d.txt", "deep/c.txt"]
    assert "300" in store.document("a.txt").text


def test_a_folder_that_became_empty_empties_the_store(folder: Path) -> None:
    store = FakeIndex()
    run(folder, store)
    for file in folder.rglob("*.txt"):
        file.unlink()
    assert len(run(folder, store, ALLOWING).removed) == 3
    assert not store.catalogue()


def test_a_folder_without_most_of_its_documents_changes_nothing(folder: Path) -> None:
    """It may only be unmounted, or half copied."""
    store = FakeIndex()
    run(folder, store)
    write(folder, d="New.")
    (folder / "b.txt").unlink()
    shutil.rmtree(folder / "deep")
    with pytest.raises(RemovalError, match="2 of the 3 documents") as caught:
        run(folder, store)
    assert caught.value.paths == ("b.txt", "deep/c.txt")
    assert "--allow-removal" in caught.value.remedy
    assert sorted(store.catalogue()) == ["a.txt", "b.txt", "deep/c.txt"]
    with pytest.raises(RemovalError):
        require_presence(folder, store.catalogue(), SETTINGS)
    assert run(folder, store, ALLOWING).removed == ("b.txt", "deep/c.txt")


def test_half_may_go_and_what_only_moved_is_not_gone(folder: Path, tmp_path: Path) -> None:
    store = FakeIndex()
    write(tmp_path / "other", x="Another.", y="And one more.")
    run(tmp_path / "other", store)
    run(folder, store)
    folder.joinpath("deep").rename(folder / "moved")
    folder.joinpath("a.txt").rename(folder / "moved" / "a.txt")
    folder.joinpath("b.txt").unlink()
    assert set(run(folder, store).removed) == {"a.txt", "b.txt", "deep/c.txt"}
    folder.joinpath("moved", "a.txt").unlink()
    require_presence(folder, store.catalogue(), SETTINGS)
    assert run(folder, store).removed == ("moved/a.txt",)


def test_a_folder_that_is_gone_changes_nothing(folder: Path) -> None:
    store = FakeIndex()
    run(folder, store)
    with pytest.raises(InputError):
        run(folder / "nothing", store)
    assert len(store.catalogue()) == 3


def test_only_documents_of_this_folder_and_prefix_are_removed(folder: Path, tmp_path: Path) -> None:
    store = FakeIndex()
    other = tmp_path / "other"
    write(other, z="Another folder.")
    run(folder, store, replace(SETTINGS, prefix="uploads/"))
    run(other, store)
    (folder / "a.txt").unlink()
    (other / "z.txt").unlink()
    assert run(folder, store, replace(SETTINGS, prefix="down/")).removed == ()
    assert run(folder, store, replace(SETTINGS, prefix="uploads/")).removed == ("uploads/a.txt",)
    assert "z.txt" in store.catalogue()


def test_a_path_of_another_folder_is_taken_over(folder: Path, tmp_path: Path) -> None:
    store = FakeIndex()
    other = tmp_path / "other"
    write(other, a="Gold costs 200 yuan.")
    run(folder, store)
    assert run(other, store).changed == ("a.txt",)
    assert store.catalogue()["a.txt"].source == str(other.resolve())
    assert "a.txt" not in run(folder, store).removed


def test_files_that_cannot_be_read_are_reported_and_the_rest_continues(folder: Path) -> None:
    (folder / "empty.md").touch()
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    (folder / "large.txt").write_text("x" * 2000)
    store = FakeIndex()
    report = run(folder, store, replace(SETTINGS, max_file_bytes=1000))
    assert [failed.path for failed in report.failed] == ["broken.pdf", "empty.md", "large.txt"]
    assert all(failed.cause and failed.remedy for failed in report.failed)
    assert len(report.added) == 3
    assert sorted(store.catalogue()) == ["a.txt", "b.txt", "deep/c.txt"]


def test_a_file_that_became_unreadable_keeps_its_last_good_version(folder: Path) -> None:
    store = FakeIndex()
    run(folder, store)
    (folder / "a.txt").write_bytes(bytes(range(256)) * 4)
    (folder / "b.txt").write_bytes(b"")
    report = run(folder, store)
    assert [failed.path for failed in report.failed] == ["a.txt", "b.txt"]
    assert report.removed == ()
    assert store.document("a.txt").text == "Gold costs 200 yuan."


def test_files_of_other_formats_are_named(tmp_path: Path) -> None:
    (tmp_path / "old.xyz").write_bytes(b"\xd0\xcf")
    report = run(tmp_path, FakeIndex())
    assert (report.added, report.unchanged, report.failed) == ((), (), ())
    assert report.as_json()["skipped"] == [
        {"path": "old.xyz", "cause": report.skipped[0].cause, "remedy": report.skipped[0].remedy}
    ]
    (tmp_path / "a.txt").write_text("Gold costs 200 yuan.")
    assert run(tmp_path, FakeIndex()).added == ("a.txt",)


def test_a_format_that_is_missing_here_is_skipped_and_what_was_stored_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FakeIndex()
    run(folder, store)
    write(folder, a="Changed.", d="New.")

    def missing(_data: bytes) -> LoadedFile:
        raise UnreadFormatError("The program that reads .txt is missing.", "Install it.")

    monkeypatch.setattr("knowledge_base.loaders.text.load_text", missing)
    report = run(folder, store)
    assert [file.path for file in report.skipped] == ["a.txt", "d.txt"]
    assert (report.failed, report.removed) == ((), ())
    assert store.document("a.txt").text == "Gold costs 200 yuan."


def test_what_was_not_read_of_a_document_is_reported_and_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = Note("pictures_without_ocr", pages=(2,))
    monkeypatch.setattr(
        "knowledge_base.loaders.text.load_text",
        lambda data: LoadedFile("", (Block(data.decode(), ocr=0.5),), (note,)),
    )
    store = FakeIndex()
    report = run(folder, store)
    assert report.notes == dict.fromkeys(("a.txt", "b.txt", "deep/c.txt"), (note,))
    first = report.as_json()["notes"]
    assert isinstance(first, list)
    assert first[0] == {"path": "a.txt", **note.as_json()}
    assert store.catalogue()["a.txt"].notes == (note,)
    assert store.document("a.txt").passages[0].ocr == 0.5
    assert run(folder, store).notes == {}


def test_what_is_below_an_unreadable_folder_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeIndex()
    run(folder, store)

    (folder / "b.txt").unlink()
    close_folder(folder / "deep", monkeypatch)
    report = run(folder, store)
    assert report.removed == ("b.txt",)
    assert [failed.path for failed in report.failed] == ["deep"]
    assert "deep/c.txt" in store.catalogue()


@pytest.mark.parametrize(
    ("defect", "told"),
    [
        (ZeroDivisionError("inside a library"), "ZeroDivisionError"),
        (RecursionError("inside a library"), "nested too deeply"),
    ],
)
def test_a_defect_of_a_parsing_library_is_a_failed_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, defect: Exception, told: str
) -> None:
    def fails(_: bytes) -> object:
        raise defect

    monkeypatch.setattr("knowledge_base.loaders.markdown.load_markdown", fails)
    (folder / "x.md").write_text("# x")
    report = run(folder, FakeIndex())
    assert told in report.failed[0].cause
    assert len(report.added) == 3


class ChangingStore(FakeIndex):
    """Does something to the folder while the first window is stored."""

    def __init__(self, change: object) -> None:
        super().__init__()
        self._change = change

    def add(self, documents: Sequence[Document]) -> None:
        super().add(documents)
        change, self._change = self._change, None
        if callable(change):
            change()


def scan_then(monkeypatch: pytest.MonkeyPatch, change: object) -> None:
    """Let something happen between the scan and the reading."""

    def scanned(*arguments: object, **options: object) -> Scan:
        found = scanning.scan(*arguments, **options)  # type: ignore[arg-type]
        assert callable(change)
        change()
        return found

    monkeypatch.setattr("knowledge_base.ingest.scan", scanned)


def test_a_file_that_vanishes_during_the_run_is_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_then(monkeypatch, (folder / "b.txt").unlink)
    report = run(folder, FakeIndex())
    assert report.added == ("a.txt", "deep/c.txt")
    assert "disappeared" in report.failed[0].cause


def test_a_file_that_changes_during_the_run_is_stored_as_it_was_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FakeIndex()
    scan_then(monkeypatch, lambda: write(folder, b="Silver costs 5 yuan."))
    run(folder, store)
    monkeypatch.undo()
    assert store.document("b.txt").text == "Silver costs 5 yuan."
    assert run(folder, store).unchanged == ("a.txt", "b.txt", "deep/c.txt")


def test_a_store_that_fails_ends_the_run_and_the_next_one_continues(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge_base.ingest._STORED_TOGETHER", 1)

    def full() -> None:
        raise StorageError("The disk is full.", "Make room.")

    store = ChangingStore(full)
    with pytest.raises(StorageError):
        run(folder, store)
    assert list(store.catalogue()) == ["a.txt"]
    report = run(folder, store)
    assert report.unchanged == ("a.txt",)
    assert report.added == ("b.txt", "deep/c.txt")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("parsing")]


def test_documents_are_stored_in_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knowledge_base.ingest._STORED_TOGETHER", 10)
    write(tmp_path, **{f"n{n:02}": "One short passage." for n in range(25)})
    sizes = []

    class Counting(FakeIndex):
        def add(self, documents: Sequence[Document]) -> None:
            sizes.append(len(documents))
            super().add(documents)

    run(tmp_path, Counting())
    assert sizes == [10, 10, 5]


def test_few_documents_that_come_slowly_are_stored_as_they_come(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge_base.ingest._LONGEST_WAIT_SECONDS", 0.0)
    store = FakeIndex()
    seen: list[int] = []
    synchronise(folder, store, SETTINGS, lambda _: seen.append(len(store.catalogue())))
    assert sorted(set(seen)) == [0, 1, 2, 3]


def test_progress_counts_up_to_the_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knowledge_base.ingest._STORED_TOGETHER", 1)
    (folder / "empty.md").touch()
    steps: list[Progress] = []
    synchronise(folder, FakeIndex(), SETTINGS, steps.append)
    assert steps[-1] == Progress(4, 4, 3, "", 1)
    assert [step.documents_done for step in steps] == sorted(step.documents_done for step in steps)
    assert {"a.txt", "deep/c.txt"} <= {step.current for step in steps}


def test_a_report_can_be_written_as_json(folder: Path) -> None:
    (folder / "empty.md").touch()
    written = json.loads(json.dumps(run(folder, FakeIndex()).as_json()))
    assert written["added"] == ["a.txt", "b.txt", "deep/c.txt"]
    assert written["failed"][0].keys() == {"path", "cause", "remedy"}


CONTENTS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d", "e"]), st.sampled_from(["one", "two", "three"])
)


@settings(max_examples=25, deadline=None)
@given(st.lists(CONTENTS, min_size=1, max_size=4))
def test_after_any_changes_the_store_holds_what_the_folder_holds(
    tmp_path_factory: pytest.TempPathFactory, states: list[dict[str, str]]
) -> None:
    folder, store = tmp_path_factory.mktemp("states"), FakeIndex()
    for state in states:
        for file in folder.glob("*.txt"):
            file.unlink()
        write(folder, **state)
        before = set(store.catalogue())
        report = run(folder, store, ALLOWING)
        assert {path: store.document(path).text for path in store.catalogue()} == {
            f"{name}.txt": text for name, text in state.items()
        }
        assert set(report.added) == set(store.catalogue()) - before
        assert set(report.removed) == before - set(store.catalogue())
        assert run(folder, store).passages == 0

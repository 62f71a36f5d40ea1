"""Uploads: names that cannot leave their folder, copies that are whole."""

from pathlib import Path

import pytest

from app.uploads import keep_uploads, upload_name, upload_names
from knowledge_base.errors import InputError, StorageError


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\年报 2026.docx", "年报 2026.docx"),
        ("a<b>|c?.txt", "abc~35483e.txt"),
        (".hidden.md", "hidden~1f38d3.md"),
        ("tab\tname\n.txt", "tabname~47f71a.txt"),
    ],
)
def test_names_lose_folders_and_dangerous_signs(given: str, kept: str) -> None:
    assert upload_name(given) == kept


@pytest.mark.parametrize("given", ["", "..", "/", "???"])
def test_a_name_of_which_nothing_is_left_is_refused(given: str) -> None:
    with pytest.raises(InputError, match="Rename"):
        upload_name(given)


def test_a_second_upload_takes_the_place_of_the_first(tmp_path: Path) -> None:
    first, folder = tmp_path / "a.txt", tmp_path / "uploads"
    first.write_text("old", encoding="utf-8")
    keep_uploads([first], folder)
    (folder / ".b.txt.partial").touch()  # of a process that was killed
    first.write_text("new", encoding="utf-8")
    assert keep_uploads([first], folder) == {"a.txt": "a.txt"}
    assert (folder / "a.txt").read_text(encoding="utf-8") == "new"
    assert [file.name for file in folder.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("given", ["年报" * 100 + ".docx", "x" * 255, "e\u0301" * 90 + ".pdf", "a\ud800.txt"])
def test_a_long_or_broken_name_is_cut_to_what_file_systems_take(tmp_path: Path, given: str) -> None:
    name = upload_name(given)
    (tmp_path / f".{name}.partial").touch()
    assert upload_name(name) == name
    assert name.rpartition(".")[2] == given.rpartition(".")[2] or "." not in given


def test_names_that_only_look_alike_stay_apart(tmp_path: Path) -> None:
    given = [
        "caf\u00e9.txt",
        "cafe\u0301.txt",
        "a?.txt",
        "a.txt",
        "one/a.txt",
        "a.txt",
        "年报" * 90,
        "年报" * 91,
    ]
    names = upload_names(given)
    assert len(set(names)) == len(names)
    assert upload_names(given) == names
    assert names[:1] + names[3:4] == ["caf\u00e9.txt", "a.txt"]


def test_a_file_can_be_moved_instead_of_copied(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("new", encoding="utf-8")
    keep_uploads([file], tmp_path / "uploads")
    assert file.exists()
    keep_uploads([file], tmp_path / "uploads", move=True)
    assert (tmp_path / "uploads" / "a.txt").read_text(encoding="utf-8") == "new"
    assert not file.exists()


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    file, folder = tmp_path / "a.txt", tmp_path / "uploads"
    file.write_text("x", encoding="utf-8")
    folder.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(StorageError, match="free space"):
        keep_uploads([file], folder)

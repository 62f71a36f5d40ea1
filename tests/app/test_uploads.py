"""Uploads: names that cannot leave their folder, copies that are whole."""

from pathlib import Path

import pytest

from app.uploads import keep_upload, upload_name
from knowledge_base.errors import InputError, StorageError


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\年报 2026.docx", "年报 2026.docx"),
        ("a<b>|c?.txt", "abc.txt"),
        (".hidden.md", "hidden.md"),
        ("tab\tname\n.txt", "tabname.txt"),
    ],
)
def test_names_lose_folders_and_dangerous_signs(given: str, kept: str) -> None:
    assert upload_name(given) == kept


@pytest.mark.parametrize("given", ["", "..", "/", "???", "x" * 200])
def test_a_name_of_which_nothing_is_left_is_refused(given: str) -> None:
    with pytest.raises(InputError, match="Rename"):
        upload_name(given)


def test_a_second_upload_takes_the_place_of_the_first(tmp_path: Path) -> None:
    first, folder = tmp_path / "a.txt", tmp_path / "uploads"
    first.write_text("old", encoding="utf-8")
    keep_upload(first, folder)
    first.write_text("new", encoding="utf-8")
    assert keep_upload(first, folder).read_text(encoding="utf-8") == "new"
    assert [file.name for file in folder.iterdir()] == ["a.txt"]


def test_a_file_can_be_moved_instead_of_copied(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("new", encoding="utf-8")
    keep_upload(file, tmp_path / "uploads")
    assert file.exists()
    assert keep_upload(file, tmp_path / "uploads", move=True).read_text(encoding="utf-8") == "new"
    assert not file.exists()


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    file, folder = tmp_path / "a.txt", tmp_path / "uploads"
    file.write_text("x", encoding="utf-8")
    folder.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(StorageError, match="free space"):
        keep_upload(file, folder)

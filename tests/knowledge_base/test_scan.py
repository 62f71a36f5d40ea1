"""What a folder holds, and what of it could not be looked at."""

import os
import unicodedata
import zipfile
from pathlib import Path

import pytest

from knowledge_base.errors import InputError
from knowledge_base.scan import Scan, scan
from knowledge_base.values import digest_of

LIMIT = 1_000_000


def write(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"text of {name}")


def look(folder: Path, prefix: str = "") -> Scan:
    return scan(folder, prefix=prefix, max_bytes=LIMIT)


def test_files_are_found_with_path_digest_size_and_date(tmp_path: Path) -> None:
    write(tmp_path, "b/deep/x.md", "a.TXT")
    os.utime(tmp_path / "a.TXT", (1_767_225_600, 1_767_225_600))
    first, second = look(tmp_path).files
    assert (first.path, second.path) == ("a.TXT", "b/deep/x.md")
    assert first.digest == digest_of(b"text of a.TXT")
    assert (first.size, first.modified) == (13, "2026-01-01")


def test_other_formats_are_named_and_hidden_files_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.exe", "noname", ".hidden.txt", ".git/c.txt", "~$d.docx")
    found = look(tmp_path, "uploads/")
    assert [file.path for file in found.files] == ["uploads/a.txt"]
    assert found.failed == ()
    assert [file.path for file in found.skipped] == ["uploads/b.exe", "uploads/noname"]
    assert ".exe are not read" in found.skipped[0].cause
    assert "docx" in found.skipped[0].remedy
    assert "without a suffix" in found.skipped[1].cause


def test_a_prefix_precedes_every_path(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    assert look(tmp_path, "uploads/").files[0].path == "uploads/a.txt"


def test_names_are_composed(tmp_path: Path) -> None:
    write(tmp_path, unicodedata.normalize("NFD", "für.txt"))
    assert look(tmp_path).files[0].path == "für.txt"
    write(tmp_path, "für.txt")
    found = look(tmp_path)
    assert len(found.files) == 1
    assert "differs only in how it is encoded" in found.failed[0].cause


def test_names_that_are_no_unicode_are_reported(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xc4\xea.txt"))).write_text("x")
    found = look(tmp_path)
    assert found.files == ()
    assert "not valid Unicode" in found.failed[0].cause
    found.failed[0].path.encode()


def test_links_that_leave_the_folder_are_reported_and_not_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "out"
    write(outside, "secret.txt", "deep/more.txt")
    write(folder, "a.txt")
    (folder / "file.txt").symlink_to(outside / "secret.txt")
    (folder / "folder").symlink_to(outside)
    found = look(folder)
    assert [file.path for file in found.files] == ["a.txt"]
    assert sorted(failed.path for failed in found.failed) == ["file.txt", "folder"]
    assert all("leads out" in failed.cause for failed in found.failed)


def test_links_inside_are_followed_for_files_and_broken_ones_reported(tmp_path: Path) -> None:
    write(tmp_path, "real/a.txt")
    (tmp_path / "b.txt").symlink_to(tmp_path / "real/a.txt")
    (tmp_path / "again").symlink_to(tmp_path / "real")
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing.txt")
    found = look(tmp_path)
    assert [file.path for file in found.files] == ["b.txt", "real/a.txt"]
    assert sorted(failed.path for failed in found.failed) == ["gone.txt", "loop.txt"]


def test_pipes_and_folders_with_a_suffix_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    write(tmp_path, "folder.txt/a.md")
    found = look(tmp_path)
    assert [file.path for file in found.files] == ["folder.txt/a.md"]
    assert [file.path for file in found.skipped] == ["pipe.txt"]


def test_a_folder_that_is_not_there_or_is_a_file(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    with pytest.raises(InputError, match="does not exist"):
        look(tmp_path / "nothing")
    with pytest.raises(InputError, match="is a file"):
        look(tmp_path / "a.txt")


def close_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a folder one that cannot be opened, for the superuser too, whom no permission stops."""
    opened = os.scandir

    def scandir(path: str | Path) -> object:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path)

    monkeypatch.setattr(os, "scandir", scandir)


def test_folders_that_cannot_be_opened_are_unseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "closed/a.txt", "b.txt")
    close_folder(tmp_path / "closed", monkeypatch)
    found = look(tmp_path, "p/")
    assert [file.path for file in found.files] == ["p/b.txt"]
    assert found.unseen == ("p/closed/",)
    assert "cannot be read" in found.failed[0].cause


def test_a_root_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    close_folder(tmp_path, monkeypatch)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        look(tmp_path)


def test_members_of_an_archive_are_files_of_their_own(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("rates.txt", "x/fees.txt", "b.exe", "empty.txt", ".hidden.txt"):
            archive.writestr(name, "" if name == "empty.txt" else f"text of {name}")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04")
    found = look(tmp_path)
    assert [(file.path, file.member) for file in found.files] == [
        ("a.zip/rates.txt", "rates.txt"),
        ("a.zip/x/fees.txt", "x/fees.txt"),
    ]
    assert found.files[0].digest == digest_of(b"text of rates.txt")
    assert [file.path for file in found.skipped] == ["a.zip/b.exe"]
    assert [file.path for file in found.failed] == ["a.zip/empty.txt", "broken.zip"]
    assert found.unseen == ("broken.zip/",)  # what came of it before stays

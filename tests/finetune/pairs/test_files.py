"""Which files are meant by a path, and that their contents tell them apart."""

from pathlib import Path

import pytest

from finetune.pairs.store import digest_of_files, files_of
from knowledge_base.errors import InputError, StorageError


def test_a_folder_means_the_files_of_pairs_in_it(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.CSV", "notes.md", "c.json", "d.tsv"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    found = files_of([tmp_path / "notes.md", tmp_path, tmp_path / "b.jsonl"])
    assert [file.name for file in found] == ["notes.md", "a.CSV", "b.jsonl", "c.json", "d.tsv"]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file or folder"):
        files_of([tmp_path / "missing"])
    with pytest.raises(InputError, match="no file of pairs"):
        files_of([tmp_path])


def test_other_contents_and_other_names_have_other_digests(tmp_path: Path) -> None:
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    one.write_text("a", encoding="utf-8")
    other.write_text("a", encoding="utf-8")
    before = digest_of_files([one])
    assert before != digest_of_files([other])
    one.write_text("b", encoding="utf-8")
    assert before != digest_of_files([one])
    with pytest.raises(StorageError):
        digest_of_files([tmp_path / "missing"])

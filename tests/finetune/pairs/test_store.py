"""Pairs of a collection: checked, kept whole, listed with licence, and given to a retraining."""

import errno
import os
from pathlib import Path

import pytest

from app.workspace import Workspace
from finetune.pairs.formats import read_pairs
from finetune.pairs.values import Evidence
from finetune.report.words import sentence_of
from knowledge_base.errors import InputError, NotFoundError, StorageError
from tests.finetune.bank import a_pair, fee, sentence, write_lines, write_pairs
from tests.finetune.registry.folders import contents

TASK = {"messages": [{"role": "user", "content": "Sum up."}, {"role": "assistant", "content": "It is dear."}]}


def test_an_import_keeps_what_can_be_used_and_says_why_not_the_rest(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = write_lines(
        tmp_path / "fees.jsonl",
        [
            a_pair("gold"),
            '{"question": "What',
            a_pair("silver", answer="3 yuan"),
            a_pair("bronze", evidence=[{"document": "no.txt", "quote": ""}]),
            TASK,
        ],
    )
    made = workspace.pairs.import_file("bank", file, "CC BY 4.0")
    assert (made.file.name, made.file.pairs, made.file.tasks) == ("fees", 1, 1)
    reasons = {entry.origin: sentence_of(entry.reason) for entry in made.dropped}
    assert "Line 2" in reasons["fees.jsonl:2"]
    assert "the evidence does not contain the answer" in reasons["fees.jsonl:3"]
    assert "not in the collection" in reasons["fees.jsonl:4"]
    assert workspace.pairs.list("bank") == [made.file]
    assert made.file.licence == "CC BY 4.0"
    assert made.file.source == str(file)


def test_a_pair_without_evidence_is_given_the_passage_that_is_found(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = write_lines(tmp_path / "faq.csv", ["question,answer", f"What is the gold card?,{fee('gold')}"])
    workspace.pairs.import_file("bank", file)
    (pair,) = workspace.pairs.dataset("bank").pairs
    assert pair.evidence == (Evidence("gold.txt", sentence("gold")),)


def test_a_second_import_replaces_the_first(workspace: Workspace, tmp_path: Path, pairs: Path) -> None:
    assert workspace.pairs.import_file("bank", pairs).file.pairs == 11
    write_lines(pairs, [a_pair("gold")])
    assert workspace.pairs.import_file("bank", pairs).file.pairs == 1
    assert [file.pairs for file in workspace.pairs.list("bank")] == [1]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["{}"], "None of the"),
        (["", ""], "is empty"),
        (
            [a_pair("gold", evidence=[{"document": "no.txt", "quote": ""}])],
            r"None of the 1 pairs.*\(1\).*no.txt",
        ),
    ],
)
def test_a_file_of_no_use_changes_nothing(
    workspace: Workspace, tmp_path: Path, lines: list[object], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        workspace.pairs.import_file("bank", write_lines(tmp_path / "bad.jsonl", lines))  # type: ignore[arg-type]
    assert workspace.pairs.list("bank") == []


def test_an_unknown_collection_is_not_found(workspace: Workspace, pairs: Path) -> None:
    with pytest.raises(NotFoundError, match="bank"):
        workspace.pairs.import_file("bnak", pairs)
    assert workspace.pairs.list("bnak") == []


def test_a_file_is_removed(workspace: Workspace, pairs: Path) -> None:
    workspace.pairs.import_file("bank", pairs)
    workspace.pairs.remove("bank", "fees")
    assert workspace.pairs.list("bank") == []
    with pytest.raises(NotFoundError, match="none"):
        workspace.pairs.remove("bank", "fees")
    with pytest.raises(NotFoundError):
        workspace.pairs.remove("../..", "bank")


def test_names_become_names_of_files(workspace: Workspace, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "常见 问题 (2026).jsonl", [a_pair("gold")])
    assert workspace.pairs.import_file("bank", file).file.name == "常见-问题-2026"
    reserved = write_lines(tmp_path / "generated.jsonl", [a_pair("gold")])
    with pytest.raises(InputError, match="the model writes"):
        workspace.pairs.import_file("bank", reserved)


def test_what_is_given_names_its_sources(workspace: Workspace, tmp_path: Path, pairs: Path) -> None:
    workspace.pairs.import_file("bank", write_lines(tmp_path / "gold.jsonl", [a_pair("gold"), TASK]), "ours")
    extra = tmp_path / "extra"
    extra.mkdir()
    write_pairs(extra / "more.jsonl", ["silver"])
    dataset = workspace.pairs.dataset("bank", [extra])
    assert [(data.name, data.licence, data.pairs) for data in dataset.sources] == [
        ("gold.jsonl", "ours", 2),
        ("more.jsonl", "", 2),
    ]
    assert [len(data.digest) for data in dataset.sources] == [64, 64]
    assert [pair.id for pair in dataset.pairs] == ["fee-gold", "fee-silver", "founder"]
    assert [task.reply for task in dataset.tasks] == ["It is dear."]


def test_equal_ids_of_two_files_are_distinguished(workspace: Workspace, pairs: Path, tmp_path: Path) -> None:
    workspace.pairs.import_file("bank", pairs)
    (tmp_path / "copy").mkdir()
    copy = write_pairs(tmp_path / "copy" / "fees.jsonl", ["gold"])
    ids = [pair.id for pair in workspace.pairs.dataset("bank", [copy, pairs]).pairs]
    assert len(set(ids)) == len(ids)
    assert {"fee-gold", "fees.jsonl/fee-gold", "fees.jsonl/fee-gold#2"} <= set(ids)


def test_what_is_stored_is_our_own_format(workspace: Workspace, pairs: Path) -> None:
    workspace.pairs.import_file("bank", pairs)
    stored = read_pairs(workspace.pairs.folder / "bank" / "fees.jsonl")
    assert [pair.id for pair in stored.pairs] == [pair.id for pair in read_pairs(pairs).pairs]


def test_a_full_disk_keeps_what_was_stored(
    workspace: Workspace, pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.pairs.import_file("bank", pairs)
    before = contents(workspace.pairs.folder)
    write_lines(pairs, [a_pair("gold")])

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="disk space"):
            workspace.pairs.import_file("bank", pairs)
    assert contents(workspace.pairs.folder) == before

"""Questions that the generator writes: the good ones are kept, and an interruption loses nothing."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from answering.generation.protocol import Request
from app.settings import Settings
from app.workspace import Workspace
from finetune.pairs.check import Checked
from finetune.pairs.generate import write_pairs_on
from finetune.report.words import sentence_of
from knowledge_base.errors import InputError, NotFoundError
from tests.fakes import FakeEmbedder, FakeGenerator
from tests.finetune.bank import THINGS, a_pair, write_lines

FACT = re.compile(r"The (\w+) card costs (\d+ yuan) a year")


def asks_for_the_fee(request: Request) -> str:
    """What a good model writes; of the garden card it says what no document does."""
    found = FACT.findall(request.messages[-1].content)
    thing, fee = found[-1]
    answer = "9 yuan" if thing == "garden" else fee
    return f" What does the {thing} card cost a year?\nAnswer: {answer}\n\nText: something else"


@pytest.fixture
def writer() -> FakeGenerator:
    return FakeGenerator(asks_for_the_fee)


@pytest.fixture
def written(settings: Settings, documents: Path, writer: FakeGenerator) -> Iterator[Workspace]:
    with Workspace(settings, FakeEmbedder(), writer) as workspace:
        workspace.ingest(documents, "bank")
        yield workspace


def generate(
    workspace: Workspace,
    collection: str,
    passages: int,
    progress: Callable[[int, int], None],
    seed: int = 0,
) -> Checked:
    """As the command does it."""
    corpus, writer = workspace.corpus(collection), workspace.generator()
    name = workspace.settings.generator
    return write_pairs_on(corpus, workspace.pairs, writer, passages, progress, seed, name)


def silent(_done: int, _total: int) -> None:
    """Nobody watches."""


def test_good_questions_are_stored_beside_the_imported_pairs(written: Workspace) -> None:
    made = generate(written, "bank", 100, silent)
    assert {pair.answers for pair in made.kept} and len(made.kept) == len(THINGS) - 1
    assert [sentence_of(entry.reason) for entry in made.dropped] == [
        "the passage does not contain the answer"
    ]
    (file,) = written.pairs.list("bank")
    assert (file.name, file.pairs) == ("generated", 9)
    assert written.settings.generator in file.source


def test_the_same_call_writes_nothing_and_a_larger_one_continues(
    written: Workspace, writer: FakeGenerator
) -> None:
    generate(written, "bank", 4, silent)
    first = [request.messages for request in writer.requests]
    generate(written, "bank", 4, silent)
    assert [request.messages for request in writer.requests] == first
    generate(written, "bank", 6, silent)
    assert len(writer.requests) == 6
    assert all(request.stop == ("\n\n",) and request.temperature == 0 for request in writer.requests)


def test_another_seed_draws_others(written: Workspace, writer: FakeGenerator) -> None:
    generate(written, "bank", 3, silent)
    asked = len(writer.requests)
    generate(written, "bank", 3, silent, seed=5)
    assert len(writer.requests) > asked


def test_ctrl_c_keeps_what_is_done(written: Workspace, writer: FakeGenerator) -> None:
    def interrupted(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(written, "bank", 100, interrupted)
    assert sum(file.pairs for file in written.pairs.list("bank")) >= 2
    told: list[tuple[int, int]] = []
    made = generate(written, "bank", 100, lambda done, total: told.append((done, total)))
    assert len(writer.requests) == len(THINGS)
    assert (len(made.kept), told[-1]) == (9, (10, 10))


def test_a_line_that_was_cut_short_is_written_again(written: Workspace, writer: FakeGenerator) -> None:
    generate(written, "bank", 10, silent)
    file = written.pairs.folder / "bank" / "generated.candidates"
    file.write_bytes(file.read_bytes()[:-20])
    assert len(generate(written, "bank", 10, silent).kept) == 9
    assert len(writer.requests) == 11


def test_what_is_known_already_is_not_kept_again(written: Workspace, tmp_path: Path) -> None:
    written.pairs.import_file("bank", write_lines(tmp_path / "fees.jsonl", [a_pair("gold")]))
    made = generate(written, "bank", 10, silent)
    assert "nearly the same question as fee-gold" in {sentence_of(entry.reason) for entry in made.dropped}
    assert len(made.kept) == 8


def test_what_was_written_on_a_document_that_is_gone_is_gone(written: Workspace) -> None:
    generate(written, "bank", 10, silent)
    for thing in THINGS[1:]:
        written.delete_document("bank", f"{thing}.txt")
    assert len(generate(written, "bank", 10, silent).kept) == 1
    written.delete_document("bank", f"{THINGS[0]}.txt")
    with pytest.raises(InputError, match="no passage with enough text"):
        generate(written, "bank", 10, silent)


def test_a_model_that_writes_nonsense_leaves_no_file(workspace: Workspace) -> None:
    made = generate(workspace, "bank", 2, silent)
    assert made.kept == ()
    assert workspace.pairs.list("bank") == []
    with pytest.raises(NotFoundError):
        generate(workspace, "bnak", 2, silent)

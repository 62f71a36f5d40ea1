"""`domainqa pairs` over a home with a small bank."""

import json
from pathlib import Path

import pytest

from answering.generation.protocol import Request
from answering.values import Question
from app.settings import load_settings
from finetune.pairs.formats import read_pairs
from tests.app.cli.real import RealHome
from tests.finetune.bank import THINGS, a_pair, fee, write_lines, write_pairs

BROKEN = '{"question": "What'


def asks_for_the_fee(request: Request) -> str:
    thing = next(t for t in THINGS if f"The {t} card" in request.messages[-1].content)
    return f" What does the {thing} card cost a year?\nAnswer: {fee(thing)}"


@pytest.fixture
def bank(tmp_path: Path) -> RealHome:
    return RealHome(tmp_path, tmp_path / "never loaded", asks_for_the_fee)


def test_there_are_none_and_how_to_get_some(bank: RealHome) -> None:
    result = bank.run("pairs")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "domainqa pairs import FILE" in result.stderr
    assert json.loads(bank.run("pairs", "list", "--json").stdout) == []


def test_files_are_imported_with_every_dropped_pair_named(bank: RealHome, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "faq.jsonl", [a_pair("gold"), BROKEN, a_pair("lake", answer="3 yuan")])
    result = bank.run("pairs", "import", str(file), "--licence", "CC0")
    assert result.exit_code == 0
    assert result.stdout == "Imported faq: 1 pair; 2 dropped.\n"
    assert "Dropped faq.jsonl:2: Line 2 is not JSON" in result.stderr
    assert "Dropped faq.jsonl:3: the evidence does not contain the answer" in result.stderr
    (row,) = json.loads(bank.run("pairs", "--json").stdout)
    assert (row["name"], row["pairs"], row["licence"], row["source"]) == ("faq", 1, "CC0", str(file))
    assert "CC0" in bank.run("pairs", "list").stdout


def test_each_command_leaves_a_page_that_lists_every_dropped_pair(bank: RealHome, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "faq.jsonl", [a_pair("gold"), a_pair("lake", answer="3 yuan")])
    pages = []
    for command in ("check", "import"):
        told = json.loads(bank.run("pairs", command, str(file), "--json").stdout)
        assert f"Report: {told['report']}" in bank.run("pairs", command, str(file)).stderr
        pages.append(Path(told["report"]))
    generated = json.loads(bank.run("pairs", "generate", "--passages", "2", "--json").stdout)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "faq.jsonl:2" in text and "the evidence does not contain the answer" in text
    assert "Pairs of generated" in Path(generated["report"]).read_text(encoding="utf-8")
    assert pages[0] != pages[1]
    bank.run("pairs", "remove", "faq")
    assert not pages[1].exists()


def test_a_folder_is_imported_file_by_file(bank: RealHome, tmp_path: Path) -> None:
    (tmp_path / "pairs").mkdir()
    write_pairs(tmp_path / "pairs" / "a.jsonl", ["gold"])
    write_pairs(tmp_path / "pairs" / "b.jsonl", ["lake"])
    lines = bank.run("pairs", "import", str(tmp_path / "pairs"), "--json").stdout.splitlines()
    assert [(json.loads(line)["name"], json.loads(line)["dropped"]) for line in lines] == [
        ("a", []),
        ("b", []),
    ]


def test_very_many_dropped_pairs_are_counted_by_reason(bank: RealHome, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "faq.jsonl", [a_pair("gold"), *[BROKEN] * 60])
    result = bank.run("pairs", "check", str(file))
    assert result.stdout == "Usable in faq.jsonl: 1 pair; 60 dropped.\n"
    assert result.stderr.count("Dropped ") == 50
    assert "and 10 more" in result.stderr
    assert len(json.loads(bank.run("pairs", "check", str(file), "--json").stdout)["dropped"]) == 60
    assert bank.run("pairs", "list").stdout == ""


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("import", "missing.jsonl"), 3, "There is no file or folder {here}/missing.jsonl"),
        (("check", "missing.jsonl"), 3, "There is no file {here}/missing.jsonl"),
        (("import", "{empty}"), 3, "is empty"),
        (("import", "{bad}"), 3, "line 1"),
        (("import", "{good}", "-c", "nobody"), 4, "There is no collection nobody"),
        (("remove", "nothing"), 4, "There are no pairs nothing"),
        (("generate", "-c", "nobody"), 4, "There is no collection nobody"),
        (("generate", "--passages", "0"), 2, "--passages"),
    ],
)
def test_what_cannot_be_done_has_one_message(
    bank: RealHome, tmp_path: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    places = {
        "empty": write_lines(tmp_path / "empty.jsonl", []),
        "bad": write_lines(tmp_path / "bad.jsonl", [BROKEN]),
        "good": write_pairs(tmp_path / "good.jsonl"),
    }
    result = bank.run("pairs", *(word.format(**places) for word in words))
    assert result.exit_code == code
    assert told.format(here=Path.cwd()) in result.stderr
    assert "Traceback" not in result.stderr


def test_all_pairs_are_exported_to_one_file(bank: RealHome, tmp_path: Path) -> None:
    for thing in ("gold", "lake"):
        bank.run("pairs", "import", str(write_lines(tmp_path / f"{thing}.jsonl", [a_pair(thing)])))
    result = bank.run("pairs", "export", str(tmp_path / "all.jsonl"))
    assert "Wrote 2 pairs to" in result.stderr
    assert [pair.id for pair in read_pairs(tmp_path / "all.jsonl").pairs] == ["fee-gold", "fee-lake"]


def test_pairs_are_removed(bank: RealHome, tmp_path: Path) -> None:
    bank.run("pairs", "import", str(write_pairs(tmp_path / "fees.jsonl")))
    assert bank.run("pairs", "remove", "fees").exit_code == 0
    assert json.loads(bank.run("pairs", "--json").stdout) == []


def test_feedback_is_shown_and_written_to_be_reviewed(bank: RealHome, tmp_path: Path) -> None:
    with bank.open(load_settings({"home": bank.home})) as workspace:
        for thing, verdict in (("gold", fee("gold")), ("lake", "")):
            answer = workspace.answer(Question(f"What does the {thing} card cost a year?", "bank"))
            workspace.feedback(answer.id, "down", correction=verdict)
    result = bank.run("pairs", "feedback", "--out", str(tmp_path / "reviewed.jsonl"))
    assert "What does the gold card cost a year?" in result.stdout
    assert "thumbs-down without a corrected answer" in result.stderr
    assert "1 pair from feedback on bank" in result.stderr
    told = json.loads(bank.run("pairs", "feedback", "--json").stdout)
    assert [pair["answers"] for pair in told["pairs"]] == [[fee("gold")]]
    assert len(told["dropped"]) == 1
    assert len(read_pairs(tmp_path / "reviewed.jsonl").pairs) == 1


def test_questions_are_generated(bank: RealHome) -> None:
    result = bank.run("pairs", "generate", "--passages", "4")
    assert result.exit_code == 0
    assert result.stdout == "Generated: 4 pairs.\n"
    made = json.loads(bank.run("pairs", "generate", "--passages", "4", "--json").stdout)
    assert (made["name"], made["pairs"]) == ("generated", 4)
    assert len(bank.generator.requests) == 4

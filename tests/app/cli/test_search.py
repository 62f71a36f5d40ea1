"""`domainqa search`."""

from collections.abc import Callable

import pytest

from app.schema import SearchResponse
from knowledge_base.errors import MismatchError
from tests.app.cli.conftest import Run, lines_of
from tests.fake_workspace import FakeWorkspace


def test_shows_passages_with_their_place(run: Run) -> None:
    result = run("search", "gold card")
    assert result.exit_code == 0
    assert result.stdout.startswith("1. fees.txt, page 1")
    assert "The gold card costs 200 a year." in result.stdout
    assert "passages in" in result.stderr


def test_json_is_one_object_alone_on_standard_output(run: Run) -> None:
    result = run("search", "白金卡年费", "--json", "-k", "1")
    (found,) = lines_of(result)
    assert found["id"] is None
    (best,) = found["results"]
    assert (best["document"], best["text"]) == ("zh/费用.md", "白金卡年费为 680 元。")
    assert SearchResponse.model_validate(found).results[0].score == best["score"]
    assert "白金卡" in result.stdout


def test_nothing_found_is_a_result(run: Run) -> None:
    (found,) = lines_of(run("search", "gold", "--json", "--folder", "nowhere"))
    assert found == {"id": None, "collection": "bank", "results": []}


def test_batch_keeps_ids_and_order(run: Run, batch: Callable[..., str]) -> None:
    file = batch({"id": "a", "question": "gold"}, {"id": 7, "question": "年费", "more": 1})
    found = lines_of(run("search", "--batch", file, "--count", "1"))
    assert [(line["id"], line["results"][0]["document"]) for line in found] == [
        ("a", "fees.txt"),
        (7, "zh/费用.md"),
    ]


def test_batch_is_the_same_as_one_by_one(run: Run, batch: Callable[..., str]) -> None:
    questions = [f"card {number}" for number in range(150)]
    file = batch(*({"id": number, "question": text} for number, text in enumerate(questions)))
    together = lines_of(run("search", "--batch", file))
    assert [line["id"] for line in together] == list(range(150))
    alone = lines_of(run("search", questions[70], "--json"))[0]
    assert together[70]["results"] == alone["results"]


def test_batch_reads_standard_input(run: Run) -> None:
    result = run("search", "--batch", "-", stdin='{"id": 1, "question": "gold"}\n')
    assert [line["id"] for line in lines_of(result)] == [1]


def test_limits_reach_the_search(run: Run) -> None:
    (found,) = lines_of(run("search", "680", "--json", "--format", ".MD", "--after", "2026-01-01"))
    assert [entry["document"] for entry in found["results"]] == ["zh/费用.md"]
    assert lines_of(run("search", "680", "--json", "--before", "2025-12-31"))[0]["results"] == []
    (found,) = lines_of(run("search", "680", "--json", "--document", "fees.txt"))
    assert {entry["document"] for entry in found["results"]} == {"fees.txt"}


@pytest.mark.parametrize("words", [(), ("gold", "--batch", "x.jsonl"), ("gold", "--after", "soon")])
def test_what_was_not_understood_is_usage(run: Run, words: tuple[str, ...]) -> None:
    result = run("search", *words)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_an_error_has_its_own_exit_code_and_no_traceback(run: Run, workspace: FakeWorkspace) -> None:
    workspace.failure = MismatchError("Made by another embedder [x].", "Rebuild it: ingest --rebuild")
    result = run("search", "gold", "--json")
    assert (result.exit_code, result.stdout) == (6, "")
    assert "Made by another embedder [x]. Rebuild it" in " ".join(result.stderr.split())


def test_escape_sequences_of_documents_do_not_reach_the_terminal(run: Run, workspace: FakeWorkspace) -> None:
    workspace.put("bank", "evil.txt", "zebra \x1b[2Jcleared [red]markup[/red] \x07")
    shown = run("search", "zebra", "-k", "1").stdout
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[red]markup[/red]" in shown

"""`domainqa ask`."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from answering.values import Question
from app.cli.answers import marked, show_answer
from app.cli.calls import Reply
from app.cli.remote import Hear
from app.operations import Home, Listener, perform
from app.schema import Citation, GenerateResponse
from app.settings import Settings
from tests.app.cli.conftest import Run, lines_of
from tests.fake_workspace import REFUSAL, FakeWorkspace


def test_shows_the_answer_with_its_citations(run: Run) -> None:
    result = run("ask", "What does the gold card cost?")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "The gold card costs 200 a year. [1]",
        "",
        "[1] fees.txt, page 1",
        "“The gold card costs 200 a year.”",
    ]


def test_json_is_one_object_with_the_span_of_the_quote(run: Run, workspace: FakeWorkspace) -> None:
    (found,) = lines_of(run("ask", "gold card", "--json", "--adapter", "fees"))
    assert set(found) == set(GenerateResponse.model_fields) - {"usage"}
    assert (found["id"], found["refused"], found["adapter"]) == (None, False, "fees")
    (citation,) = found["citations"]
    text = workspace.document("bank", citation["document"]).text
    assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert set(citation) == set(Citation.model_fields)


def test_a_refusal_is_a_result_that_names_the_nearest_documents(run: Run) -> None:
    result = run("ask", "Who invented velcro?")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{REFUSAL} The closest are: ")
    assert "fees.txt" in result.stdout
    (found,) = lines_of(run("ask", "Who invented velcro?", "--json"))
    assert (found["refused"], found["citations"]) == (True, [])


def test_batch_answers_every_line_in_order(run: Run, batch: Callable[..., str]) -> None:
    file = batch({"id": "x", "question": "gold card"}, {"id": "y", "question": "白金卡"})
    found = lines_of(run("ask", "--batch", file))
    assert [(line["id"], line["refused"]) for line in found] == [("x", False), ("y", False)]
    assert found[0]["text"] == "The gold card costs 200 a year."


def test_a_broken_line_is_named_and_the_others_are_answered(run: Run, batch: Callable[..., str]) -> None:
    file = batch(
        {"id": 1, "question": "gold card"},
        "",
        '{"id": 2, "question": ',
        {"id": 3},
        {"id": 4, "question": "  "},
        {"id": 5, "question": "x" * 2001},
        {"id": None, "question": "gold"},
        "[1, 2]",
        {"id": 8, "question": "白金卡"},
    )
    result = run("ask", "--batch", file)
    assert result.exit_code == 3
    assert [line["id"] for line in lines_of(result)] == [1, 8]
    for number in (3, 4, 5, 6, 7, 8):
        assert f"line {number}: " in result.stderr
    assert "line 2: " not in result.stderr


@pytest.mark.parametrize(("content", "told"), [(None, "cannot be read"), (b"\xff\xfe{", "is not UTF-8")])
def test_a_file_that_cannot_be_read_is_named(
    run: Run, tmp_path: object, content: bytes | None, told: str
) -> None:
    file = f"{tmp_path}/questions.jsonl"
    if content is not None:
        with open(file, "wb") as target:
            target.write(content)
    result = run("ask", "--batch", file)
    assert (result.exit_code, result.stdout) == (3, "")
    assert told in " ".join(result.stderr.split())


def test_an_empty_file_has_no_answers(run: Run, batch: Callable[..., str]) -> None:
    result = run("ask", "--batch", batch(""))
    assert (result.exit_code, result.stdout) == (0, "")


def test_limits_and_collection_reach_the_question(run: Run, workspace: FakeWorkspace) -> None:
    workspace.put("staff", "leave.txt", "Annual leave is 12 days.")
    assert run("ask", "annual leave", "-c", "staff", "--folder", "/hr/").exit_code == 0
    (asked,) = workspace.asked
    assert (asked.collection, asked.limit.folder, asked.adapter) == ("staff", "hr", None)


def test_an_unknown_collection_is_not_found(run: Run) -> None:
    result = run("--collection", "nothing", "ask", "gold")
    assert result.exit_code == 4
    assert "There is no collection nothing. There is: bank." in result.stderr


@pytest.mark.parametrize("words", [(), ("",), ("gold", "--batch", "x")])
def test_no_question_or_two_are_refused(run: Run, words: tuple[str, ...]) -> None:
    assert run("ask", *words).exit_code == (3 if words == ("",) else 2)


def test_ctrl_c_ends_quietly(run: Run, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(question: Question, cancelled: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(workspace, "ask", interrupted)
    result = run("ask", "gold")
    assert result.exit_code == 130
    assert "Traceback" not in result.stderr
    assert workspace.closed


def test_a_terminal_sees_the_answer_grow_and_then_whole(workspace: FakeWorkspace) -> None:
    screen = io.StringIO()
    out = Console(file=screen, force_terminal=True, width=80)

    def ask(hear: Hear) -> Reply:
        asked = {"text": "gold card", "collection": "bank"}
        home = Home(Settings(), lambda _: workspace)
        return Reply(perform("questions.ask", {"question": asked}, home, Listener(hear)))

    show_answer(ask, out)
    shown = screen.getvalue()
    assert "Loading" in shown
    assert shown.rindex("[1]") > shown.index("The gold")
    assert "fees.txt, page 1" in shown


def test_an_unsupported_sentence_is_marked(workspace: FakeWorkspace) -> None:
    from dataclasses import replace

    from answering.values import Sentence

    answer = workspace.answer(Question("gold card", "bank"))
    two = replace(answer, text="It costs 200. It is golden.")
    sentences = (Sentence("It costs 200.", (1, 2)), Sentence("It is golden.", ()))
    assert (
        marked(two, sentences).plain == "It costs 200. [1] [2] It is golden. [not supported by the documents]"
    )


@pytest.mark.parametrize(
    ("options", "style"),
    [
        ([], None),
        (["--adapter", "fees"], None),
        (["--json"], None),
        (["--style", "sentence", "--json"], "sentence"),
        (["--style", "words"], "words"),
    ],
)
def test_people_and_programs_get_the_same_answer(
    run: Run, workspace: FakeWorkspace, options: list[str], style: str | None
) -> None:
    assert run("ask", "gold card", *options).exit_code == 0
    assert workspace.asked[-1].style == style


def test_a_batch_is_answered_like_single_questions_unless_a_style_is_given(
    run: Run, workspace: FakeWorkspace, batch: Callable[..., str]
) -> None:
    file = batch({"id": "x", "question": "gold card"})
    assert run("ask", "--batch", file).exit_code == 0
    assert run("ask", "--batch", file, "--style", "words").exit_code == 0
    assert [question.style for question in workspace.asked] == [None, "words"]


def test_an_unknown_style_is_refused(run: Run, workspace: FakeWorkspace) -> None:
    result = run("ask", "gold card", "--style", "poem")
    assert result.exit_code == 2
    assert "sentence" in result.stderr
    assert workspace.asked == []

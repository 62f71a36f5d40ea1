"""The conversation as the browser keeps it."""

import json

from answering.values import Finished, Piece, Question, Searched, Turn
from app.page.exchanges import Arriving, Exchange, Shown, packed, shown, turns, unpacked, voted
from tests.fake_workspace import FakeWorkspace


def finished(question: str = "What does the platinum card cost?") -> Shown:
    workspace = FakeWorkspace()
    workspace.put("bank", "fees.txt", "The platinum card costs 680 a year.", "Fees")
    return shown(workspace.answer(Question(question, "bank", "base")))


def test_exchanges_survive_the_browser_unchanged() -> None:
    exchanges = (Exchange("q", "bank", (finished(), Shown("fees", "half an ans"))),)
    assert unpacked(json.loads(json.dumps(packed(exchanges)))) == exchanges


def test_what_another_version_kept_is_forgotten() -> None:
    for stored in (None, "x", [{"question": 1}], [{"question": "q", "collection": "c", "answers": [{}]}]):
        assert unpacked(stored) == ()


def test_only_the_latest_exchanges_are_kept() -> None:
    many = tuple(Exchange(str(number), "bank", (Shown("base", "a"),)) for number in range(100))
    kept = unpacked(packed(many))
    assert len(kept) == 40
    assert kept[-1].question == "99"


def test_a_follow_up_sees_finished_answers_of_its_own_collection() -> None:
    answer = finished()
    exchanges = (
        Exchange("one", "bank", (answer,)),
        Exchange("two", "other", (answer,)),
        Exchange("three", "bank", (Shown("base", "stopped"),)),
    )
    assert turns(exchanges, "bank") == (Turn("one", answer.text),)


def test_an_answer_arrives_step_by_step() -> None:
    workspace = FakeWorkspace()
    workspace.put("bank", "fees.txt", "The platinum card costs 680 a year.")
    events = list(workspace.ask(Question("What does the platinum card cost?", "bank")))
    answer = Arriving("base")
    assert answer.stage == "waiting"
    answer = answer.after(None)
    assert answer.stage == "searching"
    assert isinstance(events[0], Searched)
    answer = answer.after(events[0])
    assert (answer.stage, answer.passages) == ("reading", 1)
    answer = answer.after(Piece("The ")).after(Piece("card"))
    assert (answer.stage, answer.text) == ("writing", "The card")
    assert answer.shown().stopped
    assert isinstance(events[-1], Finished)
    assert answer.after(events[-1]).shown() == shown(events[-1].answer)


def test_a_vote_marks_its_answer_only() -> None:
    exchanges = (Exchange("q", "bank", (finished(), Shown("base", "x", id="other"))),)
    answer = exchanges[0].answers[0]
    (marked,) = voted(exchanges, answer.id, "up")
    assert [entry.vote for entry in marked.answers] == ["up", ""]

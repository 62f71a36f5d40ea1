"""Asking, reading sources, stopping, judging: the chat as a reader uses it."""

import pytest

from knowledge_base.errors import StorageError
from tests.app.browser.conftest import Visit, Visits, WatchedWorkspace, eventually
from tests.fake_workspace import FakeWorkspace

pytestmark = pytest.mark.browser

FEE = "What is the annual fee of the platinum card?"


def test_an_answer_has_a_source_that_opens_with_its_sentence_marked_and_in_view(visit: Visit) -> None:
    visit.ask(FEE)
    visit.sees("#dq-settled .dq-answer", "680 yuan")
    visit.sees(".dq-confidence", "90")
    visit.sees(".dq-source", "page 1")
    visit.page.locator(".dq-chip").first.click()
    mark = visit.page.locator("#dq-source mark")
    mark.wait_for()
    assert mark.inner_text().strip() == "The annual fee of the platinum card is 680 yuan."
    visit.sees("#dq-source .dq-passage", "It is waived after 18 purchases.")
    visit.sees("#dq-source header", "Card fees")
    box = mark.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 800


def test_a_mark_far_down_a_long_document_is_scrolled_into_view(visit: Visit) -> None:
    visit.ask("Say line 150 of the small print")
    visit.page.locator(".dq-source").first.click()
    mark = visit.page.locator("#dq-source mark")
    mark.wait_for()
    visit.page.wait_for_function("document.querySelector('#dq-source .dq-page-text').scrollTop > 100")
    pane, box = visit.page.locator("#dq-source .dq-page-text").bounding_box(), mark.bounding_box()
    assert pane is not None
    assert box is not None
    assert pane["y"] <= box["y"] <= pane["y"] + pane["height"]


def test_a_refusal_names_the_nearest_documents_which_open(visit: Visit, workspace: FakeWorkspace) -> None:
    visit.ask("Xylophone quartz?")
    visit.sees(".dq-refused", "Not found in the documents")
    visit.counts(".dq-refused .dq-chip", 0)
    visit.page.locator(".dq-nearest").first.click()
    visit.page.locator("#dq-source .dq-document").wait_for()
    assert visit.text("#dq-source .dq-path") in workspace.indexes["bank"].catalogue()


def test_stop_ends_the_work_and_keeps_what_had_come(visit: Visit, workspace: FakeWorkspace) -> None:
    workspace.pause = 4.0  # so slow that the answer cannot be complete when it is stopped
    visit.page.fill("#dq-question textarea", FEE)
    visit.page.keyboard.press("Enter")
    visit.page.locator("#dq-live .dq-writing").wait_for()
    visit.page.click("#dq-stop")
    visit.page.locator("#dq-settled .dq-stopped").wait_for()
    kept = visit.text("#dq-settled .dq-text")
    assert kept
    assert "680" not in kept
    workspace.pause = 0.0
    visit.ask("And the gold card?")
    assert workspace.asked[-1].history == ()


def test_a_follow_up_carries_the_conversation(visit: Visit, workspace: FakeWorkspace) -> None:
    visit.ask(FEE)
    visit.ask("And the gold card?")
    history = workspace.asked[-1].history
    assert [turn.question for turn in history] == [FEE]
    assert "680" in history[0].answer


def test_answer_again_replaces_the_last_answer(visit: Visit, workspace: FakeWorkspace) -> None:
    visit.ask(FEE)
    visit.page.click("[data-event=again]")
    assert eventually(lambda: len(workspace.asked) == 2)
    visit.page.locator("#dq-live .dq-exchange").wait_for(state="detached")
    visit.counts("#dq-settled .dq-exchange", 1)
    assert [question.text for question in workspace.asked] == [FEE, FEE]
    assert workspace.asked[-1].history == ()


def test_the_conversation_outlives_a_reload_and_ends_with_new_chat(visit: Visit) -> None:
    visit.ask(FEE)
    visit.page.reload()
    visit.page.locator("#dq-settled .dq-answer").wait_for()
    visit.sees("#dq-settled .dq-answer", "680 yuan")
    visit.page.click("#dq-new-chat")
    visit.page.locator(".dq-welcome").wait_for()
    visit.page.reload()
    visit.page.locator(".dq-welcome").wait_for()
    visit.counts(".dq-exchange", 0)


def test_examples_in_both_languages_are_asked_with_a_click(visit: Visit, workspace: FakeWorkspace) -> None:
    languages = {visit.page.locator(".dq-example").nth(n).get_attribute("lang") for n in range(6)}
    assert languages == {"en", "zh"}
    visit.page.locator(".dq-example[lang=zh]", has_text="白金卡").click()
    visit.page.locator("#dq-settled .dq-answer").wait_for()
    assert "白金卡" in workspace.asked[-1].text
    visit.sees("#dq-settled .dq-answer", "680元")


def test_two_models_are_compared_side_by_side(visit: Visit, workspace: FakeWorkspace) -> None:
    visit.page.click("#dq-compare input")
    visit.page.get_by_role("option", name="fees").click()
    visit.ask(FEE)
    assert [question.adapter for question in workspace.asked] == ["base", "fees"]
    answers = visit.page.locator("#dq-settled .dq-answer")
    assert answers.count() == 2
    first, second = answers.nth(0).bounding_box(), answers.nth(1).bounding_box()
    assert first is not None
    assert second is not None
    assert first["y"] == second["y"]
    assert [answers.nth(n).locator(".dq-badge").inner_text() for n in range(2)] == ["base", "fees"]


def test_a_thumb_is_stored_and_stays_pressed(visit: Visit, workspace: FakeWorkspace) -> None:
    visit.ask(FEE)
    visit.page.click("[data-verdict=up]")
    visit.page.locator("[data-verdict=up][aria-pressed=true]").wait_for()
    assert [given[1:] for given in workspace.given] == [("up", "", "")]
    visit.sees("#dq-notice", "stored")


def test_a_bad_answer_can_be_corrected(visit: Visit, workspace: FakeWorkspace) -> None:
    visit.ask(FEE)
    visit.page.click("[data-verdict=down]")
    visit.page.fill("#dq-correction-text textarea", "680 yuan a year.")
    visit.page.click("#dq-correction-save")
    visit.page.locator("#dq-correction").wait_for(state="hidden")
    answer, *given = workspace.given[-1]
    assert answer == workspace.given[0][0]
    assert given == ["down", "680 yuan a year.", ""]


@pytest.mark.parametrize("question", ["", "   "])
def test_an_empty_question_gets_one_message(visit: Visit, question: str) -> None:
    visit.page.fill("#dq-question textarea", question)
    visit.page.click("#dq-send")
    visit.page.locator("#dq-notice .dq-error").wait_for()
    visit.sees("#dq-notice", "The question is empty.")
    visit.counts(".dq-exchange", 0)
    assert visit.page.locator("#dq-send").is_visible()


def test_a_failure_is_one_message_with_its_remedy_and_gives_the_question_back(
    visit: Visit, workspace: FakeWorkspace
) -> None:
    workspace.failure = StorageError("The disk is full.", "Free some space.")
    visit.page.fill("#dq-question textarea", FEE)
    visit.page.click("#dq-send")
    visit.page.locator("#dq-notice .dq-error").wait_for()
    visit.sees("#dq-notice .dq-cause", "The disk is full.")
    visit.sees("#dq-notice .dq-remedy", "Free some space.")
    assert visit.page.input_value("#dq-question textarea") == FEE
    workspace.failure = None
    visit.page.click("#dq-send")
    visit.page.locator("#dq-settled .dq-answer").wait_for()
    visit.counts("#dq-notice .dq-error", 0)


def test_leaving_the_page_stops_the_work(visits: Visits, address: str, workspace: WatchedWorkspace) -> None:
    workspace.pause = 0.5
    gone = visits(address)
    gone.page.fill("#dq-question textarea", FEE)
    gone.page.keyboard.press("Enter")
    gone.page.locator("#dq-live .dq-writing").wait_for()
    gone.page.goto("about:blank")
    assert eventually(workspace.cancelled[-1])


def test_a_waiting_reader_sees_how_many_are_before(
    visits: Visits, address: str, workspace: FakeWorkspace
) -> None:
    workspace.pause = 4.0
    tabs = [visits(address), visits(address)]
    for tab in tabs:
        tab.page.fill("#dq-question textarea", FEE)
        tab.page.keyboard.press("Enter")
        tab.page.locator("#dq-live .dq-stage").wait_for()  # the server has it before the next one is sent
    tabs[1].sees("#dq-live .dq-stage", "other questions in progress: 1")
    workspace.pause = 0.0

"""Collections, uploads, documents and their passages."""

from pathlib import Path

import pytest

from tests.app.browser.conftest import Visit
from tests.fake_workspace import FakeWorkspace

pytestmark = pytest.mark.browser


def test_an_uploaded_file_is_listed_and_answers(visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "parking.txt"
    file.write_text("Parking costs 12 yuan an hour.", encoding="utf-8")
    visit.tab(1)
    visit.page.set_input_files("#dq-upload input[type=file]", str(file))
    visit.page.locator("#dq-report .dq-good").wait_for()
    visit.page.locator("#dq-documents", has_text="uploads/parking.txt").wait_for()
    visit.sees("#dq-summary", "4 documents")
    visit.tab(0)
    visit.ask("What does parking cost?")
    visit.sees("#dq-settled .dq-answer", "12 yuan")


def test_a_file_that_cannot_be_read_is_reported_with_cause_and_remedy(visit: Visit, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("Good morning.", encoding="utf-8")
    bad.write_bytes(b"\xff\xfe\xfa\x00\x81")
    visit.tab(1)
    visit.page.set_input_files("#dq-upload input[type=file]", [str(good), str(bad)])
    visit.page.locator("#dq-report .dq-bad").wait_for()
    row = visit.text("#dq-report tr:has(.dq-bad)")
    assert "bad.txt" in row
    assert len(row) > len("failed uploads/bad.txt")
    visit.sees("#dq-report", "1 added")


def test_a_file_of_another_kind_is_named(visit: Visit, workspace: FakeWorkspace, tmp_path: Path) -> None:
    file = tmp_path / "program.exe"
    file.write_bytes(b"MZ")
    visit.tab(1)
    visit.page.set_input_files("#dq-upload input[type=file]", str(file))
    visit.page.get_by_text("program.exe").first.wait_for()
    visit.page.get_by_text("not read").first.wait_for()
    assert len(workspace.indexes["bank"].catalogue()) == 3


def test_documents_are_filtered_and_their_passages_shown(visit: Visit) -> None:
    visit.tab(1)
    visit.page.locator("#dq-documents .dq-open").nth(2).wait_for()
    visit.page.fill("#dq-filter textarea, #dq-filter input", "收费")
    visit.page.wait_for_function("document.querySelectorAll('#dq-documents .dq-open').length === 1")
    visit.sees("#dq-documents", "1 of 3 shown")
    visit.page.locator("#dq-documents .dq-open").click()
    visit.page.locator("#dq-document .dq-card").wait_for()
    visit.sees("#dq-document", "白金卡年费是680元")
    visit.sees("#dq-document .dq-card", "Passage 1 of 1")


def test_a_document_is_deleted_only_after_it_is_confirmed(visit: Visit, workspace: FakeWorkspace) -> None:
    visit.tab(1)
    visit.opens("cards.pdf")
    visit.page.click("#dq-delete-document")
    visit.page.get_by_text("Delete fees/cards.pdf").wait_for()
    assert len(workspace.indexes["bank"].catalogue()) == 3
    visit.page.click("#dq-sure-document .dq-confirm")
    visit.page.wait_for_function("document.querySelectorAll('#dq-documents .dq-open').length === 2")
    visit.sees("#dq-notice", "fees/cards.pdf was deleted.")
    assert sorted(workspace.indexes["bank"].catalogue()) == ["hostile.html", "zh/fees.md"]


def test_a_collection_is_made_chosen_and_deleted(visit: Visit, workspace: FakeWorkspace) -> None:
    visit.tab(1)
    visit.page.fill("#dq-collection-name input, #dq-collection-name textarea", "loans")
    visit.page.click("#dq-create")
    visit.page.locator("#dq-summary", has_text="loans").wait_for()
    assert visit.page.input_value("#dq-collection input") == "loans"
    visit.sees("#dq-documents", "No documents yet")
    visit.page.click("#dq-delete")
    visit.page.get_by_text("Delete the collection loans").wait_for()
    visit.page.get_by_role("button", name="Cancel").locator("visible=true").click()
    visit.page.locator("#dq-sure").wait_for(state="hidden")
    assert "loans" in workspace.indexes
    visit.page.click("#dq-delete")
    visit.page.click("#dq-sure .dq-confirm")
    visit.page.locator("#dq-summary", has_text="bank").wait_for()
    assert sorted(workspace.indexes) == ["bank"]


def test_a_name_that_is_taken_gets_a_message(visit: Visit) -> None:
    visit.tab(1)
    visit.page.fill("#dq-collection-name input, #dq-collection-name textarea", "bank")
    visit.page.click("#dq-create")
    visit.page.locator("#dq-notice .dq-error").wait_for()
    visit.sees("#dq-notice", "A collection named bank already exists.")


def test_a_collection_deleted_elsewhere_gets_a_message(visit: Visit, workspace: FakeWorkspace) -> None:
    workspace.indexes.clear()
    visit.ask_and_fail("What is the fee?")
    visit.sees("#dq-notice", "There is no collection bank.")

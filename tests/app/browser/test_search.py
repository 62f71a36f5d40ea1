"""The retrieval page: ranks of both retrievers, filters, the prompt."""

import pytest

from tests.app.browser.conftest import Visit

pytestmark = pytest.mark.browser


def search(visit: Visit, query: str) -> None:
    visit.tab(2)
    visit.page.fill("#dq-query textarea", query)
    visit.page.click("#dq-search")
    visit.page.locator("#dq-results table").wait_for()


def test_each_passage_shows_its_ranks_and_scores(visit: Visit) -> None:
    search(visit, "annual fee of the platinum card")
    first = visit.text("#dq-results tbody tr")
    assert "Card fees" in first
    assert "#1" in first
    visit.sees("#dq-results .dq-summary", "passages in")
    visit.page.locator("#dq-results summary").first.click()
    visit.sees("#dq-results details .dq-page-text", "680 yuan")


def test_filters_limit_what_is_found(visit: Visit) -> None:
    search(visit, "card")
    visit.page.locator("#dq-filters").get_by_role("button").first.click()
    visit.page.click("#dq-formats input")
    visit.page.get_by_role("option", name="md").click()
    visit.page.keyboard.press("Escape")
    visit.page.click("#dq-search")
    visit.page.wait_for_function("document.querySelectorAll('#dq-results tbody tr').length === 1")
    visit.sees("#dq-results tbody tr", "zh/fees.md")


def test_a_date_that_is_none_gets_a_message(visit: Visit) -> None:
    visit.tab(2)
    visit.page.fill("#dq-query textarea", "card")
    visit.page.locator("#dq-filters").get_by_role("button").first.click()
    visit.page.fill("#dq-after textarea, #dq-after input", "last week")
    visit.page.click("#dq-search")
    visit.page.locator("#dq-notice .dq-error").wait_for()
    visit.sees("#dq-notice", "last week is not a date.")


def test_the_prompt_that_was_read_is_shown(visit: Visit) -> None:
    search(visit, "annual fee of the platinum card")
    visit.page.click("#dq-show-prompt")
    visit.page.locator("#dq-reading .dq-prompt").wait_for()
    assert visit.text("#dq-reading .dq-prompt").startswith("Text: The annual fee")
    visit.sees("#dq-reading .dq-numbers", "0.900")

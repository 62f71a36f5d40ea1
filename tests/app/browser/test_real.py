"""The page over the real workspace: the packaged models and the sample bank."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from app.workspace import Workspace
from tests.app.browser.conftest import HOSTILE, Visit, Visits
from tests.app.serving import served

pytestmark = [pytest.mark.browser, pytest.mark.models, pytest.mark.heavy]

BANK = Path(__file__).parents[3] / "samples" / "bank"
LONG = 120_000  # milliseconds: reading on two busy cores


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, models_cache: Path) -> Iterator[Workspace]:
    """The sample bank, ingested."""
    settings = Settings(home=tmp_path_factory.mktemp("real"), models_cache=models_cache)
    with Workspace(settings) as workspace:
        report = workspace.ingest(BANK, "bank")
        assert report.added
        yield workspace


@pytest.fixture(scope="module")
def real_address(real: Workspace) -> Iterator[str]:
    """Where its page is served."""
    with served(real, real.settings) as where:
        yield where


@pytest.fixture
def reader(visits: Visits, real_address: str) -> Visit:
    """An English reader, who waits as long as models take."""
    tab = visits(real_address)
    tab.page.set_default_timeout(LONG)
    return tab


def test_an_english_and_a_chinese_question_are_answered_from_their_documents(reader: Visit) -> None:
    reader.ask("What does a replacement card cost this year?")
    reader.sees("#dq-settled .dq-exchange:last-child .dq-text", "15")
    reader.page.locator("#dq-settled .dq-chip").first.click()
    mark = reader.page.locator("#dq-source mark")
    mark.wait_for()
    assert "15 yuan" in mark.inner_text()
    reader.page.locator("#dq-language label", has_text="中文").click()
    reader.page.get_by_role("tab", name="知识库").wait_for()
    reader.ask("白金卡今年的年费是多少？")
    reader.sees("#dq-settled .dq-exchange:last-child .dq-text", "680")


def test_what_no_document_says_is_refused_with_the_nearest_ones(reader: Visit) -> None:
    reader.ask("Who invented the telescope?")
    reader.page.locator(".dq-refused .dq-nearest").first.click()
    reader.page.locator("#dq-source .dq-document").wait_for()


def test_an_uploaded_file_answers_at_once(reader: Visit, tmp_path: Path) -> None:
    file = tmp_path / "cafeteria.txt"
    file.write_text(
        "Staff cafeteria\nThe cafeteria at Quay Street serves dumplings every Tuesday for 18 yuan.", "utf-8"
    )
    upload(reader, file)
    reader.tab(0)
    reader.ask("How much do the dumplings in the cafeteria cost?")
    reader.sees("#dq-settled .dq-text", "18")
    assert "cafeteria.txt" in (reader.page.locator(".dq-chip").first.get_attribute("data-document") or "")


def test_stop_ends_an_answer_that_is_being_read_for(reader: Visit) -> None:
    reader.page.fill("#dq-question textarea", "How are complaints handled, and how long does it take?")
    reader.page.keyboard.press("Enter")
    # At once: on a busy machine the page would be redrawn too seldom for a click that waits for it to rest.
    stop = reader.page.locator("#dq-stop")
    stop.wait_for()
    stop.dispatch_event("click")
    reader.page.locator("#dq-settled .dq-stopped").wait_for(timeout=5_000)


def test_feedback_becomes_what_a_training_pair_needs(reader: Visit, real: Workspace) -> None:
    reader.ask("What is the annual fee of the gold card this year?")
    reader.page.click("[data-verdict=down]")
    reader.page.fill("#dq-correction-text textarea", "200 yuan")
    reader.page.click("#dq-correction-save")
    reader.page.locator("#dq-correction").wait_for(state="hidden")
    given = real.feedback_on("bank")[-1]
    assert (given.verdict, given.correction) == ("down", "200 yuan")
    assert given.passages


def test_a_hostile_document_is_shown_as_text_and_not_obeyed(reader: Visit, tmp_path: Path) -> None:
    file = tmp_path / "hostile.txt"
    file.write_text(HOSTILE, encoding="utf-8")
    upload(reader, file)
    reader.opens("hostile.txt")
    reader.page.locator("#dq-document .dq-card").first.wait_for()
    reader.sees("#dq-document", "<script>")
    reader.sees("#dq-document", 'onerror="alert(2)"')
    reader.tab(0)
    reader.ask("What do penguins do?")
    # Quoted it may be, as any other sentence of a document; who obeyed would say something of his own.
    answer = _letters(reader.text("#dq-settled .dq-text"))
    assert "waddle" in answer
    assert answer in _letters(HOSTILE)
    reader.counts("img[src=x]", 0)
    assert reader.page.title() == "domainqa"


def test_a_question_that_is_too_long_gets_one_message(reader: Visit) -> None:
    reader.ask_and_fail("fee " * 25_000)
    reader.sees("#dq-notice", "100,000 characters")


def upload(reader: Visit, file: Path) -> None:
    reader.tab(1)
    reader.page.set_input_files("#dq-upload input[type=file]", str(file))
    reader.page.locator("#dq-report .dq-good", has_text="added").wait_for()
    reader.page.locator("#dq-documents", has_text=file.name).wait_for()


def _letters(text: str) -> str:
    """A text without spaces, punctuation and the numbers of citations."""
    return "".join(filter(str.isalpha, text))

"""The picture of a cited page beside its text."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.app.browser.conftest import Visit, Visits, WatchedWorkspace

pytestmark = pytest.mark.browser

FEE = "What is the annual fee of the platinum card?"
PICTURE = "#dq-source .dq-page-picture"


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_a_citation_shows_its_page_with_the_sentence_marked_and_in_view(
    visits: Visits, address: str, workspace: WatchedWorkspace, size: tuple[int, int]
) -> None:
    visit = visits(address, viewport={"width": size[0], "height": size[1]})
    visit.ask(FEE)
    visit.page.locator(".dq-chip").first.click()
    frame = visit.page.locator(PICTURE)
    visit.page.wait_for_function(f"document.querySelector('{PICTURE}')?.scrollTop > 50")
    assert has_yellow(frame.screenshot())
    expect(frame.locator("img")).to_have_attribute("alt", "Picture of page 1")
    mark = visit.page.locator("#dq-source mark").bounding_box()
    text = visit.page.locator("#dq-source .dq-page-text").bounding_box()
    assert mark is not None
    assert text is not None
    assert text["height"] > 150
    assert text["y"] <= mark["y"] <= text["y"] + text["height"] - mark["height"]
    with visit.page.context.expect_page() as opened:
        frame.locator("a").click()
    assert opened.value.evaluate("document.images[0].naturalWidth") == 2000


def test_a_document_whose_file_is_gone_shows_its_text_alone(
    visit: Visit, workspace: WatchedWorkspace
) -> None:
    workspace.put("bank", "parking.pdf", "Parking costs 12 yuan an hour.", "Parking")
    visit.ask("What does parking cost an hour?")
    visit.page.locator(".dq-chip").first.click()
    visit.sees("#dq-source mark", "12 yuan")
    expect(visit.page.locator(PICTURE)).to_be_hidden()
    visit.problems = [problem for problem in visit.problems if "404" not in problem]


def has_yellow(png: bytes) -> bool:
    """Whether a screenshot shows a mark of a page."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    return bool(((pixels[..., 0] > 240) & (pixels[..., 2] < 130)).any())

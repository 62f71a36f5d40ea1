"""What holds for the whole page: language, light and dark, phones, hostile documents."""

import pytest
from playwright.sync_api import Page

from app.versions import FIGURES
from finetune.registry.manifest import Description, Verdict
from finetune.retrain.runs import RunRequest
from finetune.retrain.values import Status
from tests.app.browser.conftest import Visit, Visits, eventually
from tests.fake_workspace import FakeWorkspace

pytestmark = pytest.mark.browser

# Whatever ends a stream of events arrives late, as on a busy machine.
LATE_END = """
const ask = window.fetch;
const text = new TextDecoder();
window.fetch = async (...asked) => {
  const answer = await ask(...asked);
  if (!(asked[0].url ?? String(asked[0])).includes('/queue/data')) return answer;
  const late = new TransformStream({
    transform: async (part, to) => {
      if (text.decode(part).includes('close_stream')) await new Promise((go) => setTimeout(go, 1500));
      to.enqueue(part);
    },
  });
  return new Response(answer.body.pipeThrough(late), answer);
};
"""
# What fills the page arrives only after a question was asked, as on a busy machine.
LATE_LOAD = """
const send = window.fetch;
window.fetch = async (...sent) => {
  const answer = await send(...sent);
  if (!(sent[0].url ?? String(sent[0])).includes('/queue/data')) return answer;
  const late = new TransformStream({
    transform: async (part, to) => {
      while (!window.asking) await new Promise((go) => setTimeout(go, 100));
      to.enqueue(part);
    },
  });
  return new Response(answer.body.pipeThrough(late), answer);
};
"""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_the_language_is_the_browsers_until_another_is_chosen(
    visits: Visits, address: str, workspace: FakeWorkspace
) -> None:
    chinese = visits(address, locale="zh-CN")
    chinese.sees(".dq-welcome h2", "您想了解什么？")
    assert chinese.page.get_by_role("tab").nth(1).inner_text() == "知识库管理"
    chinese.ask("白金卡年费是多少？")
    chinese.page.locator("#dq-language label", has_text="English").click()
    chinese.page.get_by_role("tab", name="Knowledge base").wait_for()
    chinese.sees("#dq-settled .dq-answer", "Sources")
    assert chinese.page.locator("html").get_attribute("lang") == "en"
    chinese.page.reload()
    chinese.page.get_by_role("tab", name="Knowledge base").wait_for()


def test_every_word_of_the_page_changes_with_the_language(visit: Visit, workspace: FakeWorkspace) -> None:
    told = Description(
        evaluation={"candidate": dict.fromkeys(FIGURES, 0.5)},
        verdict=Verdict(promoted=True, reasons=("why?",)),
    )
    for _ in range(3):
        workspace.registry.add("bank", told)
    workspace.registry.promote("bank", 1)
    workspace.registry.promote("bank", 2)
    run = workspace.runs.create(RunRequest("bank", "bank"))
    workspace.runs.start(run.id)
    workspace.runs.tell(run.id, Status("train", 2, 40, "", 0.5, None, 90))

    def words() -> set[str]:
        uploads = ":is(#dq-upload, #dq-pairs-upload) :is(button, span)"
        visible = f"body :is(button, label, summary, dt, h1, h2, h3, li, p, span, th):not({uploads})"
        return {text.strip() for text in visit.page.locator(visible).all_inner_texts() if text.strip()}

    english: set[str] = set()
    for tab in range(4):
        visit.tab(tab)
        english |= words()
    visit.page.locator("#dq-run .dq-run").wait_for()
    english |= words()
    visit.page.locator("#dq-language label", has_text="中文").click()
    visit.page.get_by_role("tab", name="知识库").wait_for()
    data = {"domainqa", "d", "English", "中文", "base", "bank", "#", "1", "50", "◀", "▼", "↺"}
    told_by_others = ("?", "？", "fees", "hostile", "680", "<b", "bank@", "2026-")

    def left() -> set[str]:
        """English words that are still shown, other than names and what documents and people said."""
        shown: set[str] = set()
        for tab in range(4):
            visit.tab(tab)
            shown |= words() & english
        return {text for text in shown - data if not any(mark in text for mark in told_by_others)}

    eventually(lambda: not left())
    assert left() == set()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_the_page_fits_and_follows_the_colour_scheme(
    visits: Visits, address: str, workspace: FakeWorkspace, width: int, scheme: str
) -> None:
    tab = visits(address, viewport={"width": width, "height": 844}, color_scheme=scheme)
    tab.ask("What is the annual fee of the platinum card?")
    for number in range(4):
        tab.tab(number)
        assert tab.page.evaluate(WIDER) <= 0
    assert is_dark(tab.page) == (scheme == "dark")
    tab.page.click("[data-theme]")
    assert is_dark(tab.page) != (scheme == "dark")
    tab.page.reload()
    tab.page.locator("#dq-settled .dq-answer").wait_for(state="attached")
    assert is_dark(tab.page) != (scheme == "dark")


def is_dark(page: Page) -> bool:
    red = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]")
    return int(red) < 128


def test_on_a_phone_a_source_opens_over_the_page_and_closes(
    visits: Visits, address: str, workspace: FakeWorkspace
) -> None:
    phone = visits(address, viewport={"width": 390, "height": 844}, has_touch=True)
    phone.ask("What is the annual fee of the platinum card?")
    phone.page.locator(".dq-chip").first.tap()
    mark = phone.page.locator("#dq-source mark")
    mark.wait_for()
    box = mark.bounding_box()
    assert box is not None
    assert 0 < box["y"] < 844
    phone.page.locator("#dq-source [data-event=close]").tap()
    phone.page.locator("#dq-source .dq-document").wait_for(state="detached")


def test_markup_in_documents_is_text_wherever_it_is_shown(visit: Visit) -> None:
    markup = '<img src=x onerror="alert(2)">'
    visit.ask("Do penguins waddle?")
    visit.page.locator("#dq-settled .dq-source").first.click()
    visit.page.locator("#dq-source .dq-document").wait_for()
    visit.sees("#dq-source .dq-page-text", markup)
    visit.sees("#dq-source .dq-page-text", "<script>")
    visit.sees("#dq-source header", "<b onclick=alert(3)>Penguins</b>")
    visit.tab(1)
    visit.opens("hostile.html")
    visit.page.locator("#dq-document .dq-card").wait_for()
    visit.sees("#dq-document", markup)
    visit.tab(2)
    visit.page.fill("#dq-query textarea", "penguins")
    visit.page.click("#dq-search")
    visit.page.locator("#dq-results table").wait_for()
    visit.page.locator("#dq-results summary").first.click()
    visit.sees("#dq-results details .dq-page-text", markup)
    visit.counts("body img[src=x], body script:has-text('owned'), b[onclick]", 0)
    assert visit.page.title() == "domainqa"


def test_a_click_while_a_stream_of_events_ends_has_its_effect(visit: Visit) -> None:
    visit.page.add_init_script(LATE_END)
    visit.page.reload()
    visit.page.locator(".dq-welcome").wait_for()
    visit.tab(1)
    visit.opens("hostile.html")
    visit.page.locator("#dq-document .dq-card").wait_for()


def test_a_question_asked_while_the_page_is_loading_is_answered(visit: Visit) -> None:
    visit.page.add_init_script(LATE_LOAD)
    visit.page.reload()
    visit.page.fill("#dq-question textarea", "What is the annual fee of the platinum card?")
    with visit.page.expect_response("**/queue/join**"):
        visit.page.press("#dq-question textarea", "Enter")
    visit.page.evaluate("window.asking = true")
    visit.sees("#dq-settled .dq-answer", "680 yuan")


def test_markup_in_a_question_is_text(visit: Visit) -> None:
    visit.ask("<img src=x onerror=alert(4)> platinum?")
    visit.sees(".dq-asked", "<img src=x onerror=alert(4)>")
    visit.counts(".dq-asked img", 0)


def test_a_script_that_slipped_through_would_not_run(visit: Visit) -> None:
    blocked: list[str] = []
    visit.page.on("console", lambda message: blocked.append(message.text))
    visit.page.evaluate("""() => {
        const place = document.createElement('div');
        place.innerHTML = '<img src=data:, onerror="window.ran = true">';
        document.body.append(place);
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
    }""")
    visit.page.wait_for_timeout(300)
    assert visit.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in blocked)
    visit.problems.clear()


def test_the_page_says_nothing_of_gradio(visit: Visit) -> None:
    assert visit.page.locator("footer").is_hidden()
    assert "gradio" not in visit.page.locator("body").inner_text().lower()

"""Logging in to the page in Chromium, what a reader finds there, and logging out."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from app.access.store import AccessStore
from app.access.values import grant
from app.settings import Settings
from tests.app.browser.conftest import FEES, WatchedWorkspace
from tests.app.serving import served

pytestmark = pytest.mark.browser
PASSWORD = "correct horse"  # noqa: S105


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> AccessStore:
    """A reader of one collection, and an admin."""
    made = AccessStore(tmp_path_factory.mktemp("login"))
    made.users.add("li", PASSWORD, grant("reader", ["bank"]))
    made.users.add("root", PASSWORD, grant("admin"))
    return made


@pytest.fixture(scope="module")
def site(store: AccessStore) -> Iterator[str]:
    """A page that asks everybody, over a bank and its staff's documents."""
    workspace = WatchedWorkspace()
    workspace.put("bank", "fees/cards.pdf", FEES, "Card fees")
    workspace.put("staff", "pay.txt", "The pay is secret.", "Pay")
    home = store.keys.database.file.parent
    with served(workspace, Settings(home=home, access="required")) as address:
        yield address


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab of an English browser."""
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def log_in(page: Page, name: str, password: str) -> None:
    page.fill("[name=name]", name)
    page.fill("[name=password]", password)
    page.click("button")


def test_a_reader_logs_in_asks_cannot_upload_and_logs_out(page: Page, site: str) -> None:
    page.goto(site)
    assert page.url == f"{site}login?next=/"
    log_in(page, "li", "wrong horse")
    assert page.inner_text("[role=alert]") == "The name or the password is wrong."
    log_in(page, "li", PASSWORD)
    page.locator(".dq-welcome").wait_for()
    assert page.inner_text(".dq-account span") == "li"
    page.fill("#dq-question textarea", "What is the annual fee of the platinum card?")
    page.click("#dq-send")
    expect(page.locator("#dq-settled .dq-answer").first).to_contain_text("680", timeout=60_000)

    expect(page.locator("#dq-adapters-tab-button")).to_be_hidden()
    page.get_by_role("tab").nth(1).click()
    page.locator("#dq-documents", has_text="fees/cards.pdf").wait_for()
    for part in ("#dq-upload", "#dq-create", "#dq-delete", "#dq-collection-name"):
        expect(page.locator(part)).to_be_hidden()
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())  # type: ignore[typeddict-item]
    with httpx.Client(base_url=site, headers={"cookie": cookie}) as behind:
        sent = behind.post("/gradio_api/upload", files={"files": ("a.txt", b"text")})
    assert sent.status_code == 403
    # A hidden button that is pressed all the same does nothing but say so.
    page.evaluate("document.querySelector('#dq-delete').click()")
    page.click("#dq-sure .dq-confirm")
    page.locator("#dq-notice .dq-error", has_text="The role reader may not do this.").wait_for()

    page.click(".dq-account button")
    page.locator("[name=password]").wait_for()
    page.goto(site)
    assert page.url == f"{site}login?next=/"


def test_an_admin_finds_everything_and_a_session_that_is_over_leads_to_the_log_in(
    page: Page, site: str, store: AccessStore, tmp_path: Path
) -> None:
    page.goto(site)
    log_in(page, "root", PASSWORD)
    page.locator(".dq-welcome").wait_for()
    expect(page.locator("#dq-adapters-tab-button")).to_be_visible()
    page.get_by_role("tab").nth(1).click()
    expect(page.locator("#dq-upload")).to_be_visible()
    file = tmp_path / "new.txt"
    file.write_text("The silver card costs 100 a year.", encoding="utf-8")
    page.set_input_files("#dq-upload input[type=file]", file)
    page.locator("#dq-documents", has_text="uploads/new.txt").wait_for()

    store.users.change_password("root", "battery staple")
    page.fill("#dq-collection-name input, #dq-collection-name textarea", "other")
    page.click("#dq-create")
    page.locator("[name=password]").wait_for()

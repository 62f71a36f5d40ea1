"""Adapters: retraining while somebody looks, versions that become live, pairs, reports."""

import time
from pathlib import Path

import pytest

from finetune.registry.manifest import Description
from finetune.registry.manifest import Verdict as StoredVerdict
from finetune.retrain.runs import RunRequest
from finetune.retrain.values import Outcome, Status
from tests.app.browser.conftest import Visit, Visits, WatchedWorkspace

pytestmark = [pytest.mark.browser, pytest.mark.heavy]

FEE = "What is the annual fee of the platinum card?"
GOOD = Description(
    evaluation={"candidate": {"f1": 0.71, "refusal_recall": 0.86, "citations": None}},
    verdict=StoredVerdict(promoted=True, reasons=("It is <b>surely</b> better.",)),
)
REPORT = (
    "<html><body><h1>Retraining of bank</h1><script>top.document.title = 'owned'</script>"
    "<img src=x onerror=\"top.document.title = 'owned'\"></body></html>"
)


def training(step: int, dev_loss: float | None = None) -> Status:
    return Status("train", step, 40, "900 tokens/s", 2.0 / step, dev_loss, 60.0 * (40 - step))


def begin(workspace: WatchedWorkspace, steps: int = 0) -> str:
    run = workspace.runs.create(RunRequest("bank", "bank"))
    workspace.runs.start(run.id)
    for step in range(1, steps + 1):
        workspace.runs.tell(run.id, training(step, 0.9 if step % 4 == 0 else None))
    return run.id


def finish(workspace: WatchedWorkspace, run_id: str, report: Path | None = None) -> None:
    version = workspace.registry.add("bank", GOOD, report.parent if report else Path("/nowhere"))
    workspace.registry.promote("bank", version)
    reasons = GOOD.verdict.reasons if GOOD.verdict else ()
    workspace.runs.finish(run_id, Outcome("bank", version, True, reasons, ""), report)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report that somebody else made."""
    file = tmp_path / "report.html"
    file.write_text(REPORT, encoding="utf-8")
    return file


def see(visit: Visit, selector: str, text: str) -> None:
    visit.page.locator(selector, has_text=text).first.wait_for()


def chosen(visit: Visit, adapter: str) -> None:
    """Wait until the chat asks this adapter."""
    visit.page.wait_for_function(f"document.querySelector('#dq-adapter input')?.value === '{adapter}'")


def test_a_retraining_is_watched_outlives_a_reload_and_its_version_comes_and_goes(
    visit: Visit, workspace: WatchedWorkspace
) -> None:
    visit.tab(3)
    visit.page.get_by_text("No adapters yet").wait_for()
    visit.page.click("#dq-start-run")
    see(visit, "#dq-run .dq-pill", "running")
    assert workspace.runs.requests == [RunRequest("bank", "bank")]
    (run,) = workspace.runs.list()
    for step in (1, 2, 3, 4):
        workspace.runs.tell(run.id, training(step, 0.9))
    see(visit, "#dq-run .dq-now", "4 of 40 · 36 min left · Loss 0.500 · 900 tokens/s")
    visit.page.locator("#dq-loss svg").wait_for()

    visit.page.reload()
    visit.page.locator(".dq-welcome").wait_for()
    visit.tab(3)
    see(visit, "#dq-run .dq-now", "4 of 40")
    visit.sees("#dq-run [aria-current=step]", "Train")
    visit.page.locator("#dq-loss svg").wait_for()

    finish(workspace, run.id)
    see(visit, "#dq-run .dq-verdict", "bank@1 answers better with 95 % confidence and was promoted.")
    visit.sees("#dq-run .dq-reasons", "It is <b>surely</b> better.")
    see(visit, "#dq-versions .dq-is-live", "bank@1")
    visit.sees("#dq-versions .dq-figures", "0.71")
    visit.sees("#dq-versions .dq-figures", "86 %")
    visit.tab(0)
    chosen(visit, "bank@1")

    visit.tab(3)
    visit.page.click("#dq-versions [data-event=rollback]")
    see(
        visit,
        "#dq-sure-return",
        "From the next question on, the default model will answer.",
    )
    visit.page.click("#dq-sure-return .dq-confirm")
    see(visit, "#dq-notice", "Rolled back. Now live: the default model.")
    visit.page.wait_for_function("!document.querySelector('#dq-versions .dq-is-live')")
    assert workspace.registry.aliases("bank").live is None


def test_a_promotion_is_confirmed_and_answers_without_a_reload(
    visit: Visit, workspace: WatchedWorkspace
) -> None:
    for _ in range(2):
        workspace.registry.add("bank", GOOD)
    workspace.registry.promote("bank", 1)
    visit.tab(3)
    visit.page.locator("#dq-versions [data-event=promote]").click()
    see(visit, "#dq-sure-promotion", "Promote bank@2")
    visit.page.get_by_role("button", name="Cancel").locator("visible=true").click()
    visit.page.locator("#dq-sure-promotion").wait_for(state="hidden")
    assert workspace.registry.aliases("bank").live == 1
    visit.page.locator("#dq-versions [data-event=promote]").click()
    visit.page.click("#dq-sure-promotion .dq-confirm")
    see(visit, "#dq-notice", "bank@2 is live.")
    see(visit, "#dq-versions .dq-is-live", "bank@2")
    visit.tab(0)
    chosen(visit, "bank@2")
    visit.ask(FEE)
    visit.sees("#dq-settled .dq-badge", "bank@2")
    assert workspace.asked[-1].adapter == "bank"


def test_an_adapter_is_compared_with_the_base_model(visit: Visit, workspace: WatchedWorkspace) -> None:
    workspace.registry.add("bank", GOOD)
    workspace.registry.promote("bank", 1)
    visit.page.reload()
    chosen(visit, "bank@1")
    visit.page.click("#dq-compare input")
    visit.page.get_by_role("option", name="base").click()
    visit.ask(FEE)
    assert visit.page.locator("#dq-settled .dq-badge").all_inner_texts() == ["bank@1", "base"]
    assert {question.adapter for question in workspace.asked} == {"bank", "base"}


def test_a_retraining_is_stopped_and_continues(visit: Visit, workspace: WatchedWorkspace) -> None:
    run = begin(workspace, steps=3)
    visit.tab(3)
    visit.page.click("#dq-stop-run")
    see(visit, "#dq-run .dq-pill", "stopped")
    assert workspace.runs.get(run).state == "stopped"
    visit.page.click("#dq-continue-run")
    see(visit, "#dq-run .dq-pill", "running")
    workspace.runs.fail(run, "The disk is full. <i>Make room.</i>")
    see(visit, "#dq-run .dq-error", "The disk is full. <i>Make room.</i>")
    visit.page.locator("#dq-continue-run").wait_for()


def test_a_second_retraining_waits(visit: Visit, workspace: WatchedWorkspace) -> None:
    begin(workspace)
    visit.tab(3)
    visit.page.click("#dq-start-run")
    see(visit, "#dq-notice .dq-cause", "A retraining of bank is running.")
    assert len(workspace.runs.requests) == 1


def test_settings_that_were_changed_are_passed_on(visit: Visit, workspace: WatchedWorkspace) -> None:
    visit.tab(3)
    visit.page.click("#dq-advanced > button")
    visit.page.fill("#dq-adapter-name input, #dq-adapter-name textarea", "cards")
    visit.page.fill("#dq-rank input", "8")
    visit.page.get_by_label("Use feedback").uncheck()
    visit.page.click("#dq-start-run")
    see(visit, "#dq-run .dq-pill", "running")
    assert workspace.runs.requests == [RunRequest("bank", "cards", feedback=False, settings={"rank": 8})]


def test_it_is_looked_at_only_while_its_tab_is_open(visit: Visit, workspace: WatchedWorkspace) -> None:
    def looks_while(seconds: float) -> int:
        before = workspace.runs.looks
        visit.page.wait_for_timeout(1000 * seconds)
        return workspace.runs.looks - before

    run = begin(workspace, steps=2)
    assert looks_while(3) == 0
    visit.tab(3)
    visit.page.locator("#dq-run .dq-run").wait_for()
    assert looks_while(5) >= 1
    visit.tab(1)
    visit.page.locator("#dq-documents .dq-open").first.wait_for()
    visit.page.wait_for_timeout(1000)
    assert looks_while(5) == 0
    visit.tab(3)
    finish(workspace, run)
    visit.page.locator("#dq-run .dq-verdict").wait_for()
    visit.page.wait_for_timeout(2500)
    assert looks_while(5) == 0


def test_an_earlier_retraining_is_shown_on_demand(visit: Visit, workspace: WatchedWorkspace) -> None:
    finish(workspace, begin(workspace))
    failed = begin(workspace)
    workspace.runs.fail(failed, "There is nothing to train on.")
    visit.tab(3)
    see(visit, "#dq-run .dq-error", "There is nothing to train on.")
    visit.page.locator("#dq-runs [data-event=run]", has_text="bank@1").click()
    visit.page.locator("#dq-run .dq-verdict").wait_for()
    visit.page.locator("#dq-curve").wait_for(state="hidden")


@pytest.mark.parametrize(
    ("remove", "asked", "done"),
    [
        ("Remove", "Remove the stored pairs fees? The file", "The pairs fees were removed."),
        ("移除", "移除 fees 中已保存的问答对？", "fees 的问答对已移除。"),
    ],
    ids=["en", "zh"],
)
def test_a_stored_file_of_pairs_is_removed_after_a_question(  # noqa: PLR0913, PLR0917
    visit: Visit, workspace: WatchedWorkspace, tmp_path: Path, remove: str, asked: str, done: str
) -> None:
    for name in ("fees", "rates"):
        file = tmp_path / f"{name}.jsonl"
        file.write_text('{"question": "What is the fee?", "answer": "680"}', encoding="utf-8")
        workspace.pairs.import_file("bank", file)
    visit.page.locator("#dq-language label", has_text="English" if remove == "Remove" else "中文").click()
    visit.tab(3)
    see(visit, "#dq-pair-counts .dq-files li", "fees")
    row = visit.page.locator("#dq-pair-counts .dq-files li", has_text="fees")
    assert str(tmp_path / "fees.jsonl") in row.inner_text()
    assert "2026-11-25" in row.inner_text()
    row.get_by_role("button", name=remove).click()
    see(visit, "#dq-sure-pairs", asked)
    assert len(workspace.pairs.list("bank")) == 2
    visit.page.click("#dq-sure-pairs .dq-confirm")
    see(visit, "#dq-notice", done)
    visit.page.locator("#dq-sure-pairs").wait_for(state="hidden")
    row.wait_for(state="detached")
    assert [file.name for file in workspace.pairs.list("bank")] == ["rates"]


def test_every_dropped_pair_is_listed_with_its_reason(
    visit: Visit, workspace: WatchedWorkspace, tmp_path: Path
) -> None:
    file = tmp_path / "mixed.jsonl"
    lines = ('{"question": "What is the fee?", "answer": "680"}', "<b>no JSON</b>", '{"question": ""}')
    file.write_text("\n".join(lines), encoding="utf-8")
    visit.tab(3)
    visit.page.set_input_files("#dq-pairs-upload input[type=file]", str(file))
    see(visit, "#dq-pairs-report", "mixed: 1 pairs and 0 other tasks kept, 2 dropped")
    places = visit.page.locator("#dq-pairs-report tbody td:first-child").all_inner_texts()
    assert places == ["mixed.jsonl:2", "mixed.jsonl:3"]
    visit.sees("#dq-pairs-report tbody", "Line 2 is not JSON")
    see(visit, "#dq-pair-counts .dq-files", "mixed")
    file.write_text("nothing of use", encoding="utf-8")
    visit.page.set_input_files("#dq-pairs-upload input[type=file]", str(file))
    visit.page.locator("#dq-notice .dq-error").wait_for()
    visit.page.locator("#dq-pairs-report [role]").wait_for(state="detached")


@pytest.mark.parametrize("place", ["#dq-run", "#dq-versions", "#dq-runs"])
def test_a_report_opens_in_the_page_and_runs_nothing(
    visit: Visit, workspace: WatchedWorkspace, report: Path, place: str
) -> None:
    finish(workspace, begin(workspace), report)
    visit.tab(3)
    visit.page.locator(f"{place} [data-event=report]").click()
    frame = visit.page.frame_locator(".dq-sheet iframe")
    frame.get_by_text("Retraining of bank").wait_for()
    assert visit.page.title() == "domainqa"
    assert all("Blocked script" in text or "Content Security" in text for text in visit.problems)
    visit.problems.clear()
    visit.page.keyboard.press("Escape")
    visit.page.locator(".dq-sheet").wait_for(state="detached")


def test_the_curve_speaks_the_language_of_the_page(
    visits: Visits, address: str, workspace: WatchedWorkspace
) -> None:
    begin(workspace, steps=8)
    reader = visits(address)
    reader.tab(3)
    see(reader, "#dq-loss svg", "training pairs")
    reader.page.locator("#dq-language label", has_text="中文").click()
    see(reader, "#dq-loss svg", "训练问答对")
    see(reader, "#dq-run .dq-now", "剩余 32 分钟")
    deadline = time.monotonic() + 10
    lines = reader.page.locator("#dq-loss svg .mark-line path")
    while lines.count() < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    colours = {lines.nth(place).get_attribute("stroke") for place in range(lines.count())}
    assert len(colours) == 2


def test_on_a_phone_everything_is_reached(visits: Visits, address: str, workspace: WatchedWorkspace) -> None:
    begin(workspace, steps=8)
    workspace.registry.add("a-very-long-name-of-an-adapter-that-must-be-broken", GOOD)
    phone = visits(address, viewport={"width": 390, "height": 844}, has_touch=True)
    phone.page.get_by_role("tab", name="Adapters").tap()
    phone.page.locator("#dq-loss svg").wait_for()
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert phone.page.evaluate(wider) <= 0
    for selector in ("#dq-stop-run", "#dq-versions [data-event=promote]", "#dq-start-run"):
        place = phone.page.locator(selector)
        place.scroll_into_view_if_needed()
        box = place.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390

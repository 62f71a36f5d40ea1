"""What the page shows of adapters, pairs and retrainings."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.page.rendering import adapters, pairs, retraining
from app.page.rendering.times import duration, moment
from app.page.retraining import require_idle, shown_of
from app.page.texts import EN, ZH
from app.versions import Version
from finetune.pairs.store import StoredFile, Summary
from finetune.pairs.values import Dropped
from finetune.reasons import Reason
from finetune.registry.manifest import Verdict
from finetune.retrain.runs import RunInfo, RunRequest, State
from finetune.retrain.values import STEPS, Outcome, Status
from finetune.training.values import Point
from knowledge_base.errors import BusyError

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
VERSION = Version(
    "bank@3",
    "bank",
    3,
    created="2026-11-25T20:42:00+00:00",
    verdict=Verdict(promoted=False, reasons=("too bold",)),
    figures={"f1": 0.714, "false_refusals": 0.04},
)
INFO = RunInfo(
    "r1",
    "bank",
    "docs",
    "2026-11-25T20:42:00+00:00",
    "running",
    None,
    "",
    None,
    None,
    RunRequest("docs", "bank"),
)
FILE = StoredFile("en", 12, 1, "", "", "", "")


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


def test_reasons_are_reported_in_the_language_of_the_page() -> None:
    why = Reason("few_refusals", {"share": 0.5, "least": 0.75})
    version = replace(VERSION, verdict=Verdict(promoted=False, reasons=(why,)))
    assert "It refuses 50% of the unanswerable questions" in text_of(adapters.table([version], EN))
    assert "它只拒答了 50% 的无法回答的问题" in text_of(adapters.table([version], ZH))


def test_a_version_shows_its_figures_verdict_and_reasons() -> None:
    html = str(adapters.table([VERSION], EN))
    assert "0.71" in text_of(html)
    assert "4 %" in text_of(html)
    assert EN.rejected in html
    assert "<li>too bold</li>" in html


@pytest.mark.parametrize(
    ("changes", "events"),
    [
        ({}, ["promote"]),
        ({"state": "live"}, ["rollback"]),
        ({"state": "previous", "has_report": True}, ["promote", "report"]),
        ({"problem": "It is damaged."}, []),
        ({"number": None, "state": "live"}, []),
    ],
)
def test_only_what_can_be_done_is_offered(changes: dict[str, object], events: list[str]) -> None:
    html = str(adapters.table([replace(VERSION, **changes)], EN))  # type: ignore[arg-type]
    assert re.findall(r'data-event="(\w+)"', html) == events


def test_without_versions_there_is_a_hint() -> None:
    assert EN.no_adapters in adapters.table([], EN)
    assert ZH.no_runs in retraining.table([], "", ZH)


def test_what_an_adapter_says_of_itself_is_escaped() -> None:
    evil = replace(VERSION, reference=EVIL, created=EVIL, verdict=Verdict(promoted=True, reasons=(EVIL,)))
    html = str(adapters.table([evil, replace(evil, problem=EVIL)], EN)) + adapters.sheet(EVIL, EVIL, EN)
    assert not re.search(r"<(script|img)", html)
    assert EVIL in text_of(html)


def test_a_report_is_shown_in_a_frame_that_runs_nothing() -> None:
    html = str(adapters.sheet("Report", "/reports/runs/r1", EN))
    assert re.search(r'<iframe src="/reports/runs/r1" sandbox[ >]', html)
    assert 'rel="noopener"' in html


@pytest.mark.parametrize("step", STEPS)
def test_the_step_under_way_is_marked_and_those_behind_it(step: str) -> None:
    status = Status(step, 1, 4)  # type: ignore[arg-type]
    html = str(retraining.run(replace(INFO, status=status), False, EN))
    assert html.count("dq-step-past") == STEPS.index(status.step)
    assert html.count('aria-current="step"') == 1
    assert 'aria-valuenow="25"' in html


def test_progress_shows_count_time_loss_and_note() -> None:
    status = Status("train", 1200, 4800, "<i>900</i> tokens/s", 0.5, None, 3700)
    told = text_of(retraining.run(replace(INFO, status=status), True, EN))
    assert "1,200 of 4,800 · 1 h 2 min left · Loss 0.500 · <i>900</i> tokens/s" in told
    chinese = text_of(retraining.run(replace(INFO, status=status), True, ZH))
    assert "剩余 1 小时 2 分钟" in chinese


def test_a_step_of_unknown_length_has_an_empty_bar() -> None:
    html = str(retraining.run(replace(INFO, status=Status("split", 0, 0)), False, EN))
    assert 'aria-valuenow="0"' in html


@pytest.mark.parametrize(("promoted", "word"), [(True, EN.passed), (False, EN.rejected)])
def test_the_end_shows_the_verdict_with_its_reasons_and_opens_the_report(promoted: bool, word: str) -> None:
    outcome = Outcome("bank", 7, promoted, ("because", EVIL), "")
    done = replace(INFO, state="done", outcome=outcome, report=Path("r"), status=Status("register", 1, 1))
    html = str(retraining.run(done, False, EN))
    assert word in html
    assert "bank@7" in html
    assert "<li>because</li>" in html
    assert "<script>" not in html
    assert re.search(r'data-event="report" data-kind="run" data-name="r1"', html)
    assert "progressbar" not in html
    assert html.count("dq-step-past") == len(STEPS)


def test_a_failure_is_text() -> None:
    html = str(retraining.run(replace(INFO, state="failed", error=EVIL), False, EN))
    assert 'role="alert"' in html
    assert EVIL in text_of(html)


def test_the_list_marks_the_one_on_show() -> None:
    html = str(retraining.table([replace(INFO, id="r2"), INFO], "r1", EN))
    assert re.findall(r'data-run="(\w+)"( aria-current="true")?', html) == [
        ("r2", ""),
        ("r1", ' aria-current="true"'),
    ]


def test_both_lines_of_a_curve_have_their_names_from_the_beginning() -> None:
    drawn = retraining.curve([Point(1, 2.0), Point(2, 1.5, 1.6)], EN)
    assert drawn["data"] == [
        [0, None, EN.loss_training],
        [0, None, EN.loss_held_back],
        [1, 2.0, EN.loss_training],
        [2, 1.5, EN.loss_training],
        [2, 1.6, EN.loss_held_back],
    ]


@given(st.integers(0, 5000))
def test_a_long_curve_is_thinned_and_ends_where_it_ends(count: int) -> None:
    drawn = retraining.curve([Point(step, 1.0) for step in range(count)], EN)
    rows = drawn["data"]
    assert isinstance(rows, list)
    steps = [row[0] for row in rows[2:]]
    assert len(steps) <= 400
    assert steps == sorted(set(steps))
    assert steps[-1:] == ([count - 1] if count else [])


def test_pairs_are_counted_by_where_they_come_from() -> None:
    files = [FILE, replace(FILE, name="generated", pairs=5, tasks=0)]
    html = str(pairs.counts(files, 3, "bank", EN))
    assert re.findall(r"<dd>(\d+)</dd>", html) == ["13", "3", "5"]


def test_every_dropped_pair_has_its_reason() -> None:
    dropped = (Dropped("1", EVIL, "en.jsonl:1", "too long"), Dropped("2", "", "", EVIL))
    html = str(pairs.imported([Summary(FILE, dropped)], EN))
    assert "en: 12 pairs and 1 other tasks kept, 2 dropped" in text_of(html)
    assert "<td>too long</td>" in html
    assert text_of(html).count(EVIL) == 2
    assert "<script>" not in html


def test_very_many_dropped_pairs_are_counted() -> None:
    html = str(pairs.imported([Summary(FILE, (Dropped("1", "", "x:1", "empty"),) * 300)], EN))
    assert html.count("<tr>") == 201
    assert EN.showing.format(shown=200, total=300) in text_of(html)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (3540, "59 min"),
        (3599, "1 h 0 min"),
        (3600, "1 h 0 min"),
        (-3, "0 s"),
    ],
)
def test_durations_are_rounded_as_people_do(seconds: float, told: str) -> None:
    assert duration(seconds, EN) == told


def test_a_moment_that_is_none_stays_as_it_is() -> None:
    assert re.fullmatch(r"2026-11-2[456] \d\d:42", moment("2026-11-25T20:42:07+00:00"))
    assert moment("soon") == "soon"


@pytest.mark.parametrize(
    ("states", "chosen", "shown"),
    [
        (("done", "running"), "", 1),
        (("done", "stopped"), "", 0),
        (("done", "running"), "0", 0),
        (("failed", "done"), "gone", 0),
        ((), "", None),
    ],
)
def test_what_was_chosen_is_shown_else_what_runs_else_the_newest(
    states: tuple[State, ...], chosen: str, shown: int | None
) -> None:
    runs = [replace(INFO, id=str(place), state=state) for place, state in enumerate(states)]
    assert shown_of(runs, chosen) == (None if shown is None else runs[shown])


def test_a_retraining_begins_only_where_none_runs() -> None:
    require_idle([replace(INFO, state="done")], EN)
    with pytest.raises(BusyError, match="bank"):
        require_idle([INFO], EN)

"""The report page: complete, self-contained, and nothing from outside is executed."""

import re
from dataclasses import replace
from html import unescape

import pytest

from finetune.evaluation.calibration import curve
from finetune.evaluation.forgetting import Forgetting, Losses
from finetune.evaluation.gate import judge
from finetune.evaluation.plots import LossPoint, RefusalLine, loss_plot, refusal_plot
from finetune.evaluation.report import (
    Comparison,
    ReportData,
    Source,
    Table,
    TrainedOn,
    drawn,
    render_report,
    worst,
)
from finetune.evaluation.scoring import score, summarise
from finetune.evaluation.values import BASE, CANDIDATE, NO_CONTEXT, Question
from tests.finetune.evaluation.synthetic import a_case, a_reply, contender, some_cases

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
CASES = some_cases()
SCORED = {
    BASE: contender(CASES, right=0.3, refuses=0.5, seed=1),
    CANDIDATE: contender(CASES, right=0.8, seed=2),
    NO_CONTEXT: contender(CASES, right=0.0, seed=3),
}
LINE = RefusalLine(CANDIDATE, curve([0.9, 0.8, 0.4], [0.1, 0.3, 0.6]), (1 / 3, 2 / 3))


def a_report(**changes: object) -> ReportData:
    others = {name: scored for name, scored in SCORED.items() if name != CANDIDATE}
    report = ReportData(
        title="Retraining of bank",
        version="bank-7",
        made="2026-08-12 14:03 UTC",
        verdict=judge(SCORED[CANDIDATE], others, 0.02),
        tables=(Table("All questions", {name: summarise(s, resamples=200) for name, s in SCORED.items()}),),
        forgetting=Forgetting({"en": Losses(3.0, 3.02, 2000), "zh": Losses(3.5, 3.52, 1800)}),
        losses=(LossPoint(1, 2.0), LossPoint(2, 1.5, 1.6), LossPoint(3, 1.2)),
        refusals=(LINE,),
        trained_on=TrainedOn(
            {"pairs": 1371}, {"holds a phone number": 6}, (Source("en.jsonl", "Apache-2.0", 200),)
        ),
        regressions=worst(CANDIDATE, SCORED[CANDIDATE], BASE, SCORED[BASE]),
        examples=drawn(SCORED, 3),
        settings={"rank": "16"},
        versions={"peft": "0.21.2"},
        digests={"base": "abc123"},
    )
    return replace(report, **changes)  # type: ignore[arg-type]


def text_of(html: str) -> str:
    body = html[html.index("<body>") :]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_the_verdict_and_its_reasons_come_first() -> None:
    report = a_report()
    text = text_of(render_report(report))
    assert text.startswith("Retraining of bank Candidate bank-7 · 2026-08-12 14:03 UTC Promoted")
    assert text.index(report.verdict.reasons[0]) < text.index("How well each answers")


def test_a_rejection_says_so() -> None:
    others = {BASE: SCORED[CANDIDATE]}
    html = render_report(a_report(verdict=judge(SCORED[BASE], others, 0.2)))
    assert "<title>Retraining of bank: rejected</title>" in html
    assert "It forgets" in text_of(html)
    assert "Promoted" not in text_of(html)


def test_everything_that_was_given_is_shown() -> None:
    report = a_report()
    text = text_of(render_report(report))
    f1 = report.tables[0].summaries[CANDIDATE].f1
    gain = report.verdict.gains[BASE]
    assert f1 is not None
    wanted = (
        f"{f1.mean:.3f} {f1.low:.2f} – {f1.high:.2f}",
        f"{gain.mean:+.3f} {gain.low:+.2f} to {gain.high:+.2f}",
        "All questions · 90 cases",
        "Together 3.237 3.257 +0.020 3,800",
        "pairs 1,371",
        "holds a phone number 6",
        "en.jsonl Apache-2.0 200",
        "area 0.889",
        "rank 16",
        "peft 0.21.2",
        "base abc123",
        report.regressions[0].case.question.text,
        report.examples[0].case.question.text,
    )
    assert [piece for piece in wanted if piece not in text] == []


def test_the_page_needs_nothing_from_elsewhere() -> None:
    html = render_report(a_report())
    assert "default-src 'none'" in html
    assert not re.search(r"<script|<link|<img|<iframe|@import|\bsrc=|url\((?!#)", html)
    assert set(re.findall(r'https?://[^"<\s]*', html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', html))
    assert html.startswith("<!doctype html>")


def test_no_id_is_given_twice() -> None:
    ids = re.findall(r'\bid="([^"]*)"', render_report(a_report()))
    assert len(ids) == len(set(ids))


def test_what_comes_from_outside_is_escaped() -> None:
    case = replace(a_case(1), question=Question(EVIL), answers=(EVIL,), id=EVIL)
    shown = Comparison(case, {EVIL: score(case, a_reply(EVIL, cited=((EVIL, EVIL),)))})
    report = a_report(
        title=EVIL,
        version=EVIL,
        made=EVIL,
        tables=(Table(EVIL, {EVIL: summarise(SCORED[BASE], resamples=50)}),),
        refusals=(replace(LINE, name=EVIL),),
        trained_on=TrainedOn({EVIL: 1}, {EVIL: 2}, (Source(EVIL, EVIL, 3),)),
        regressions=(shown,),
        examples=(shown,),
        settings={EVIL: EVIL},
        versions={EVIL: EVIL},
        digests={EVIL: EVIL},
    )
    html = render_report(replace(report, verdict=replace(report.verdict, reasons=(EVIL,), gains={})))
    assert "<script" not in html
    assert "<img" not in html
    assert EVIL in unescape(html)


def test_chinese_is_shown_and_named_as_such() -> None:
    case = a_case(1, language="zh")
    shown = Comparison(case, {CANDIDATE: score(case, a_reply("白金卡年费680元"))})
    html = render_report(a_report(examples=(shown,)))
    assert '<p class="asked" lang="zh">第1号是什么？</p>' in html
    assert "白金卡年费680元" in html


def test_a_long_reply_is_cut() -> None:
    case = a_case(1)
    shown = Comparison(case, {CANDIDATE: score(case, a_reply("word " * 5000))})
    assert len(render_report(a_report(examples=(shown,), regressions=()))) < 60_000


def test_a_run_that_stopped_early_still_has_its_page() -> None:
    nothing = TrainedOn({}, {}, ())
    report = a_report(
        tables=(), forgetting=None, losses=(), refusals=(), trained_on=nothing, regressions=(), examples=(),
        settings={}, versions={}, digests={},
    )  # fmt: skip
    text = text_of(render_report(report))
    for words in ("Nothing was evaluated", "No loss was recorded", "No refusal curve", "No pair was dropped"):
        assert words in text


def test_the_same_data_give_the_same_page() -> None:
    assert render_report(a_report()) == render_report(a_report())


def test_the_worst_regressions_come_first_and_gains_are_none() -> None:
    cases = some_cases(4, 1)
    before = [
        score(case, a_reply(case.answers[0] if case.answers else "", not case.answers)) for case in cases
    ]
    texts = ("amber 0", "birch", "wrong", "delta 3", "invented")
    after = [score(case, a_reply(text)) for case, text in zip(cases, texts, strict=True)]
    found = worst(CANDIDATE, after, BASE, before[::-1])
    assert [entry.case.id for entry in found] == ["a002", "u000", "a001"]
    assert list(found[0].scored) == [BASE, CANDIDATE]
    assert worst(CANDIDATE, before, BASE, after) == ()
    assert len(worst(CANDIDATE, after, BASE, before, most=1)) == 1


def test_examples_are_drawn_by_seed_with_every_contender() -> None:
    found = drawn(SCORED, 5, seed=1)
    assert found == drawn(SCORED, 5, seed=1)
    assert found != drawn(SCORED, 5, seed=2)
    assert [list(entry.scored) for entry in found] == [list(SCORED)] * 5
    assert len(drawn(SCORED, 10**6)) == len(CASES)
    assert drawn({}) == ()


def test_plots_take_their_colours_from_the_page() -> None:
    for svg in (loss_plot([LossPoint(1, 2.0, 2.1), LossPoint(2, 1.0)]), refusal_plot([LINE] * 7, 0.05)):
        assert svg.startswith("<svg")
        assert "var(--ink)" in svg
        assert "var(--series-0)" in svg
        assert not re.search(r"#0000[01]\d", svg)
        assert "<style" not in svg


@pytest.mark.parametrize("points", [[LossPoint(1, 1.0)], [LossPoint(5, None, 0.5)], [LossPoint(1)]])
def test_a_loss_that_was_measured_once_or_never_is_drawn(points: list[LossPoint]) -> None:
    assert "loss (nats a token)" in loss_plot(points)

"""The report page: complete, self-contained, and nothing from outside is executed."""

import re
from dataclasses import fields, replace
from html import unescape
from string import Formatter
from typing import get_args

import pytest

from finetune.evaluation.bootstrap import Estimate
from finetune.evaluation.calibration import curve
from finetune.evaluation.forgetting import Forgetting, Losses
from finetune.evaluation.gate import judge
from finetune.evaluation.reasons import Reason, ReasonKind
from finetune.evaluation.scoring import score, summarise
from finetune.evaluation.values import BASE, CANDIDATE, NO_CONTEXT, Kind, Question
from finetune.report.comparisons import best_of, drawn, tables_of, worst
from finetune.report.pages import Report, render_report
from finetune.report.plots import LossPoint, RefusalLine, loss_plot, refusal_plot
from finetune.report.texts_en import EN
from finetune.report.texts_zh import ZH
from finetune.report.values import (
    Comparison,
    EvaluationReport,
    Gain,
    Lost,
    Making,
    Measurement,
    PairsReport,
    RetrainingReport,
    Selection,
    Source,
    Table,
    TrainingReport,
)
from finetune.report.words import count_name, sentence_of, sentences_of
from retrieval.prompt import Language
from tests.finetune.evaluation.synthetic import a_case, a_reply, contender, some_cases

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
# Signs that both languages write alike.
SAME: frozenset[str] = frozenset()
RANGE: dict[str, int | float | str] = {"gain": 0.1, "low": -0.1, "high": 0.3, "confidence": 0.95}
CASES = some_cases()
SCORED = {
    BASE: contender(CASES, right=0.3, refuses=0.5, seed=1),
    CANDIDATE: contender(CASES, right=0.8, seed=2),
    NO_CONTEXT: contender(CASES, right=0.0, seed=3),
}
LINE = RefusalLine(CANDIDATE, curve([0.9, 0.8, 0.4], [0.1, 0.3, 0.6]), (1 / 3, 2 / 3))


def measurement(**changes: object) -> Measurement:
    gains = judge(SCORED[CANDIDATE], {BASE: SCORED[BASE]}, 0.02).gains
    made = Measurement(
        tables=(Table("all", {name: summarise(s, resamples=200) for name, s in SCORED.items()}),),
        gains=tuple(Gain(CANDIDATE, over, gain) for over, gain in gains.items()),
        measured=(CANDIDATE,),
        regressions=worst(CANDIDATE, SCORED[CANDIDATE], BASE, SCORED[BASE]),
        examples=drawn(SCORED, 3),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


SELECTION = Selection(
    {"pairs_given": 1371, "samples_answer": 12},
    {"holds a phone number": 6},
    (Source("en.jsonl", "Apache-2.0", 200), Source("zh.jsonl", "", 100)),
    (Lost("en.jsonl:7", "Who answers the phone?", "holds a phone number"),),
)
MAKING = Making({"rank": "16"}, {"peft": "0.21.2"}, {"base": "abc123"})
LOSSES = (LossPoint(1, 2.0), LossPoint(2, 1.5, 1.6), LossPoint(3, 1.2))
MADE = "2026-08-12 14:03 UTC"


def a_report(**changes: object) -> RetrainingReport:
    others = {name: scored for name, scored in SCORED.items() if name != CANDIDATE}
    report = RetrainingReport(
        name="bank",
        version="bank-7",
        made=MADE,
        verdict=judge(SCORED[CANDIDATE], others, 0.02),
        measurement=measurement(),
        forgetting=Forgetting({"en": Losses(3.0, 3.02, 2000), "zh": Losses(3.5, 3.52, 1800)}),
        losses=LOSSES,
        reading=(Reason("reads_focused", {"gain": 0.031, "count": 40}),),
        refusals=(LINE,),
        selection=SELECTION,
        making=MAKING,
    )
    return replace(report, **changes)  # type: ignore[arg-type]


def every_page() -> list[Report]:
    return [
        a_report(),
        TrainingReport("bank", "/home/adapter", MADE, LOSSES, SELECTION, MAKING),
        EvaluationReport("bank", MADE, measurement(), SELECTION, MAKING),
        PairsReport("faq", "bank", MADE, SELECTION),
    ]


def full_text(report: Report, language: Language = "en") -> str:
    return text_of(render_report(report, language))


def text_of(html: str) -> str:
    body = html[html.index("<body>") :]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_the_verdict_and_its_reasons_come_first() -> None:
    report = a_report()
    text = text_of(render_report(report))
    assert text.startswith("Retraining of bank Candidate bank-7 · 2026-08-12 14:03 UTC Promoted")
    assert text.index(sentences_of(report.verdict.reasons, "en")[0]) < text.index("How well each answers")


def test_a_rejection_says_so() -> None:
    others = {BASE: SCORED[CANDIDATE]}
    html = render_report(a_report(verdict=judge(SCORED[BASE], others, 0.2)))
    assert "<title>Retraining of bank: Rejected</title>" in html
    assert "It forgets" in text_of(html)
    assert "Promoted" not in text_of(html)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_says_how_the_candidate_reads(language: Language) -> None:
    report = a_report()
    (told,) = sentences_of(report.reading, language)
    assert "+0.031" in told and told in full_text(report, language)


def test_everything_that_was_given_is_shown() -> None:
    report = a_report()
    text = full_text(report)
    f1 = report.measurement.tables[0].summaries[CANDIDATE].f1
    gain = report.measurement.gains[0].estimate
    assert f1 is not None
    wanted = (
        f"{f1.mean:.3f} {f1.low:.2f} – {f1.high:.2f}",
        f"candidate base {gain.mean:+.3f} {gain.low:+.2f} to {gain.high:+.2f}",
        "All questions · 90 cases",
        "Together 3.237 3.257 +0.020 3,800",
        "pairs given 1,371",
        "samples: answer 12",
        "holds a phone number 6",
        "en.jsonl:7 Who answers the phone? holds a phone number",
        "en.jsonl Apache-2.0 200",
        "zh.jsonl not stated 100",
        "area 0.889",
        "rank 16",
        "peft 0.21.2",
        "base abc123",
        report.measurement.regressions[0].case.question.text,
        report.measurement.examples[0].case.question.text,
    )
    assert [piece for piece in wanted if piece not in text] == []


@pytest.mark.parametrize(
    ("report", "wanted"),
    [
        (every_page()[1], ("Training of bank", "/home/adapter", "Loss", "pairs given 1,371", "rank 16")),
        (every_page()[2], ("Evaluation on bank", "Gains in F1", "Worst regressions", "side by side")),
        (every_page()[3], ("Pairs of faq", "Collection bank", "holds a phone number 6", "en.jsonl:7")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_other_pages_show_the_same_parts(report: Report, wanted: tuple[str, ...]) -> None:
    text = full_text(report)
    assert [piece for piece in wanted if piece not in text] == []


@pytest.mark.parametrize("report", every_page(), ids=lambda report: type(report).__name__)
def test_a_chinese_page_has_no_english_words_of_ours(report: Report) -> None:
    html = render_report(report, "zh")
    assert '<html lang="zh">' in html
    text = text_of(html)
    words = {field.name: getattr(EN, field.name) for field in fields(EN)}
    ours = {
        word for name, word in words.items() if name != "language" and "{" not in word and len(word) > 8
    } - {"holds a phone number"}
    assert [word for word in ours if word in text] == []
    assert ZH.dropped in text


def test_both_languages_fill_in_the_same_names() -> None:
    def names(text: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}

    for field in fields(EN):
        english, chinese = getattr(EN, field.name), getattr(ZH, field.name)
        assert names(english) == names(chinese), field.name
        assert english.strip() and chinese.strip()
        assert field.name in SAME or english != chinese, field.name


@pytest.mark.parametrize("kind", get_args(ReasonKind))
def test_each_reason_has_its_sentence(kind: ReasonKind) -> None:
    names = {name for _, name, _, _ in Formatter().parse(getattr(EN, f"reason_{kind}")) if name}
    reason = Reason(kind, {name: BASE if name == "name" else 0.5 for name in names})
    english, chinese = sentence_of(reason, EN), sentence_of(reason, ZH)
    assert english != chinese
    if "name" in names:
        assert EN.base in english and ZH.base in chinese


def test_reasons_are_told_in_the_language_asked_for() -> None:
    reason = Reason("wrong_refusals", {"share": 0.2, "most": 0.1})
    assert sentences_of([reason, "An old sentence."], "zh") == [
        "它对 20% 的可回答问题拒答，最多允许 10%。",
        "An old sentence.",
    ]


def test_all_that_is_counted_has_a_word() -> None:
    kinds = ("answer", "refusal", "together", "task", "text")
    for name in (*(f"samples_{kind}" for kind in kinds), *(f"cases_{kind}" for kind in get_args(Kind))):
        assert count_name(name, EN) and count_name(name, ZH)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    for report in every_page():
        _needs_nothing(render_report(report))


def _needs_nothing(html: str) -> None:
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
    seen = measurement(
        tables=(Table("all", {EVIL: summarise(SCORED[BASE], resamples=50)}),),
        gains=(Gain(EVIL, EVIL, Estimate(0.1, 0.0, 0.2, 9)),),
        regressions=(shown,),
        examples=(shown,),
    )
    selection = Selection({"steps": 1}, {EVIL: 2}, (Source(EVIL, EVIL, 3),), (Lost(EVIL, EVIL, EVIL),))
    making = Making({EVIL: EVIL}, {EVIL: EVIL}, {EVIL: EVIL})
    report = a_report(
        name=EVIL,
        version=EVIL,
        made=EVIL,
        measurement=seen,
        refusals=(replace(LINE, name=EVIL),),
        selection=selection,
        making=making,
    )
    others: list[Report] = [
        TrainingReport(EVIL, EVIL, EVIL, (), selection, making),
        EvaluationReport(EVIL, EVIL, seen, selection, making),
        PairsReport(EVIL, EVIL, EVIL, selection),
    ]
    told = replace(
        report, verdict=replace(report.verdict, reasons=(Reason("not_better", RANGE | {"name": EVIL}),))
    )
    for html in map(render_report, (told, *others)):
        assert "<script" not in html
        assert "<img" not in html
        assert EVIL in unescape(html)


def test_chinese_is_shown_and_named_as_such() -> None:
    case = a_case(1, language="zh")
    shown = Comparison(case, {CANDIDATE: score(case, a_reply("白金卡年费680元"))})
    html = render_report(a_report(measurement=measurement(examples=(shown,))))
    assert '<p class="asked" lang="zh">第1号是什么？</p>' in html
    assert "白金卡年费680元" in html


def test_a_long_reply_is_cut() -> None:
    case = a_case(1)
    shown = Comparison(case, {CANDIDATE: score(case, a_reply("word " * 5000))})
    assert len(render_report(a_report(measurement=measurement(examples=(shown,), regressions=())))) < 60_000


def test_a_run_that_stopped_early_still_has_its_page() -> None:
    nothing = measurement(tables=(), gains=(), regressions=(), examples=())
    report = a_report(
        measurement=nothing, forgetting=None, losses=(), refusals=(), selection=Selection({}),
        making=Making({}, {}, {}),
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


def test_figures_are_given_for_all_and_for_each_language_that_was_asked_in() -> None:
    english = {name: [e for e in entries if e.case.language == "en"] for name, entries in SCORED.items()}
    assert [table.group for table in tables_of(english)] == ["all", "en"]
    assert best_of(SCORED) == CANDIDATE


def test_examples_are_drawn_by_seed_with_every_contender() -> None:
    found = drawn(SCORED, 5, seed=1)
    assert found == drawn(SCORED, 5, seed=1)
    assert found != drawn(SCORED, 5, seed=2)
    assert [list(entry.scored) for entry in found] == [list(SCORED)] * 5
    assert len(drawn(SCORED, 10**6)) == len(CASES)
    assert drawn({}) == ()


def test_plots_take_their_colours_from_the_page() -> None:
    for svg in (
        loss_plot([LossPoint(1, 2.0, 2.1), LossPoint(2, 1.0)], EN),
        refusal_plot([LINE] * 7, 0.05, EN),
    ):
        assert svg.startswith("<svg")
        assert "var(--ink)" in svg
        assert "var(--series-0)" in svg
        assert not re.search(r"#0000[01]\d", svg)
        assert "<style" not in svg


@pytest.mark.parametrize("points", [[LossPoint(1, 1.0)], [LossPoint(5, None, 0.5)], [LossPoint(1)]])
def test_a_loss_that_was_measured_once_or_never_is_drawn(points: list[LossPoint]) -> None:
    assert ">loss (nats a token)</text>" in loss_plot(points, EN)
    assert ">损失（纳特/词元）</text>" in loss_plot(points, ZH)

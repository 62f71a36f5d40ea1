"""The report page: complete, self-contained, and nothing from outside is executed."""

import re
from dataclasses import fields, replace
from html import unescape
from string import Formatter
from typing import get_args

import pytest

from answering.values import Kind as QuestionKind
from finetune.evaluation.bootstrap import Estimate
from finetune.evaluation.calibration import curve
from finetune.evaluation.cases import BASE, CANDIDATE, NO_CONTEXT, Kind
from finetune.evaluation.forgetting import Forgetting, Losses
from finetune.evaluation.promotion import judge
from finetune.evaluation.scoring import Scored, score, summarise
from finetune.pairs.values import Dropped
from finetune.reasons import Reason, ReasonKind
from finetune.registry.manifest import Data
from finetune.report.builders import best_of, by_reason, drawn, tables_of, worst
from finetune.report.pages import Report, environment, render_report
from finetune.report.plots import RefusalLine, loss_plot, refusal_plot
from finetune.report.texts_en import ReportWords
from finetune.report.texts_zh import ZH
from finetune.report.values import (
    Comparison,
    EvaluationReport,
    Gain,
    Making,
    Measurement,
    PairsReport,
    RetrainingReport,
    Selection,
    Table,
    TrainingReport,
)
from finetune.report.words import EN, dropped_line, kind_name, sentence_of, sentences_of
from finetune.training.values import Point
from retrieval.prompt import Language
from tests.finetune.evaluation.synthetic import a_case, an_answer, contender, some_cases

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
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
    {"personal_data": 6},
    (
        Data(name="en.jsonl", digest="1", licence="Apache-2.0", pairs=200),
        Data(name="zh.jsonl", digest="2", pairs=100),
    ),
    (
        Dropped(
            "7",
            "Who answers the phone?",
            "en.jsonl:7",
            Reason("personal_data", {"personal": "phone number"}),
        ),
    ),
)
MAKING = Making({"rank": "16"}, {"peft": "0.21.2"}, {"base": "abc123"})
LOSSES = (Point(1, 2.0), Point(2, 1.5, 1.6), Point(3, 1.2))
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
        reading=(Reason("reads_compressed", {"gain": 0.031, "count": 40}),),
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
    assert text.index(sentences_of(report.verdict.reasons, "en")[0]) < text.index("Test results")


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
        "All questions · 90 questions",
        "Together 3.237 3.257 +0.020 3,800",
        "pairs given 1,371",
        "samples: answer 12",
        "it contains personal data: … 6",
        "en.jsonl:7 Who answers the phone? it contains personal data: phone number",
        "en.jsonl Apache-2.0 200",
        "zh.jsonl not stated 100",
        "area 0.889",
        "rank 16",
        "peft 0.21.2",
        "base abc123",
        report.measurement.regressions[0].case.question,
        report.measurement.examples[0].case.question,
    )
    assert [piece for piece in wanted if piece not in text] == []


@pytest.mark.parametrize(
    ("report", "wanted"),
    [
        (every_page()[1], ("Training of bank", "/home/adapter", "Loss", "pairs given 1,371", "rank 16")),
        (every_page()[2], ("Evaluation on bank", "Gains in F1", "Worst regressions", "side by side")),
        (every_page()[3], ("Pairs of faq", "Collection bank", "personal data: … 6", "en.jsonl:7")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_other_pages_show_the_same_parts(report: Report, wanted: tuple[str, ...]) -> None:
    text = full_text(report)
    assert [piece for piece in wanted if piece not in text] == []


def plain_words(words: ReportWords) -> dict[str, str]:
    """Every text of one language by its name."""
    texts = {field.name: getattr(words, field.name) for field in fields(words)}
    named = {name: text for name, text in texts.items() if isinstance(text, str) and name != "language"}
    for group in ("reasons", "counts", "groups", "contenders"):
        named |= {f"{group}.{name}": text for name, text in texts[group].items()}
    return named


@pytest.mark.parametrize("report", every_page(), ids=lambda report: type(report).__name__)
def test_a_chinese_page_has_no_english_words_of_ours(report: Report) -> None:
    html = render_report(report, "zh")
    assert '<html lang="zh">' in html
    text = text_of(html)
    ours = {word for word in plain_words(EN).values() if "{" not in word and len(word) > 8}
    assert [word for word in ours if word in text] == []
    assert ZH.dropped in text


def test_both_languages_have_the_same_texts_and_fill_in_the_same_names() -> None:
    def names(text: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}

    english, chinese = plain_words(EN), plain_words(ZH)
    assert english.keys() == chinese.keys()
    for name, text in english.items():
        assert names(text) == names(chinese[name]), name
        assert text.strip() and chinese[name].strip()
        assert text != chinese[name] or text == "{cause}", name
        assert not re.search("[\u4e00-\u9fff]", text), name


def test_each_kind_of_reason_has_its_sentence() -> None:
    assert set(EN.reasons) == set(ZH.reasons) == set(get_args(ReasonKind))


@pytest.mark.parametrize("kind", sorted(set(get_args(ReasonKind)) - {"unreadable"}))
def test_a_reason_is_reported_in_both_languages(kind: ReasonKind) -> None:
    texts = {"name": BASE, "question_kind": "howto", "personal": "phone number", "language": "en"}
    names = {name for _, name, _, _ in Formatter().parse(EN.reasons[kind]) if name}
    reason = Reason(kind, {name: texts.get(name, 0.5) for name in names})
    english, chinese = sentence_of(reason, EN), sentence_of(reason, ZH)
    assert english != chinese
    if "name" in names:
        assert "base" in english and "基础模型" in chinese
    if "question_kind" in names:
        assert "how-to questions" in english and "操作类问题" in chinese
    if "personal" in names:
        assert "phone number" in english and "电话号码" in chinese


def test_a_dropped_pair_is_counted_by_kind_and_told_with_its_figures() -> None:
    dropped = [Dropped(str(n), "Fee?", "a.csv:2", Reason("repeated", {"id": f"bank-{n}"})) for n in range(3)]
    assert by_reason(dropped) == {"repeated": 3}
    assert kind_name("repeated", EN) == "nearly the same question and answer as …"
    assert kind_name("repeated", ZH) == "问题和答案与 … 几乎相同"
    assert dropped_line(dropped[0]) == {
        "id": "0",
        "question": "Fee?",
        "origin": "a.csv:2",
        "kind": "repeated",
        "reason": "nearly the same question and answer as bank-0",
    }


def test_reasons_are_reported_in_the_language_asked_for() -> None:
    reason = Reason("wrong_refusals", {"share": 0.2, "most": 0.1})
    assert sentences_of([reason, "An old sentence."], "zh") == [
        "它拒答了 20% 的可回答问题，上限为 10%。",
        "An old sentence.",
    ]


def test_all_that_is_counted_has_a_word() -> None:
    kinds = ("answer", "refusal", "together", "task")
    for name in (*(f"samples_{kind}" for kind in kinds), *(f"cases_{kind}" for kind in get_args(Kind))):
        assert EN.counts[name] and ZH.counts[name]


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
    case = replace(a_case(1), question=EVIL, answers=(EVIL,), id=EVIL)
    shown = Comparison(case, {EVIL: score(case, an_answer(EVIL, cited=[(EVIL, EVIL)]))})
    seen = measurement(
        tables=(Table("all", {EVIL: summarise(SCORED[BASE], resamples=50)}),),
        gains=(Gain(EVIL, EVIL, Estimate(0.1, 0.0, 0.2, 9)),),
        regressions=(shown,),
        examples=(shown,),
    )
    lost = Dropped(EVIL, EVIL, EVIL, Reason("unreadable", {"cause": EVIL}))
    source = Data(name=EVIL, digest="", licence=EVIL, pairs=3)
    selection = Selection({"steps": 1}, {"unreadable": 2}, (source,), (lost,))
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
    shown = Comparison(case, {CANDIDATE: score(case, an_answer("白金卡年费680元"))})
    html = render_report(a_report(measurement=measurement(examples=(shown,))))
    assert '<p class="asked" lang="zh">第1号是什么？</p>' in html
    assert "白金卡年费680元" in html


def test_a_long_reply_is_cut() -> None:
    case = a_case(1)
    shown = Comparison(case, {CANDIDATE: score(case, an_answer("word " * 5000))})
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
        score(case, an_answer(case.answers[0] if case.answers else "", refused=not case.answers))
        for case in cases
    ]
    texts = ("amber 0", "birch", "wrong", "delta 3", "invented")
    after = [score(case, an_answer(text)) for case, text in zip(cases, texts, strict=True)]
    found = worst(CANDIDATE, after, BASE, before[::-1])
    assert [entry.case.id for entry in found] == ["a002", "u000", "a001"]
    assert list(found[0].scored) == [BASE, CANDIDATE]
    assert worst(CANDIDATE, before, BASE, after) == ()
    assert len(worst(CANDIDATE, after, BASE, before, most=1)) == 1


def in_chinese(entry: Scored) -> Scored:
    return replace(entry, case=replace(entry.case, language="zh"))


def of_kind(entry: Scored, kind: QuestionKind) -> Scored:
    return replace(entry, answer=replace(entry.answer, kind=kind))


def test_figures_are_given_for_each_kind_of_question() -> None:
    mixed = {
        name: [of_kind(e, "howto" if n % 3 == 0 else "yesno") for n, e in enumerate(entries)]
        for name, entries in SCORED.items()
    }
    found = tables_of(mixed)
    assert [table.group for table in found] == ["all", "yesno", "howto"]
    assert [table.summaries[BASE].count for table in found] == [90, 60, 30]


def test_figures_are_given_for_all_and_for_each_language_of_several() -> None:
    english = {name: [e for e in entries if e.case.language == "en"] for name, entries in SCORED.items()}
    assert [table.group for table in tables_of(english)] == ["all"]
    both = {name: [*entries[:70], *map(in_chinese, entries[70:])] for name, entries in SCORED.items()}
    assert [table.group for table in tables_of(both)] == ["all", "en", "zh"]
    assert best_of(SCORED) == CANDIDATE


def test_examples_are_drawn_by_seed_with_every_contender() -> None:
    found = drawn(SCORED, 5, seed=1)
    assert found == drawn(SCORED, 5, seed=1)
    assert found != drawn(SCORED, 5, seed=2)
    assert [list(entry.scored) for entry in found] == [list(SCORED)] * 5
    assert len(drawn(SCORED, 10**6)) == len(CASES)
    assert drawn({}) == ()


def test_a_loss_plot_shows_each_measurement_within_its_frame() -> None:
    plot = loss_plot([Point(1, 2.0, 2.1), Point(2, 1.0)], EN)
    (first, second), (measured,) = plot.lines
    assert first[0] < second[0]
    assert first[1] < second[1], "a higher loss stands higher"
    assert plot.dots == ((), [measured])
    assert measured[1] < first[1]
    assert [tick.text for tick in plot.across] == ["1", "2"]
    assert [tick.text for tick in plot.up] == ["1", "1.5", "2"]


def test_a_refusal_plot_marks_the_allowed_share_and_the_threshold() -> None:
    plot = refusal_plot([LINE] * 7, 0.2, EN)
    assert [tick.text for tick in plot.across] == ["0%", "20%", "40%", "60%", "80%", "100%"]
    assert plot.rule == plot.across[1].place
    assert len(plot.lines) == len(plot.dots) == 7
    html = environment("en").from_string('{% import "plot.html" as p %}{{ p.drawn(plot) }}').render(plot=plot)
    assert html.count("<polyline") == 7
    assert html.count('class="s0"') == 4, "the colours begin again after five lines; each line has a dot"


@pytest.mark.parametrize("points", [[Point(1, 1.0)], [Point(5, 0.7, 0.5)], []])
def test_a_loss_that_was_measured_once_or_never_is_drawn(points: list[Point]) -> None:
    plot = loss_plot(points, ZH)
    assert plot.labels == ("步", "损失（纳特/词元）")
    assert all(12 <= y <= 252 for line in plot.lines for _, y in line)

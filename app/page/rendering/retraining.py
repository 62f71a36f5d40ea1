"""Retrainings: how far one is, what it came to, and the list of all."""

from collections.abc import Sequence

from app.page.markup import Markup, icon, tag
from app.page.rendering.adapters import reasons_list, report_button, verdict_pill
from app.page.rendering.notices import hint
from app.page.rendering.times import duration, moment
from app.page.texts import Texts
from finetune.registry.manifest import Verdict
from finetune.retrain.runs import RunInfo
from finetune.retrain.values import STEPS, Outcome, Status
from finetune.training.values import Point

_POINTS = 400  # of a curve that are drawn: more are not told apart


def run(info: RunInfo, has_curve: bool, texts: Texts) -> Markup:
    """One retraining as it stands; whether it has a curve decides if the plot beside it is shown."""
    title = texts.run_of.format(name=info.name)
    head = tag(
        "header",
        tag("div", tag("h3", title), tag("p", _place(info), cls="dq-place")),
        _state_pill(info, texts),
    )
    parts = [_steps(info, texts), _progress(info, texts), _end(info, texts)]
    return tag("section", head, *parts, cls="dq-run", data_id=info.id, data_curve=has_curve)


def table(runs: Sequence[RunInfo], shown: str, texts: Texts) -> Markup:
    """All retrainings, the newest first; `shown` is the id of the one on display."""
    if not runs:
        return hint(texts.no_runs)
    rows = [_row(info, info.id == shown, texts) for info in runs]
    return tag("table", tag("tbody", *rows), cls="dq-table dq-runs")


def curve(points: Sequence[Point], texts: Texts) -> dict[str, object]:
    """Losses as `gr.LinePlot` draws them: step, loss, and the name of the line."""
    shown = _thinned([(point.step, point.loss) for point in points])
    held = _thinned([(point.step, point.dev_loss) for point in points if point.dev_loss is not None])
    # Each line has its name from the beginning, and with it its colour.
    named: list[list[object]] = [[0, None, texts.loss_training], [0, None, texts.loss_held_back]]
    lines = ((texts.loss_training, shown), (texts.loss_held_back, held))
    return {
        "columns": ["step", "loss", "line"],
        "data": named + [[step, loss, name] for name, line in lines for step, loss in line],
        "datatypes": {"step": "quantitative", "loss": "quantitative", "line": "nominal"},
        "mark": "line",
    }


def _thinned(line: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most _POINTS of a line, evenly, the last one always among them."""
    stride = max(1, -(-len(line) // _POINTS))
    return list(reversed(list(reversed(line))[::stride]))


def _place(info: RunInfo) -> str:
    return f"{info.collection} · {moment(info.created)}"


def _state_pill(info: RunInfo, texts: Texts) -> Markup:
    words = {
        "waiting": (texts.run_waiting, ""),
        "running": (texts.run_running, "dq-live-pill"),
        "stopped": (texts.run_stopped, ""),
        "failed": (texts.run_failed, "dq-bad"),
        "done": (texts.run_done, ""),
    }
    if info.outcome:
        return verdict_pill(_verdict(info.outcome), texts)
    word, cls = words[info.state]
    return tag("span", word, cls=f"dq-pill {cls}".strip())


def _verdict(outcome: Outcome) -> Verdict:
    return Verdict(promoted=outcome.promoted, reasons=outcome.reasons)


def _step_names(texts: Texts) -> dict[str, str]:
    return {
        "pairs": texts.step_pairs,
        "check": texts.step_check,
        "split": texts.step_split,
        "samples": texts.step_samples,
        "train": texts.step_train,
        "calibrate": texts.step_calibrate,
        "evaluate": texts.step_evaluate,
        "judge": texts.step_judge,
        "register": texts.step_register,
    }


def _steps(info: RunInfo, texts: Texts) -> Markup:
    """The steps in a row: those behind, the one that is under way, those to come."""
    names = _step_names(texts)
    place = STEPS.index(info.status.step) if info.status and info.status.step in STEPS else -1
    place = len(STEPS) if info.outcome else place
    items = []
    for number, step in enumerate(STEPS):
        state = "past" if number < place else "now" if number == place else "next"
        current = "step" if state == "now" else None
        items.append(tag("li", names.get(step, step), cls=f"dq-step-{state}", aria_current=current))
    return tag("ol", *items, cls="dq-steps")


def _progress(info: RunInfo, texts: Texts) -> Markup:
    if info.state not in ("running", "waiting", "stopped") or info.status is None:
        return Markup("")
    status = info.status
    percent = round(100 * min(1.0, status.done / status.total)) if status.total > 0 else 0
    name = _step_names(texts).get(status.step, status.step)
    bar = tag("span", tag("span", style=f"width:{percent}%"), cls="dq-bar dq-wide")
    return tag(
        "div",
        tag("p", tag("b", name), tag("span", " · ".join(_details(status, texts))), cls="dq-now"),
        tag("div", bar, tag("b", f"{percent}%"), cls="dq-bar-row"),
        role="progressbar",
        aria_label=name,
        aria_valuemin="0",
        aria_valuemax="100",
        aria_valuenow=percent,
    )


def _details(status: Status, texts: Texts) -> list[str]:
    told = []
    if status.total > 0:
        told.append(texts.step_count.format(done=f"{status.done:,}", total=f"{status.total:,}"))
    if status.seconds_left is not None:
        told.append(texts.time_left.format(time=duration(status.seconds_left, texts)))
    if status.loss is not None:
        told.append(f"{texts.loss} {status.loss:.3f}")
    return [*told, status.note] if status.note else told


def _end(info: RunInfo, texts: Texts) -> Markup:
    """What it came to, or why it could not go on."""
    if info.state == "failed":
        return tag(
            "div",
            icon("warning"),
            tag("p", info.error),
            cls="dq-notice dq-error dq-inset",
            role="alert",
        )
    if info.outcome is None:
        return Markup("")
    name = f"{info.outcome.name}@{info.outcome.version}"
    told = texts.run_promoted if info.outcome.promoted else texts.run_rejected
    return tag(
        "div",
        tag("p", told.format(name=name), cls="dq-verdict"),
        reasons_list(info.outcome.reasons, texts),
        report_button(info.id, "run", texts) if info.report else "",
        role="status",
    )


def _row(info: RunInfo, is_shown: bool, texts: Texts) -> Markup:
    name = info.outcome and f"{info.outcome.name}@{info.outcome.version}"
    button = tag(
        "button",
        tag("b", name or info.name),
        tag("i", _place(info)),
        cls="dq-open",
        type="button",
        data_event="run",
        data_run=info.id,
        aria_current="true" if is_shown else None,
    )
    report = report_button(info.id, "run", texts) if info.report else ""
    return tag(
        "tr",
        tag("td", button),
        tag("td", _state_pill(info, texts)),
        tag("td", tag("div", report, cls="dq-row-actions")),
        cls="dq-is-shown" if is_shown else "",
    )

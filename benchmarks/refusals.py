"""When a reader refuses: right against wrong refusals for every threshold, as figures and as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.measuring import Row
from finetune.evaluation.calibration import Curve, curve
from finetune.evaluation.scoring import Scored, summarise

ALLOWED = 0.05


def curve_of(scored: Sequence[Scored]) -> Curve | None:
    """The curve over the confidences of all replies; None without questions of both kinds."""
    sure = [entry.answer.confidence for entry in scored if entry.case.answerable]
    unsure = [entry.answer.confidence for entry in scored if not entry.case.answerable]
    return curve(sure, unsure) if sure and unsure else None


def refusal_figures(scored: Sequence[Scored]) -> Row:
    """The area under the curve, and the share refused rightly where `ALLOWED` are refused wrongly."""
    measured = curve_of(scored)
    return {
        "AUC": measured.area if measured else None,
        f"refused at {ALLOWED:.0%} wrong": measured.right_at(ALLOWED) if measured else None,
    }


def draw(file: Path, replies: Mapping[str, Sequence[Scored]]) -> None:
    """One line for each entry, with a dot where it refuses as it is served."""
    figure = Figure((6.4, 4.2), layout="constrained", dpi=120)
    axes = figure.subplots()
    axes.axvline(ALLOWED, color="#888888", linewidth=0.8, linestyle="--")
    for name, scored in replies.items():
        if (measured := curve_of(scored)) is None:
            continue
        wrong = [0.0, *(point.wrong for point in measured.points)]
        right = [0.0, *(point.right for point in measured.points)]
        (line,) = axes.plot(wrong, right, label=f"{name} (AUC {measured.area:.3f})", linewidth=1.6)
        summary = summarise(scored)
        if summary.false_refusals and summary.refusal_recall:
            served = (summary.false_refusals.mean, summary.refusal_recall.mean)
            axes.plot(*served, marker="o", color=line.get_color())
    axes.set(xlabel="refused wrongly", ylabel="refused rightly", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.grid(linewidth=0.4)
    axes.legend(loc="lower right", fontsize="small")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file)

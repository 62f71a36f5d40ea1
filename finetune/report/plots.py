"""Plots as pieces of SVG that take their colours and typeface from the page around them.

matplotlib draws them in colours that stand for roles; these become CSS variables, so that one drawing is
right on a light page and on a dark one.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from finetune.evaluation.calibration import Curve
from finetune.report.texts_en import ReportWords
from finetune.training.values import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# As many lines as a plot can hold apart; more take the colours from the beginning.
SERIES = 5

# What stands at the axes until the words are known: matplotlib's typeface has no Chinese characters.
_ACROSS, _UP = "across", "up"
_INCHES = (5.2, 3.0)
_INK, _LINE = "#000001", "#000002"
_ROLES = {_INK: "var(--ink)", _LINE: "var(--line)"} | {
    f"#00001{number}": f"var(--series-{number})" for number in range(SERIES)
}
_STYLE: dict[Any, Any] = {  # matplotlib types each key
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "domainqa",  # the same drawing gives the same bytes
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "lines.linewidth": 1.8,
}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_SIZE = re.compile(r' width="[^"]*pt" height="[^"]*pt"', re.ASCII)
_GLOBAL_STYLE = re.compile(r"<defs>\s*<style.*?</defs>\s*", re.DOTALL)
_REFERENCE = re.compile(r'(\bid="|url\(#|href="#)')


@dataclass(frozen=True, slots=True)
class RefusalLine:
    """A refusal curve, and the shares (wrong, right) of refusals at the threshold that is used."""

    name: str
    curve: Curve
    used: tuple[float, float] | None = None


def loss_plot(points: Sequence[Point], words: ReportWords) -> Markup:
    """Loss in nats per reply token by step: of training as the first series, of validation as the second."""
    with _axes() as (figure, axes):
        train = [(point.step, point.loss) for point in points]
        validation = [(point.step, point.dev_loss) for point in points if point.dev_loss is not None]
        for number, line in enumerate((train, validation)):
            if line:
                axes.plot(
                    *zip(*line, strict=True), color=_series(number), marker="o" if number else None, ms=4
                )
        axes.locator_params(axis="x", integer=True)
        return _svg(figure, "loss", words.loss_by_step, (words.step_axis, words.loss_axis))


def refusal_plot(lines: Sequence[RefusalLine], allowed: float, words: ReportWords) -> Markup:
    """Right against wrong refusals, one series a line, and a mark at the share of wrong ones allowed."""
    with _axes() as (figure, axes):
        axes.axvline(allowed, color=_INK, linewidth=0.8, linestyle=(0, (3, 3)))
        for number, line in enumerate(lines):
            wrong = [0.0, *(point.wrong for point in line.curve.points)]
            right = [0.0, *(point.right for point in line.curve.points)]
            axes.plot(wrong, right, color=_series(number))
            if line.used:
                axes.plot(*line.used, color=_series(number), marker="o", ms=7)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda share, _: f"{share:.0%}")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        labels = (words.refused_wrongly_axis, words.refused_rightly_axis)
        return _svg(figure, "refusals", words.refusals_against, labels)


def _series(number: int) -> str:
    return f"#00001{number % SERIES}"


@contextmanager
def _axes() -> "Iterator[tuple[Figure, Axes]]":
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(_INCHES, layout="constrained")
        axes = figure.subplots()
        axes.set(xlabel=_ACROSS, ylabel=_UP)
        axes.tick_params(length=0)
        axes.margins(x=0.02)
        yield figure, axes


def _svg(figure: "Figure", name: str, title: str, labels: tuple[str, str]) -> Markup:
    written = io.StringIO()
    figure.savefig(written, format="svg", transparent=True, metadata=_NO_METADATA)
    text = written.getvalue()
    text = _SIZE.sub(f' role="img" aria-label="{escape(title)}"', text[text.index("<svg") :], count=1)
    text = _GLOBAL_STYLE.sub("", text, count=1)  # it would hold for the whole page
    # Ids are those of the whole page once several drawings stand in it.
    text = _REFERENCE.sub(lambda found: f"{found[1]}{name}-", text)
    for colour, role in _ROLES.items():
        text = text.replace(colour, role)
    for place, label in zip((_ACROSS, _UP), labels, strict=True):
        text = text.replace(f">{place}</text>", f">{escape(label)}</text>")
    return Markup(text)  # noqa: S704 - drawn here; no text from outside is in it

"""Plots of a report: where lines, dots and ticks are; `plot.html` draws them in the colours of the page."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from finetune.evaluation.calibration import Curve
from finetune.report.texts_en import ReportWords
from finetune.training.values import Point

# As many lines as a plot can hold apart; more take the colours from the beginning.
SERIES = 5

# The frame of the lines within a drawing of 520 by 300: left, right, top, bottom.
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 508, 12, 252
_MOST_TICKS = 6

_Places = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class RefusalLine:
    """A refusal curve, and the shares (wrong, right) of refusals at the threshold that is used."""

    name: str
    curve: Curve
    used: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark at an axis: `place` in the drawing, and what it says."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """What is drawn where, in units of the drawing; `rule` is the place of a dashed vertical line."""

    title: str
    labels: tuple[str, str]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    lines: tuple[_Places, ...]
    dots: tuple[_Places, ...]
    rule: float | None = None


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float
    start: int
    end: int

    def place(self, value: float) -> float:
        """Where a value is in the drawing."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, text: Callable[[float], str], least: float = 0.0) -> tuple[Tick, ...]:
        """Marks at round values, no nearer to each other than `least`."""
        unit = 10.0 ** math.floor(math.log10((self.high - self.low) / _MOST_TICKS))
        steps = (unit * factor for factor in (1, 2, 5, 10, 20))
        step = max(least, next(s for s in steps if (self.high - self.low) / s <= _MOST_TICKS))
        numbers = range(math.ceil(self.low / step), math.floor(self.high / step) + 1)
        return tuple(Tick(self.place(number * step), text(number * step)) for number in numbers)


def loss_plot(points: Sequence[Point], words: ReportWords) -> Plot:
    """Loss in nats per reply token by step: of training as the first series, of validation as the second."""
    train = [(float(point.step), point.loss) for point in points]
    validation = [(float(point.step), point.dev_loss) for point in points if point.dev_loss is not None]
    across = _axis([step for step, _ in train], _LEFT, _RIGHT)
    up = _axis([loss for _, loss in (*train, *validation)], _BOTTOM, _TOP)
    lines = tuple(_placed(line, across, up) for line in (train, validation))
    return Plot(
        title=words.loss_by_step,
        labels=(words.step_axis, words.loss_axis),
        across=across.ticks("{:.0f}".format, least=1),
        up=up.ticks("{:.6g}".format),
        lines=lines,
        dots=((), lines[1]),
    )


def refusal_plot(lines: Sequence[RefusalLine], allowed: float, words: ReportWords) -> Plot:
    """Right against wrong refusals, one series a line, and a rule at the share of wrong ones allowed."""
    across, up = _Axis(0, 1, _LEFT, _RIGHT), _Axis(0, 1, _BOTTOM, _TOP)
    curves = [[(0.0, 0.0), *((point.wrong, point.right) for point in line.curve.points)] for line in lines]
    return Plot(
        title=words.refusals_against,
        labels=(words.refused_wrongly_axis, words.refused_rightly_axis),
        across=across.ticks("{:.0%}".format),
        up=up.ticks("{:.0%}".format),
        lines=tuple(_placed(curve, across, up) for curve in curves),
        dots=tuple(_placed([line.used] if line.used else [], across, up) for line in lines),
        rule=across.place(allowed),
    )


def _axis(values: Sequence[float], start: int, end: int) -> _Axis:
    """From the lowest to the highest value with a little room; about one value where they are all equal."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    room = (high - low) / 20 or 0.5
    return _Axis(low - room, high + room, start, end)


def _placed(line: Iterable[tuple[float, float]], across: _Axis, up: _Axis) -> _Places:
    return [(across.place(x), up.place(y)) for x, y in line]

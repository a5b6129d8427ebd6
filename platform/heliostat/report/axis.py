"""Axes: the range that a plot shows, its ticks, and where a value lies between its ends.

Ticks are multiples of 1, 2 or 5 times a power of ten, and the axis ends on ticks that enclose the
data. They are computed in decimals: labels come out exact (0.3, not 0.30000000000000004), and
neither the largest nor the smallest float overflows on the way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext

from heliostat.report.typeset import scientific, tick_labels

# A range narrower than this part of its values is drawn as constant: what would be shown is the
# rounding of the last digits, under labels nobody can read.
_FLAT = 1e-9
_FLAT_LOG = 1e-6

_NICE = (1, 2, 5)


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis; `at` is 0 at its start and 1 at its end."""

    at: float
    label: str


@dataclass(frozen=True)
class Axis:
    """A fitted axis. `start` and `span` are in units of 2**shift, or in decades when `log`."""

    ticks: tuple[Tick, ...]
    start: float
    span: float
    shift: int = 0
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a finite value lies: 0 at the start of the axis, 1 at its end.

        On a log axis everything that is not positive lies at the start.
        """
        if self.log:
            if value <= 0:
                return 0.0
            at = math.log10(value)
        else:
            at = math.ldexp(value, -self.shift)
        return min(max((at - self.start) / self.span, 0.0), 1.0)


def fit(values: Sequence[float], *, log: bool = False, target: int = 6) -> Axis | None:
    """Return the axis that shows all values, with about `target` ticks; None without values.

    values: finite; on a log axis positive.
    """
    if not values:
        return None
    values = [float(value) for value in values]
    low, high = min(values), max(values)
    # A context of the axis's own: a caller's precision or traps change nothing.
    with localcontext(Context(prec=40, traps=[])):
        if not log:
            ticks, step = _spaced(low, high, target, _FLAT, _counts(values))
            return _linear(low, high, ticks, step)
        if math.log10(high) - math.log10(low) < 0.5:
            ticks, step = _spaced(low, high, target, _FLAT_LOG, False)
            return _logarithmic(ticks, tick_labels(ticks, step), ticks[0], ticks[-1])
        return _decades(low, high, target)


def categorical(names: Sequence[str]) -> Axis:
    """Return the axis of categories: the one numbered n lies in the middle of its share."""
    count = len(names)
    ticks = tuple(Tick((n + 0.5) / count, name) for n, name in enumerate(names))
    return Axis(ticks, start=-0.5, span=float(count))


def _spaced(
    low: float, high: float, target: int, flat: float, whole: bool
) -> tuple[list[Decimal], Decimal]:
    """Return equally spaced ticks around the range, and their distance."""
    first, last = _decimal(low), _decimal(high)
    largest = max(abs(first), abs(last))
    if last - first <= largest * Decimal(flat):
        margin = abs(first) / 10 or Decimal(1)
        first, last = first - margin, first + margin
    step = _nice((last - first) / target)
    if whole:
        step = max(step, Decimal(1))
    begin = int((first / step).to_integral_value(ROUND_FLOOR))
    end = int((last / step).to_integral_value(ROUND_CEILING))
    return [step * n for n in range(begin, end + 1)], step


def _decimal(value: float) -> Decimal:
    """Return the shortest decimal of a float, so that the axis of 0.1 starts at 0.1.

    The float's exact value may lie a hair outside, which would cost a whole step.
    """
    return Decimal(repr(value))


def _counts(values: Sequence[float]) -> bool:
    """Tell whether ticks should be whole; between 0 and 1 a share is likelier than a count."""
    return max(values) - min(values) != 1 and all(value.is_integer() for value in values)


def _nice(raw: Decimal) -> Decimal:
    """Return the smallest 1, 2 or 5 times a power of ten that is not below `raw`."""
    exponent = raw.adjusted()
    steps = (Decimal(m).scaleb(exponent) for m in (*_NICE, 10))
    return next(step for step in steps if step >= raw)


def _nice_below(raw: Decimal) -> Decimal:
    """Return the largest 1, 2 or 5 times a power of ten that is not above `raw`."""
    exponent = raw.adjusted()
    steps = (Decimal(m).scaleb(exponent) for m in reversed(_NICE))
    return next(step for step in steps if step <= raw)


def _linear(low: float, high: float, ticks: list[Decimal], step: Decimal) -> Axis:
    shift = math.frexp(max(abs(low), abs(high)))[1]
    unit = Decimal(2) ** shift
    start, span = ticks[0], ticks[-1] - ticks[0]
    labels = tick_labels(ticks, step)
    return Axis(
        ticks=tuple(
            Tick(float((tick - start) / span), label)
            for tick, label in zip(ticks, labels, strict=True)
        ),
        start=float(start / unit),
        span=float(span / unit),
        shift=shift,
    )


def _logarithmic(ticks: list[Decimal], labels: list[str], start: Decimal, end: Decimal) -> Axis:
    origin = start.log10()
    span = end.log10() - origin
    return Axis(
        ticks=tuple(
            Tick(float((tick.log10() - origin) / span), label)
            for tick, label in zip(ticks, labels, strict=True)
        ),
        start=float(origin),
        span=float(span),
        log=True,
    )


def _decades(low: float, high: float, target: int) -> Axis:
    """Fit a log axis that ends on 1, 2 or 5 times a power of ten, with ticks at powers of ten."""
    start, end = _nice_below(_decimal(low)), _nice(_decimal(high))
    decades = range(start.adjusted(), end.adjusted() + 1)
    ticks = [Decimal(m).scaleb(exponent) for exponent in decades for m in _NICE]
    crossed = len(decades) - 1
    if crossed > 2:
        stride = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200) if crossed <= s * target)
        ticks = [Decimal(1).scaleb(exponent) for exponent in decades if exponent % stride == 0]
    ticks = [tick for tick in ticks if start <= tick <= end]
    plain = all(-4 < tick.adjusted() < 6 for tick in ticks)
    labels = [f"{tick:f}" if plain else scientific(tick) for tick in ticks]
    return _logarithmic(ticks, labels, start, end)

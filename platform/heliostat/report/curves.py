"""From a method's series to what a plot can draw: gaps, log axes, and few enough points.

A value that is not finite leaves a gap. A value that a log axis cannot show leaves a gap as well.
Both are counted and named under the plot, so that nothing disappears in silence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heliostat.contract.sections import Plot, Series
from heliostat.errors import PluginError, did_you_mean

STYLES = ("line", "step", "points", "bars")

# What one series may cost: a line keeps its outline at the resolution of a screen, a cloud stays
# small enough for every point to carry its values as a tooltip.
_BUCKETS = 300
_CLOUD = 500


@dataclass(frozen=True)
class Point:
    """One place on a curve. `low` and `high` are None where the band has a gap."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


Run = tuple[Point, ...]


@dataclass(frozen=True)
class Curve:
    """A series without what cannot be drawn; between two runs there is a gap."""

    label: str
    style: str
    banded: bool
    runs: tuple[Run, ...]

    @property
    def points(self) -> list[Point]:
        """All points, in the order of the series."""
        return [point for run in self.runs for point in run]


@dataclass(frozen=True)
class Prepared:
    """The curves of a plot, and a sentence for each kind of value that is not shown as it is."""

    curves: tuple[Curve, ...]
    notes: tuple[str, ...]


def prepare(plot: Plot) -> Prepared:
    """Return what can be drawn of a plot; a malformed series raises `PluginError`."""
    _check(plot)
    curves = []
    not_finite = not_positive = below_zero = 0
    for series in plot.series:
        columns = _columns(series, plot.title)
        runs: list[list[Point]] = [[]]
        for x, y, low, high in zip(*columns, strict=True):
            if not (math.isfinite(x) and math.isfinite(y)):
                not_finite += 1
                runs.append([])
            elif (plot.log_x and x <= 0) or (plot.log_y and y <= 0):
                not_positive += 1
                runs.append([])
            elif not (math.isfinite(low) and math.isfinite(high)):
                not_finite += 1
                runs[-1].append(Point(x, y))
            else:
                below_zero += plot.log_y and min(low, high) <= 0
                runs[-1].append(Point(x, y, low, high))
        banded = series.low is not None or series.high is not None
        kept = tuple(tuple(run) for run in runs if run)
        curves.append(Curve(series.label, series.style, banded, kept))
    notes = (
        (not_finite, "{} not finite and left out."),
        (not_positive, "{} not positive and left out: the axis is logarithmic."),
        (below_zero, "{} banded down to zero or below: cut at the edge of the logarithmic axis."),
    )
    return Prepared(
        tuple(curves),
        tuple(text.format(_points_are(count)) for count, text in notes if count),
    )


def _check(plot: Plot) -> None:
    """Raise PluginError for axes that cannot be."""
    where = f"plot {plot.title!r}"
    if plot.log_x and (plot.categories or any(one.style == "bars" for one in plot.series)):
        raise PluginError(f"{where}: log_x = True, expected False with bars or categories")
    if plot.equal and (plot.categories or plot.log_x != plot.log_y):
        expected = "two axes of numbers, both logarithmic or none"
        raise PluginError(f"{where}: equal = True, expected {expected}")
    if isinstance(plot.categories, str):
        raise PluginError(f"{where}: categories = {plot.categories!r}, expected a list of names")
    for series in plot.series if plot.categories else ():
        for x in _floats(series.x, f"{where}, series {series.label!r}: x"):
            if math.isfinite(x) and not -0.5 <= x <= len(plot.categories) - 0.5:
                raise PluginError(
                    f"{where}, series {series.label!r}: x = {x:g}, expected the number of one of "
                    f"{len(plot.categories)} categories, from 0"
                )


def thin_line(points: Sequence[Point]) -> set[int]:
    """Return which points of a line to keep: the ends and extremes of some hundred stretches.

    Chosen by position in the series: the outline stays, and equal data give equal choices.
    """
    count = len(points)
    if count <= 4 * _BUCKETS:
        return set(range(count))
    kept = _extremes(range(count), lambda i: points[i].x)
    for bucket in range(_BUCKETS):
        stretch = range(count * bucket // _BUCKETS, count * (bucket + 1) // _BUCKETS)
        kept |= {stretch[0], stretch[-1]}
        kept |= _extremes(stretch, lambda i: points[i].y)
        kept |= _extremes(stretch, lambda i: _or(points[i].low, points[i].y))
        kept |= _extremes(stretch, lambda i: _or(points[i].high, points[i].y))
    return kept


def thin_cloud(places: Sequence[tuple[float, float]]) -> set[int]:
    """Return which points of a cloud to keep: the extremes, and the first in each cell of a grid.

    places: where the points lie between the ends of the axes, 0 to 1.
    """
    count = len(places)
    if count <= _CLOUD:
        return set(range(count))
    kept = _extremes(range(count), lambda i: places[i][0])
    kept |= _extremes(range(count), lambda i: places[i][1])
    cells = 256
    while True:
        taken: dict[tuple[int, int], int] = {}
        for i, (across, up) in enumerate(places):
            taken.setdefault((int(across * cells), int(up * cells)), i)
        if len(taken) <= _CLOUD:
            return kept | set(taken.values())
        cells = cells * 3 // 4


def _extremes(indices: range, value: Callable[[int], float]) -> set[int]:
    return {min(indices, key=value), max(indices, key=value)}


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _points_are(count: int) -> str:
    return "1 point is" if count == 1 else f"{count} points are"


def _columns(series: Series, plot: str) -> list[list[float]]:
    """Return x, y, low and high as floats of one length; a missing side of a band lies on y."""
    where = f"plot {plot!r}, series {series.label!r}"
    if series.style not in STYLES:
        hint = did_you_mean(str(series.style), STYLES)
        raise PluginError(f"{where}: unknown style {series.style!r}; {hint}")
    given = {"x": series.x, "y": series.y, "low": series.low, "high": series.high}
    columns: list[list[float]] = []
    for name, values in given.items():
        column = columns[1] if values is None else _floats(values, f"{where}: {name}")
        if columns and len(column) != len(columns[0]):
            raise PluginError(
                f"{where}: {name} has {len(column)} values, expected {len(columns[0])} as x has"
            )
        columns.append(column)
    return columns


def _floats(values: Sequence[float], where: str) -> list[float]:
    column = []
    for position, value in enumerate(values):
        try:
            column.append(float(value))
        except OverflowError:  # an integer beyond the largest float
            column.append(math.inf if value > 0 else -math.inf)
        except (TypeError, ValueError):
            raise PluginError(
                f"{where}[{position}] = {value!r}: expected a number; use nan where one is missing"
            ) from None
    return column

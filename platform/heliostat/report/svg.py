"""A plot as inline SVG: axes, grid, legend, bands, lines, steps and points.

Written by hand because a report is drawn at the end of every run: matplotlib would cost half a
second of import and ten times the bytes. Nothing is fetched, no script runs, equal plots give equal
text. Text and lines take the page's `currentColor`; the colours of series can be set by a page as
`--series-0` to `--series-6`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from heliostat.contract.sections import Plot
from heliostat.report.axis import Axis, fit
from heliostat.report.curves import Curve, Point, Run, prepare, thin_cloud, thin_line
from heliostat.report.marks import (
    LEGEND_LIMIT,
    LIGHT,
    TEXT,
    WIDTH,
    colour,
    dash,
    legend,
    marker,
    px,
    text_line,
)
from heliostat.report.typeset import escape, number, shorten, width

_PLOT_HEIGHT = 290.0
_MARKED = 60  # a line with more points than this shows no marker on each
_FINE = 400  # with more than this it is drawn finer: noisy curves hide one another less
_CROWD = 100  # a cloud of more points than this is drawn with smaller markers

STYLE = (
    ".hp{display:block;width:100%;height:auto;font:12px system-ui,sans-serif;"
    "font-variant-numeric:tabular-nums;fill:currentColor}"
    ".hp-title{font-weight:600;font-size:14px}"
    ".hp-soft{opacity:.72}"
    ".hp-frame{fill:currentColor;fill-opacity:.025}"
    ".hp-grid{stroke:currentColor;stroke-opacity:.13;fill:none}"
    ".hp-axis{stroke:currentColor;stroke-opacity:.55;fill:none}"
    ".hp-line{fill:none;stroke:var(--c);stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}"
    ".hp-fine{stroke-width:1;stroke-opacity:.8}"
    ".hp-mark{fill:var(--c);stroke:var(--c);stroke-width:1.2;fill-opacity:.8}"
    ".hp-band{fill:var(--c);fill-opacity:.16;stroke:var(--c);stroke-opacity:.25}"
    ".hp-bar{fill:none;stroke:var(--c);stroke-opacity:.6}"
    + "".join(f".hp-{n}{{--c:var(--series-{n},{colour})}}" for n, colour in enumerate(LIGHT))
)


@dataclass(frozen=True)
class _Frame:
    """Where the axes stand in the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def across(self, at: float) -> float:
        return self.left + at * (self.right - self.left)

    def up(self, at: float) -> float:
        return self.bottom - at * (self.bottom - self.top)


@dataclass(frozen=True)
class _Canvas:
    """A frame with its two axes: where a point of the data is drawn."""

    frame: _Frame
    x: Axis
    y: Axis

    def at(self, x: float, y: float) -> tuple[str, str]:
        return px(self.frame.across(self.x.place(x))), px(self.frame.up(self.y.place(y)))


def draw(plot: Plot) -> str:
    """Return the plot as one `<svg>` element.

    Series of style "line" and "step" (the value holds until the next x) show `low`/`high` as a
    band, those of style "points" as bars. A malformed series raises `PluginError`.
    """
    prepared = prepare(plot)
    points = [point for curve in prepared.curves for point in curve.points]
    x_axis = fit([point.x for point in points], log=plot.log_x, target=8)
    y_axis = fit(_heights(points, plot.log_y), log=plot.log_y, target=6)

    entries, legend_height = legend(prepared.curves, 30.0)
    top = 32.0 + legend_height
    labels = [tick.label for tick in y_axis.ticks] if y_axis else []
    left = 40.0 + max((width(label, 11.5) for label in labels), default=0.0)
    frame = _Frame(left, top, WIDTH - 26.0, top + _PLOT_HEIGHT)

    body = [text_line(0, 15, plot.title, WIDTH, 'class="hp-title"', size=14.5), *entries]
    body.append(
        f'<rect class="hp-frame" x="{px(frame.left)}" y="{px(frame.top)}"'
        f' width="{px(frame.right - frame.left)}" height="{px(_PLOT_HEIGHT)}"/>'
    )
    notes = list(prepared.notes)
    if x_axis and y_axis:
        canvas = _Canvas(frame, x_axis, y_axis)
        body += _axes(canvas)
        # Bands first: none may cover the line of another series.
        bands, lines = [], []
        for index, curve in enumerate(prepared.curves):
            if curve.style == "points":
                lines += _cloud(canvas, curve, index, notes)
            else:
                runs = _thinned(curve)
                bands += _bands(canvas, curve, runs, index)
                lines += _line(canvas, curve, runs, index)
        body += [*bands, *lines]
    else:
        middle = (frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2
        body.append(
            text_line(*middle, "no data to show", 300, 'class="hp-soft" text-anchor="middle"')
        )
    body += _axis_names(plot, frame)
    bottom = frame.bottom + 42.0
    for note in notes:
        bottom += 16.0
        body.append(text_line(frame.left, bottom - 4, note, frame.right, 'class="hp-soft"'))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="hp" role="img"'
        f' viewBox="0 0 {px(WIDTH)} {px(bottom)}" aria-label="{escape(_spoken(plot))}">'
        f"<style>{STYLE}</style>" + "\n".join(body) + "</svg>"
    )


def _heights(points: Sequence[Point], log: bool) -> list[float]:
    """Return all that the y axis has to cover; what a log axis cannot show does not widen it."""
    ends = [end for p in points for end in (p.y, p.low, p.high) if end is not None]
    return [end for end in ends if end > 0] if log else ends


def _axes(canvas: _Canvas) -> list[str]:
    frame = canvas.frame
    across = [frame.across(tick.at) for tick in canvas.x.ticks]
    up = [frame.up(tick.at) for tick in canvas.y.ticks]
    grid = "".join(f"M{px(x)} {px(frame.top)}V{px(frame.bottom)}" for x in across)
    grid += "".join(f"M{px(frame.left)} {px(y)}H{px(frame.right)}" for y in up)
    parts = [
        f'<path class="hp-grid" d="{grid}"/>',
        f'<path class="hp-axis" d="M{px(frame.left)} {px(frame.top)}'
        f'V{px(frame.bottom)}H{px(frame.right)}"/>',
    ]
    labels = [tick.label for tick in canvas.x.ticks]
    every = _label_every(across, labels)
    for place, label in list(zip(across, labels, strict=True))[::every]:
        parts.append(
            f'<text class="hp-soft" x="{px(place)}" y="{px(frame.bottom + 16)}"'
            f' text-anchor="middle">{escape(label)}</text>'
        )
    for place, tick in zip(up, canvas.y.ticks, strict=True):
        parts.append(
            f'<text class="hp-soft" x="{px(frame.left - 7)}" y="{px(place + 4)}"'
            f' text-anchor="end">{escape(tick.label)}</text>'
        )
    return parts


def _label_every(places: Sequence[float], labels: Sequence[str]) -> int:
    """Return 1 to label every tick, 2 for every other one and so on, so that labels stay apart."""
    nearest = min((b - a for a, b in pairwise(places)), default=WIDTH)
    widest = max(width(label, TEXT) for label in labels) + 10.0
    return int(widest // nearest) + 1


def _axis_names(plot: Plot, frame: _Frame) -> list[str]:
    middle = (frame.left + frame.right) / 2
    height = (frame.top + frame.bottom) / 2
    turned = f'text-anchor="middle" transform="rotate(-90 13 {px(height)})"'
    return [
        text_line(
            middle, frame.bottom + 36, plot.x_label, frame.right - 40, 'text-anchor="middle"'
        ),
        text_line(13, height, plot.y_label, _PLOT_HEIGHT, turned),
    ]


def _thinned(curve: Curve) -> list[Run]:
    """Return the runs of a line with no more points than a screen can show."""
    points = curve.points
    kept = thin_line(points)
    runs: list[Run] = []
    start = 0
    for run in curve.runs:
        indices = [i for i in range(start, start + len(run)) if i in kept]
        start += len(run)
        if indices:
            runs.append(tuple(points[i] for i in indices))
    return runs


def _bands(canvas: _Canvas, curve: Curve, runs: Sequence[Run], index: int) -> list[str]:
    outline = ""
    if curve.banded:
        outline = "".join(_band(canvas, run, curve.style == "step") for run in runs)
    return [f'<path class="hp-band {colour(index)}" d="{outline}"/>'] if outline else []


def _line(canvas: _Canvas, curve: Curve, runs: Sequence[Run], index: int) -> list[str]:
    step = curve.style == "step"
    count = sum(len(run) for run in curve.runs)
    traces = [_trace([canvas.at(p.x, p.y) for p in run], step) for run in runs if len(run) > 1]
    parts = []
    if traces:
        fine = " hp-fine" if count > _FINE else ""
        parts.append(
            f'<path class="hp-line{fine} {colour(index)}" stroke-dasharray="{dash(index)}"'
            f' d="{"".join(traces)}"><title>{escape(curve.label)}</title></path>'
        )
    # A point between two gaps has no line to be on: without a marker it would be invisible.
    marked = runs if count <= _MARKED else [run for run in runs if len(run) == 1]
    return parts + [_marker(canvas, curve, point, index, 2.2) for run in marked for point in run]


def _cloud(canvas: _Canvas, curve: Curve, index: int, notes: list[str]) -> list[str]:
    points = curve.points
    kept = thin_cloud([(canvas.x.place(p.x), canvas.y.place(p.y)) for p in points])
    shown = [points[i] for i in sorted(kept)]
    if len(shown) < len(points):
        label = shorten(curve.label, TEXT, 300)
        notes.append(f"{label}: {len(shown)} of {len(points)} points drawn, spread evenly.")
    bars = ""
    for point in shown:
        if curve.banded and point.low is not None and point.high is not None:
            x, low = canvas.at(point.x, point.low)
            bars += f"M{x} {low}V{canvas.at(point.x, point.high)[1]}"
    parts = [f'<path class="hp-bar {colour(index)}" d="{bars}"/>'] if bars else []
    radius = 3.6 if len(shown) <= _CROWD else 2.6
    return parts + [_marker(canvas, curve, point, index, radius) for point in shown]


def _band(canvas: _Canvas, run: Run, step: bool) -> str:
    """Return the closed outlines of a band: along `high`, back along `low`, once a gapless part."""
    outlines = []
    edges: list[tuple[tuple[str, str], tuple[str, str]]] = []
    for point in (*run, None):
        if point is not None and point.low is not None and point.high is not None:
            edges.append((canvas.at(point.x, point.high), canvas.at(point.x, point.low)))
        elif edges:
            over = _trace([high for high, _ in edges], step)
            under = _trace([low for _, low in edges][::-1], step, backwards=True)
            outlines.append(f"{over}L{under[1:]}Z")
            edges = []
    return "".join(outlines)


def _trace(places: Sequence[tuple[str, str]], step: bool, backwards: bool = False) -> str:
    """Return the path through places in pixels; a step goes across before it goes up or down."""
    last = places[0]
    path = f"M{last[0]} {last[1]}"
    for place in places[1:]:
        if place == last:
            continue
        x, y = place
        if not step:
            path += f"L{x} {y}"
        elif backwards:
            path += f"V{y}H{x}"
        else:
            path += f"H{x}V{y}"
        last = place
    return path


def _marker(canvas: _Canvas, curve: Curve, point: Point, index: int, radius: float) -> str:
    x, y = canvas.at(point.x, point.y)
    said = f"{shorten(curve.label, TEXT, 300)}: {number(point.x)}, {number(point.y)}"
    if curve.banded and point.low is not None and point.high is not None:
        said += f" ({number(point.low)} to {number(point.high)})"
    return (
        f'<path class="hp-mark {colour(index)}" d="M{x} {y}{marker(index, radius)}">'
        f"<title>{escape(said)}</title></path>"
    )


def _spoken(plot: Plot) -> str:
    """Return what a screen reader says in place of the picture."""
    labels = [series.label for series in plot.series[:LEGEND_LIMIT]]
    curves = f"; series: {', '.join(labels)}" if labels else "; no data"
    return f"{plot.title}: {plot.y_label} against {plot.x_label}{curves}"

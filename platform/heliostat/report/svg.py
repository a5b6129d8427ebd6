"""A plot as inline SVG: axes, grid, legend, bands, lines, steps, points and bars.

Written by hand because a report is drawn at the end of every run: matplotlib would cost half a
second of import and ten times the bytes. Nothing is fetched, no script runs, equal plots give equal
text. Text and lines take the page's `currentColor`; the colours of series can be set by a page as
`--series-0` to `--series-6`.
"""

from __future__ import annotations

from collections.abc import Sequence

from heliostat.contract.sections import Plot
from heliostat.report.axis import categorical, fit
from heliostat.report.bars import BARS, draw_bars, ends, slot
from heliostat.report.canvas import (
    PLOT_HEIGHT,
    Canvas,
    Frame,
    axes,
    axis_names,
    equal_frame,
    names_height,
    widened,
)
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
    text_lines,
)
from heliostat.report.typeset import escape, number, shorten, width

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
    ".hp-fill{fill:var(--c);fill-opacity:.75;stroke:var(--c)}"
    ".hp-whisker{fill:none;stroke:currentColor;stroke-opacity:.7}"
    ".hp-bar{fill:none;stroke:var(--c);stroke-opacity:.6}"
    + "".join(f".hp-{n}{{--c:var(--series-{n},{colour})}}" for n, colour in enumerate(LIGHT))
)


def draw(plot: Plot, wide: float = WIDTH, beside: Sequence[Plot] = ()) -> str:
    """Return the plot as one `<svg>` element, `wide` units of which its text takes 12.

    Its axes cover what the plots `beside` it show as well, so that all of them can be compared.

    Series of style "line" and "step" (the value holds until the next x) show `low`/`high` as a
    band, those of style "points" and "bars" as whiskers. A malformed series raises `PluginError`.
    """
    prepared = prepare(plot)
    curves, names = prepared.curves, plot.categories
    covered = [*curves, *(curve for other in beside for curve in prepare(other).curves)]
    points = [point for curve in covered for point in curve.points]
    room = slot(curves)
    x_values = [*(point.x for point in points), *ends(covered, room)]
    y_values = _heights(covered, plot.log_y)
    if plot.equal:
        x_values, y_values = widened(x_values, y_values, plot.log_x)
    target = max(3, round(wide / 90))
    numbers = fit(x_values, log=plot.log_x, target=target)
    x_axis = categorical(names) if names and points else numbers
    y_axis = fit(y_values, log=plot.log_y, target=6)

    title, title_height = text_lines(0, 15, plot.title, wide, 'class="hp-title"', 14.5)
    entries, legend_height = legend(curves, 30.0 + title_height, wide)
    top = 32.0 + title_height + legend_height
    labels = [tick.label for tick in y_axis.ticks] if y_axis else []
    left = 40.0 + max((width(label, 11.5) for label in labels), default=0.0)
    frame = Frame(left, top, wide - 26.0, top + PLOT_HEIGHT)
    if plot.equal and x_axis and y_axis:
        frame = equal_frame(left, top, wide - 26.0, x_axis, y_axis)

    body = [*title, *entries]
    body.append(
        f'<rect class="hp-frame" x="{px(frame.left)}" y="{px(frame.top)}"'
        f' width="{px(frame.right - frame.left)}" height="{px(frame.bottom - frame.top)}"/>'
    )
    notes = list(prepared.notes)
    lower = names_height(frame.right - frame.left, names) if x_axis else 0.0
    if x_axis and y_axis:
        canvas = Canvas(frame, x_axis, y_axis)
        body += axes(canvas, bool(names))
        # Bands first, and bars: none may cover the line of another series.
        bands, lines = [], []
        for index, curve in enumerate(curves):
            if curve.style == "points":
                lines += _cloud(canvas, curve, index, notes)
            elif curve.style != BARS:
                runs = _thinned(curve)
                bands += _bands(canvas, curve, runs, index)
                lines += _line(canvas, curve, runs, index)
        standing = [(at, curve) for at, curve in enumerate(curves) if curve.style == BARS]
        body += [*draw_bars(canvas, standing, room, names), *bands, *lines]
    else:
        middle = (frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2
        body.append(
            text_line(*middle, "no data to show", 300, 'class="hp-soft" text-anchor="middle"')
        )
    body += axis_names(plot, frame, lower)
    bottom = frame.bottom + 42.0 + lower
    for note in notes:
        bottom += 16.0
        told, more = text_lines(left, bottom - 4, note, wide - left, 'class="hp-soft"')
        body += told
        bottom += more
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="hp" role="img"'
        f' viewBox="0 0 {px(wide)} {px(bottom)}" aria-label="{escape(_spoken(plot))}">'
        f"<style>{STYLE}</style>" + "\n".join(body) + "</svg>"
    )


def _heights(curves: Sequence[Curve], log: bool) -> list[float]:
    """Return all that the y axis has to cover; what a log axis cannot show does not widen it."""
    points = [point for curve in curves for point in curve.points]
    found = [end for p in points for end in (p.y, p.low, p.high) if end is not None]
    if any(curve.style == BARS and curve.points for curve in curves):
        found.append(0.0)
    return [end for end in found if end > 0] if log else found


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


def _bands(canvas: Canvas, curve: Curve, runs: Sequence[Run], index: int) -> list[str]:
    outline = ""
    if curve.banded:
        outline = "".join(_band(canvas, run, curve.style == "step") for run in runs)
    return [f'<path class="hp-band {colour(index)}" d="{outline}"/>'] if outline else []


def _line(canvas: Canvas, curve: Curve, runs: Sequence[Run], index: int) -> list[str]:
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


def _cloud(canvas: Canvas, curve: Curve, index: int, notes: list[str]) -> list[str]:
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


def _band(canvas: Canvas, run: Run, step: bool) -> str:
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


def _marker(canvas: Canvas, curve: Curve, point: Point, index: int, radius: float) -> str:
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

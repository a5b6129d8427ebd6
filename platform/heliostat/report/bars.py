"""Bars: they stand on zero, side by side where several series have one at the same place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from heliostat.report.canvas import Canvas
from heliostat.report.curves import Curve, Point
from heliostat.report.marks import TEXT, colour, px
from heliostat.report.typeset import escape, number, shorten

BARS = "bars"
_FILLED = 0.8
"""The part of the distance between two places that their bars take."""
_TOLD = 500
"""With more bars than this none tells its value: they are one path."""


def slot(curves: Sequence[Curve]) -> float:
    """Return the room of one place on the x axis: the least distance between two that have bars."""
    places = sorted({p.x for curve in curves if curve.style == BARS for p in curve.points})
    room = min((b - a for a, b in pairwise(places)), default=1.0)
    return room if math.isfinite(room) else 1.0


def ends(curves: Sequence[Curve], room: float) -> list[float]:
    """Return what the x axis has to cover besides the places, so that all bars are inside."""
    places = [p.x for curve in curves if curve.style == BARS for p in curve.points]
    found = [min(places) - room / 2, max(places) + room / 2] if places else []
    return [end for end in found if math.isfinite(end)]


def draw_bars(
    canvas: Canvas, curves: Sequence[tuple[int, Curve]], room: float, names: Sequence[str]
) -> list[str]:
    """Return the bars of series, each with its index; room: as `slot` has it, names: categories."""
    wide = _FILLED * room / max(len(curves), 1)
    parts: list[str] = []
    for position, (index, curve) in enumerate(curves):
        first = -_FILLED * room / 2 + position * wide
        outlines, told, whiskers = [], [], ""
        for point in curve.points:
            outline, middle = _bar(canvas, point, first, wide)
            outlines.append(outline)
            told.append(_said(curve, point, names))
            if curve.banded and point.low is not None and point.high is not None:
                low, high = canvas.at(point.x, point.low)[1], canvas.at(point.x, point.high)[1]
                whiskers += f"M{px(middle)} {low}V{high}"
        fill = f'<path class="hp-fill {colour(index)}" d="'
        if len(outlines) > _TOLD:
            parts.append(f'{fill}{"".join(outlines)}"/>')
        else:
            parts += [
                f'{fill}{outline}"><title>{escape(said)}</title></path>'
                for outline, said in zip(outlines, told, strict=True)
            ]
        if whiskers:
            parts.append(f'<path class="hp-whisker" d="{whiskers}"/>')
    return parts


def _bar(canvas: Canvas, point: Point, first: float, wide: float) -> tuple[str, float]:
    """Return a bar's outline and its middle, in pixels."""
    frame = canvas.frame
    left = frame.across(canvas.x.place(point.x + first))
    right = frame.across(canvas.x.place(point.x + first + wide))
    foot = frame.up(canvas.y.place(0.0))  # a logarithmic axis has its start there
    top = frame.up(canvas.y.place(point.y))
    return f"M{px(left)} {px(foot)}V{px(top)}H{px(right)}V{px(foot)}z", (left + right) / 2


def _said(curve: Curve, point: Point, names: Sequence[str]) -> str:
    place = round(point.x)
    at = names[place] if names and place == point.x else number(point.x)
    said = f"{shorten(curve.label, TEXT, 300)}: {shorten(at, TEXT, 300)}, {number(point.y)}"
    if curve.banded and point.low is not None and point.high is not None:
        said += f" ({number(point.low)} to {number(point.high)})"
    return said

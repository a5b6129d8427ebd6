"""A heat map as inline SVG: a grid of shades with a scale beside it.

Shades are one colour from faint to full, so they keep their order for colour-blind readers, in
print and on a dark page. Every cell tells its value as a tooltip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from heliostat.contract.sections import HeatMap
from heliostat.errors import PluginError
from heliostat.report.marks import TEXT, WIDTH, px, text_line, text_lines
from heliostat.report.svg import STYLE
from heliostat.report.typeset import escape, number, shorten, width

_SIDE = 340.0
_LEFT = 90.0
_BESIDE = 100.0
"""Room for the scale beside the grid."""
_FAINT = 0.06
_SCALE_STEPS = 12


@dataclass(frozen=True)
class _Grid:
    """Where the cells stand: left end, top and length of the sides, in pixels."""

    left: float
    top: float
    side: float


def draw_heat(heat: HeatMap, wide: float = WIDTH) -> str:
    """Return the map as one `<svg>` element; a malformed one raises `PluginError`."""
    if len(heat.values) != len(heat.y) or any(len(row) != len(heat.x) for row in heat.values):
        rows = f"{len(heat.values)} rows of {sorted({len(row) for row in heat.values})}"
        raise PluginError(
            f"heat map {heat.title!r}: {rows} values for {len(heat.x)} x {len(heat.y)} places"
        )
    finite = [v for row in heat.values for v in row if math.isfinite(v)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    body, more = text_lines(0, 15, heat.title, wide, 'class="hp-title"', 14.5)
    left = _LEFT if wide >= WIDTH else 64.0
    grid = _Grid(left, 32.0 + more, min(_SIDE, wide - left - _BESIDE))
    body += _cells(heat, grid, low, high)
    body += _labels(heat.x, heat.y, grid)
    across, up = grid.left + grid.side / 2, grid.top + grid.side / 2
    foot = grid.top + grid.side
    room = 2 * min(across, wide - across)
    body.append(text_line(across, foot + 36, heat.x_label, room, 'text-anchor="middle"'))
    turned = f'text-anchor="middle" transform="rotate(-90 13 {px(up)})"'
    body.append(text_line(13, up, heat.y_label, grid.side, turned))
    missing = sum(len(row) for row in heat.values) - len(finite)
    beside = grid.left + grid.side
    if finite:
        body += _scale(low, high, grid)
    if missing:
        room = wide - beside - 8
        body.append(text_line(beside + 8, foot, f"{missing} not finite", room, 'class="hp-soft"'))
    spoken = f"{heat.title}: heat map, {number(low)} to {number(high)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="hp" role="img"'
        f' viewBox="0 0 {px(wide)} {px(foot + 48)}" aria-label="{escape(spoken)}">'
        f"<style>{STYLE}</style>" + "\n".join(body) + "</svg>"
    )


def _cells(heat: HeatMap, grid: _Grid, low: float, high: float) -> list[str]:
    wide, tall = grid.side / max(len(heat.x), 1), grid.side / max(len(heat.y), 1)
    parts = []
    for j, row in enumerate(heat.values):
        for i, value in enumerate(row):
            if not math.isfinite(value):
                continue
            shade = (value - low) / (high - low) if high > low else 0.0
            where = f"{_place(heat.x[i])}, {_place(heat.y[j])}: {number(value)}"
            foot = grid.top + grid.side - (j + 1) * tall
            parts.append(_shade(grid.left + i * wide, foot, wide, tall, shade, where))
    return parts


def _place(value: float | str) -> str:
    return value if isinstance(value, str) else number(value)


def _shade(x: float, y: float, wide: float, tall: float, shade: float, said: str) -> str:
    return (
        f'<rect class="hp-0" x="{px(x)}" y="{px(y)}" width="{px(wide)}" height="{px(tall)}"'
        f' fill="var(--c)" fill-opacity="{_FAINT + (1 - _FAINT) * shade:.2f}">'
        f"<title>{escape(said)}</title></rect>"
    )


def _labels(
    x: Sequence[float] | Sequence[str], y: Sequence[float] | Sequence[str], grid: _Grid
) -> list[str]:
    """Return the names of all places of a side where they fit, or of the ends and the middle."""
    parts = []
    slot = grid.side / max(len(x), 1)
    for i in _shown(x, max((width(_place(at), TEXT) for at in x), default=0.0) + 6, slot):
        at = grid.left + (i + 0.5) * slot
        label, room = _place(x[i]), max(slot, grid.side / 3)
        parts.append(text_line(at, grid.top + grid.side + 16, label, room,
                               'class="hp-soft" text-anchor="middle"'))  # fmt: skip
    slot = grid.side / max(len(y), 1)
    for j in _shown(y, 1.4 * TEXT, slot):
        at = grid.top + grid.side - (j + 0.5) * slot + 4
        label = shorten(_place(y[j]), TEXT, grid.left - 26)
        parts.append(text_line(grid.left - 7, at, label, grid.left,
                               'class="hp-soft" text-anchor="end"'))  # fmt: skip
    return parts


def _shown(places: Sequence[object], needed: float, slot: float) -> list[int]:
    """Return which places of a side are labelled."""
    count = len(places)
    if needed <= slot and any(isinstance(place, str) for place in places):
        return list(range(count))
    return sorted({0, count // 2, count - 1} if count else ())


def _scale(low: float, high: float, grid: _Grid) -> list[str]:
    left, tall = grid.left + grid.side + 16, grid.side / 2 / _SCALE_STEPS
    parts = []
    for k in range(_SCALE_STEPS):
        shade = k / (_SCALE_STEPS - 1)
        said = number(low + shade * (high - low))
        top = grid.top + grid.side / 2 - (k + 1) * tall
        parts.append(_shade(left, top, 16, tall, shade, said))
    for at, value in ((grid.top + 10, high), (grid.top + grid.side / 2, low)):
        parts.append(text_line(left + 22, at, number(value), 70, 'class="hp-soft"'))
    return parts

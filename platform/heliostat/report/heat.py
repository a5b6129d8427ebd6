"""A heat map as inline SVG: a grid of shades with a scale beside it.

Shades are one colour from faint to full, so they keep their order for colour-blind readers, in
print and on a dark page. Every cell tells its value as a tooltip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from heliostat.contract.sections import HeatMap
from heliostat.errors import PluginError
from heliostat.report.marks import WIDTH, px, text_line
from heliostat.report.svg import STYLE
from heliostat.report.typeset import escape, number

_SIDE = 340.0
_LEFT, _TOP = 90.0, 32.0
_FAINT = 0.06
_SCALE_STEPS = 12


def draw_heat(heat: HeatMap) -> str:
    """Return the map as one `<svg>` element; a malformed one raises `PluginError`."""
    if len(heat.values) != len(heat.y) or any(len(row) != len(heat.x) for row in heat.values):
        rows = f"{len(heat.values)} rows of {sorted({len(row) for row in heat.values})}"
        raise PluginError(
            f"heat map {heat.title!r}: {rows} values for {len(heat.x)} x {len(heat.y)} places"
        )
    finite = [v for row in heat.values for v in row if math.isfinite(v)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    body = [text_line(0, 15, heat.title, WIDTH, 'class="hp-title"', size=14.5)]
    body += _cells(heat, low, high)
    body += _labels(heat.x, heat.y)
    middle = _LEFT + _SIDE / 2, _TOP + _SIDE / 2
    body.append(text_line(middle[0], _TOP + _SIDE + 36, heat.x_label, WIDTH,
                          'text-anchor="middle"'))  # fmt: skip
    body.append(
        f'<text transform="rotate(-90)" x="{px(-middle[1])}" y="14" text-anchor="middle">'
        f"{escape(heat.y_label)}</text>"
    )
    missing = sum(len(row) for row in heat.values) - len(finite)
    if finite:
        body += _scale(low, high)
    if missing:
        body.append(text_line(_LEFT + _SIDE + 30, _TOP + _SIDE, f"{missing} not finite", 200,
                              'class="hp-soft"'))  # fmt: skip
    spoken = f"{heat.title}: heat map, {number(low)} to {number(high)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="hp" role="img"'
        f' viewBox="0 0 {px(WIDTH)} {px(_TOP + _SIDE + 48)}" aria-label="{escape(spoken)}">'
        f"<style>{STYLE}</style>" + "\n".join(body) + "</svg>"
    )


def _cells(heat: HeatMap, low: float, high: float) -> list[str]:
    wide, tall = _SIDE / max(len(heat.x), 1), _SIDE / max(len(heat.y), 1)
    parts = []
    for j, row in enumerate(heat.values):
        for i, value in enumerate(row):
            if not math.isfinite(value):
                continue
            shade = (value - low) / (high - low) if high > low else 0.0
            where = f"{number(heat.x[i])}, {number(heat.y[j])}: {number(value)}"
            parts.append(
                _shade(_LEFT + i * wide, _TOP + _SIDE - (j + 1) * tall, wide, tall, shade, where)
            )
    return parts


def _shade(x: float, y: float, wide: float, tall: float, shade: float, said: str) -> str:
    return (
        f'<rect class="hp-0" x="{px(x)}" y="{px(y)}" width="{px(wide)}" height="{px(tall)}"'
        f' fill="var(--c)" fill-opacity="{_FAINT + (1 - _FAINT) * shade:.2f}">'
        f"<title>{escape(said)}</title></rect>"
    )


def _labels(x: Sequence[float], y: Sequence[float]) -> list[str]:
    """Return the first, the middle and the last place of each side."""
    parts = []
    for i in sorted({0, len(x) // 2, len(x) - 1} if x else ()):
        at = px(_LEFT + (i + 0.5) * _SIDE / len(x))
        parts.append(f'<text class="hp-soft" x="{at}" y="{px(_TOP + _SIDE + 16)}"'
                     f' text-anchor="middle">{escape(number(x[i]))}</text>')  # fmt: skip
    for j in sorted({0, len(y) // 2, len(y) - 1} if y else ()):
        at = px(_TOP + _SIDE - (j + 0.5) * _SIDE / len(y) + 4)
        parts.append(f'<text class="hp-soft" x="{px(_LEFT - 7)}" y="{at}"'
                     f' text-anchor="end">{escape(number(y[j]))}</text>')  # fmt: skip
    return parts


def _scale(low: float, high: float) -> list[str]:
    left, tall = _LEFT + _SIDE + 30, _SIDE / 2 / _SCALE_STEPS
    parts = []
    for k in range(_SCALE_STEPS):
        shade = k / (_SCALE_STEPS - 1)
        said = number(low + shade * (high - low))
        parts.append(_shade(left, _TOP + _SIDE / 2 - (k + 1) * tall, 16, tall, shade, said))
    for at, value in ((_TOP + 10, high), (_TOP + _SIDE / 2, low)):
        parts.append(text_line(left + 24, at, number(value), 150, 'class="hp-soft"'))
    return parts

"""What a series looks like: colour, dash, marker and its entry in the legend; lengths and texts.

Colour alone never carries the meaning: markers change shape with the series, and lines become
dashed once the colours are used up.
"""

from __future__ import annotations

from collections.abc import Sequence

from heliostat.report.curves import Curve
from heliostat.report.typeset import escape, shorten, width, wrapped

LIGHT = ("#0072b2", "#d55e00", "#00805c", "#a8508f", "#8a6d00", "#3b8fd0", "#595959")
"""Colours of series on a light page: the hues of Okabe and Ito, which colour-blind readers can tell
apart, darkened until each has a contrast of 3 to white."""

DARK = ("#56b4e9", "#f5924d", "#2fc79b", "#e59ccb", "#e6cf4b", "#9db7ff", "#b8b8b8")
"""The same hues for a dark page."""

_DASHES = ("none", "7 3", "2 3", "8 3 2 3")

WIDTH = 720.0
"""Width of the picture, the unit of everything else in it."""

PHONE = 360.0
"""Width of a picture that is drawn for a phone: its text is then as tall as that of the page."""

TEXT = 12.0
"""Size of the text in a plot, in the same unit."""

LEGEND_LIMIT = 24
"""So many series are named in the legend; the others are counted."""

_ROW = 19.0


def colour(index: int) -> str:
    """Return the CSS class that sets the colour of a series."""
    return f"hp-{index % len(LIGHT)}"


def dash(index: int) -> str:
    """Return the `stroke-dasharray` of a series."""
    return _DASHES[index // len(LIGHT) % len(_DASHES)]


def px(value: float) -> str:
    """Return a length with one decimal: finer is not visible, and equal plots give equal text."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def text_line(
    x: float, y: float, text: str, room: float, attributes: str = "", size: float = TEXT
) -> str:
    """Return one line of text; where it had to be cut, the whole is its tooltip."""
    line = shorten(text, size, room)
    whole = f"<title>{escape(text)}</title>" if line.endswith("…") else ""
    attributes = f" {attributes}" if attributes else ""
    return f'<text x="{px(x)}" y="{px(y)}"{attributes}>{whole}{escape(line)}</text>'


def text_lines(
    x: float, y: float, text: str, room: float, attributes: str = "", size: float = TEXT
) -> tuple[list[str], float]:
    """Return a text on as many lines as it needs, three at most, and the height of the further."""
    lines = wrapped(text, size, room, 3)
    step = 1.3 * size
    parts = [
        text_line(x, y + step * row, line, room, attributes, size) for row, line in enumerate(lines)
    ]
    return parts, step * (len(lines) - 1)


def marker(index: int, r: float) -> str:
    """Return a marker around the current point: shapes tell series apart where colours do not."""
    full = px(2 * r)
    match index % 4:
        case 0:
            return f"m-{r} 0a{r} {r} 0 1 0 {full} 0a{r} {r} 0 1 0 -{full} 0z"
        case 1:
            return f"m-{r} -{r}h{full}v{full}h-{full}z"
        case 2:
            return f"m0 -{px(1.2 * r)}l{px(1.2 * r)} {full}h-{px(2.4 * r)}z"
        case _:
            wide = px(1.3 * r)
            return f"m0 -{wide}l{wide} {wide}l-{wide} {wide}l-{wide} -{wide}z"


def legend(curves: Sequence[Curve], top: float, room: float = WIDTH) -> tuple[list[str], float]:
    """Return the entries in rows from `top` on, and the height that they take."""
    most = min(420.0, room - 48.0)
    named = [(index, curve) for index, curve in enumerate(curves) if curve.label.strip()]
    parts: list[str] = []
    x, row = 0.0, 0
    for index, curve in named[:LEGEND_LIMIT]:
        label = shorten(curve.label, TEXT, most)
        wide = 34.0 + width(label, TEXT) + 14.0
        if x and x + wide > room:
            x, row = 0.0, row + 1
        parts += _entry(curve, index, x, top + row * _ROW, most)
        x += wide
    if len(named) > LEGEND_LIMIT:
        row += 1
        more = f"and {len(named) - LEGEND_LIMIT} more"
        parts.append(text_line(0, top + row * _ROW + 4, more, WIDTH, 'class="hp-soft"'))
    return parts, (row + 1) * _ROW if parts else 0.0


def _entry(curve: Curve, index: int, x: float, y: float, room: float) -> list[str]:
    tint = colour(index)
    parts = []
    if curve.style == "bars":
        parts.append(f'<path class="hp-fill {tint}" d="M{px(x + 7)} {px(y - 6)}h12v12h-12z"/>')
        return [*parts, text_line(x + 33, y + 4, curve.label, room)]
    if curve.banded and curve.style != "points":
        parts.append(
            f'<rect class="hp-band {tint}" x="{px(x)}" y="{px(y - 6)}" width="26" height="12"/>'
        )
    if curve.style == "points":
        shape = marker(index, 3.6)
        parts.append(f'<path class="hp-mark {tint}" d="M{px(x + 13)} {px(y)}{shape}"/>')
    else:
        parts.append(
            f'<path class="hp-line {tint}" stroke-dasharray="{dash(index)}"'
            f' d="M{px(x)} {px(y)}h26"/>'
        )
    return [*parts, text_line(x + 33, y + 4, curve.label, room)]

"""Where a plot's axes stand in the picture, and how they are drawn: grid, ticks, names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from heliostat.contract.sections import Plot
from heliostat.report.axis import Axis
from heliostat.report.marks import TEXT, px, text_line
from heliostat.report.typeset import escape, width

PLOT_HEIGHT = 290.0
_TALLEST = 420.0
"""The most height of axes of equal units."""
_FLATTEST = 0.25
"""With equal units, the least height of the axes as a share of their width, and the reverse."""
_STEEPEST = 10.0
"""Beyond this share of height and width, which only the largest floats need, units are not equal.
"""
_LONGEST_NAME = 150.0
_SLANT = 40.0
"""Degrees by which names of categories are turned where they do not fit side by side."""


@dataclass(frozen=True)
class Frame:
    """Where the axes stand in the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def across(self, at: float) -> float:
        """Return the place in pixels of a place on the x axis, 0 to 1."""
        return self.left + at * (self.right - self.left)

    def up(self, at: float) -> float:
        """Return the same for the y axis."""
        return self.bottom - at * (self.bottom - self.top)


@dataclass(frozen=True)
class Canvas:
    """A frame with its two axes: where a point of the data is drawn."""

    frame: Frame
    x: Axis
    y: Axis

    def at(self, x: float, y: float) -> tuple[str, str]:
        """Return where a point lies, in pixels."""
        return px(self.frame.across(self.x.place(x))), px(self.frame.up(self.y.place(y)))


def widened(x: Sequence[float], y: Sequence[float], log: bool) -> tuple[list[float], list[float]]:
    """Return the values with ends that make neither axis much longer than the other.

    For axes of equal units, where a plot of flat data would be a line. `log`: both are logarithmic.
    """
    columns = [list(x), list(y)]
    if not x or not y:
        return columns[0], columns[1]
    seen = [[math.log10(v) for v in column] if log else column for column in columns]
    spans = [max(column) - min(column) for column in seen]
    least = _FLATTEST * max(spans)
    for column, values, span in zip(columns, seen, spans, strict=True):
        if math.isfinite(least) and span < least:
            middle = min(values) + span / 2
            ends = [middle - least / 2, middle + least / 2]
            column += [10.0**end for end in ends] if log else ends
    return columns[0], columns[1]


def equal_frame(left: float, top: float, right: float, x: Axis, y: Axis) -> Frame:
    """Return the frame in which one unit is as long across as up, as wide as there is room."""
    if x.log:
        share = y.span / x.span
    else:
        # a difference of shifts is small where the lengths are alike; floats at their end are not
        apart = min(max(y.shift - x.shift, -64), 64)
        share = math.ldexp(y.span / x.span, apart)
    share = min(max(share, _STEEPEST**-1), _STEEPEST)
    wide = min(right - left, _TALLEST / share)
    return Frame(left, top, left + wide, top + wide * share)


def axes(canvas: Canvas, named: bool) -> list[str]:
    """Return grid, ticks and labels; `named` ticks are names of categories, each is shown."""
    frame = canvas.frame
    across = [frame.across(tick.at) for tick in canvas.x.ticks]
    up = [frame.up(tick.at) for tick in canvas.y.ticks]
    grid = "" if named else "".join(f"M{px(x)} {px(frame.top)}V{px(frame.bottom)}" for x in across)
    grid += "".join(f"M{px(frame.left)} {px(y)}H{px(frame.right)}" for y in up)
    parts = [
        f'<path class="hp-grid" d="{grid}"/>',
        f'<path class="hp-axis" d="M{px(frame.left)} {px(frame.top)}'
        f'V{px(frame.bottom)}H{px(frame.right)}"/>',
    ]
    labels = [tick.label for tick in canvas.x.ticks]
    parts += _names(frame, across, labels) if named else _numbers(frame, across, labels)
    for place, tick in zip(up, canvas.y.ticks, strict=True):
        parts.append(
            f'<text class="hp-soft" x="{px(frame.left - 7)}" y="{px(place + 4)}"'
            f' text-anchor="end">{escape(tick.label)}</text>'
        )
    return parts


def _numbers(frame: Frame, across: Sequence[float], labels: Sequence[str]) -> list[str]:
    every = _label_every(across, labels, frame)
    return [
        f'<text class="hp-soft" x="{px(place)}" y="{px(frame.bottom + 16)}"'
        f' text-anchor="middle">{escape(label)}</text>'
        for place, label in list(zip(across, labels, strict=True))[::every]
    ]


def _names(frame: Frame, across: Sequence[float], labels: Sequence[str]) -> list[str]:
    slot = (frame.right - frame.left) / len(labels)
    if not _slanted(slot, labels):
        middle = 'class="hp-soft" text-anchor="middle"'
        return [
            text_line(at, frame.bottom + 16, label, slot, middle)
            for at, label in zip(across, labels, strict=True)
        ]
    every = int(TEXT // slot) + 1  # lines of text one under another
    shown = list(zip(across, labels, strict=True))[::every]
    return [
        text_line(
            at + 4, frame.bottom + 14, label, _LONGEST_NAME,
            f'class="hp-soft" text-anchor="end"'
            f' transform="rotate(-{_SLANT:g} {px(at + 4)} {px(frame.bottom + 14)})"',
        )
        for at, label in shown
    ]  # fmt: skip


def names_height(wide: float, names: Sequence[str]) -> float:
    """Return how much lower than numbers the names of categories reach; wide: of all of them."""
    if not names or not _slanted(wide / len(names), names):
        return 0.0
    longest = min(max(width(name, TEXT) for name in names), _LONGEST_NAME)
    return longest * math.sin(math.radians(_SLANT))


def _slanted(slot: float, names: Sequence[str]) -> bool:
    return max(width(name, TEXT) for name in names) + 8.0 > slot


def _label_every(places: Sequence[float], labels: Sequence[str], frame: Frame) -> int:
    """Return 1 to label every tick, 2 for every other one and so on, so that labels stay apart."""
    nearest = min((b - a for a, b in pairwise(places)), default=frame.right)
    widest = max(width(label, TEXT) for label in labels) + 10.0
    return int(widest // nearest) + 1


def axis_names(plot: Plot, frame: Frame, lower: float) -> list[str]:
    """Return the names of both axes; `lower`: how much lower than usual that of x stands."""
    middle = (frame.left + frame.right) / 2
    height = (frame.top + frame.bottom) / 2
    turned = f'text-anchor="middle" transform="rotate(-90 13 {px(height)})"'
    # an axis of equal units may be short, and its name has the room beside it as well
    room = max(frame.right, 2 * min(middle, 180.0)) - 40
    return [
        text_line(middle, frame.bottom + 36 + lower, plot.x_label, room, 'text-anchor="middle"'),
        text_line(13, height, plot.y_label, max(frame.bottom - frame.top, 120.0), turned),
    ]

"""Numbers with their intervals as terminal and report write them, and quartiles as they are drawn.

Everything is read from the plain form of an outcome: what is missing is None, what ran away is not
finite, and both are left out or said, never shown as a number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Plain = Mapping[str, Any]


def number(value: float | None) -> str:
    """Return four decimals, or as many digits where those would hide the number; "-" for None."""
    if value is None or not math.isfinite(value):
        return "-"
    size = abs(value)
    if size < 10 and (size >= 0.001 or size == 0):
        return f"{value:.4f}"
    return f"{value:.3g}" if size < 1 else f"{value:.4g}"


def signed(value: float | None) -> str:
    """Return a difference with its sign."""
    shown = number(value)
    return f"+{shown}" if value is not None and value > 0 and shown != "-" else shown


def middle(line: Plain) -> float | None:
    """Return the mean of a line; of one training its value, None where none is finite."""
    if line["mean"] is not None:
        return float(line["mean"])
    found = [value for value in line["values"] if value is not None and math.isfinite(value)]
    return sum(found) / len(found) if found else None


def half_width(line: Plain) -> float | None:
    """Return half the width of an interval, None where there is none."""
    if line["low"] is None or line["high"] is None:
        return None
    half = (line["high"] - line["low"]) / 2
    return half if math.isfinite(half) else None


def interval(line: Plain | None) -> str:
    """Return `0.0294 ±0.0012`; "-" without a line, "exploded" where no training is left."""
    if line is None:
        return "-"
    mean, half = middle(line), half_width(line)
    if mean is None:
        return "exploded" if line["exploded"] else "-"
    return number(mean) if half is None else f"{number(mean)} ±{_width(half)}"


def _width(half: float) -> str:
    """Return a half-width with the decimals of its mean, where those show it."""
    return f"{half:.4f}" if 0.00005 <= half < 0.001 else number(half)


def drawable(values: Sequence[float | None]) -> list[float]:
    """Return numbers as a plot takes them: NaN, a gap, where one is missing."""
    return [math.nan if value is None else float(value) for value in values]


def quartiles(rows: Sequence[Sequence[float | None]]) -> tuple[list[float], ...]:
    """Return first quartile, median and third quartile over the steps; empty where nothing is."""
    if len(rows) != 3:
        return [], [], []
    return tuple(map(drawable, rows))


def spread_out(values: Sequence[float]) -> bool:
    """Return whether numbers want a logarithmic axis: all positive, ten times apart and more."""
    found = [value for value in values if math.isfinite(value)]
    return bool(found) and min(found) > 0 and max(found) > 10 * min(found)

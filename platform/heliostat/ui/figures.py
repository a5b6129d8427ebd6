"""Sizes, times and numbers as the pages say them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from heliostat.report.typeset import number

_UNITS = ("kB", "MB", "GB", "TB")


def size(count: int) -> str:
    """Return bytes as `812 B`, `1.4 MB`."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in _UNITS:
        value /= 1000
        if value < 999.5 or unit == _UNITS[-1]:
            break
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def duration(seconds: float | None) -> str:
    """Return `0.4 s`, `12 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`; an en dash for None."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole // 60 % 60:02d} min"
    return f"{whole // 86_400} d {whole // 3600 % 24} h"


def moment(seconds: float) -> str:
    """Return a time since the epoch in local time, an en dash for one that cannot be."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if seconds > 0 else "–"
    except (OverflowError, ValueError, OSError):
        return "–"


def steps(step: int | None, of: int | None) -> str:
    """Return `12 of 40`, `12`, or an en dash."""
    if step is None:
        return "–"
    return str(step) if of is None else f"{step} of {of}"


def goals(best: Mapping[str, float], most: int = 2) -> str:
    """Return the first goals and their values, an en dash when there are none."""
    shown = [f"{name} {number(value)}" for name, value in list(best.items())[:most]]
    return ", ".join(shown) or "–"


def speed(rate: float | None) -> str:
    """Return units per second, or per minute or hour where that is less than one."""
    if rate is None or not math.isfinite(rate) or rate <= 0:
        return "–"
    for factor, per in ((1, "s"), (60, "min"), (3600, "h")):
        if rate * factor >= 1 or per == "h":
            break
    return f"{number(rate * factor)} / {per}"

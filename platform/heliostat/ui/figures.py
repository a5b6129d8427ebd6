"""Sizes, times and numbers as the pages say them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from heliostat import amounts
from heliostat.report.typeset import number


def duration(seconds: float | None) -> str:
    """Return `0.4 s` below ten seconds, then as everywhere; an en dash for None."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    return amounts.duration(seconds)


def took(seconds: float, state: str) -> str:
    """Return how long a run was worked on: the least that it can be where its driver is gone."""
    text = duration(seconds or None)
    return f"at least {text}" if seconds and state == "stopped" else text


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

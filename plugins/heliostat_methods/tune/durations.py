"""Durations as people write them: 90s, 30min, 2h, 1h30min, 1d."""

from __future__ import annotations

import re
from typing import Any

SECONDS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
_TERM = re.compile(r"(\d+(?:\.\d+)?)(d|h|min|s)")


def read_duration(value: Any) -> Any:
    """Return the seconds that a text says; a number is seconds, and anything else stays as it is.

    Raises ValueError for a text that is no duration.
    """
    if not isinstance(value, str):
        return value
    text = value.replace(" ", "")
    terms = _TERM.findall(text)
    if not terms or "".join(number + unit for number, unit in terms) != text:
        raise ValueError("a duration such as 90s, 30min, 2h or 1h30min, or a number of seconds")
    return sum(float(number) * SECONDS[unit] for number, unit in terms)


def duration_text(seconds: float) -> str:
    """Return a duration in the largest units that say it exactly: 5400.0 is 1h30min."""
    if seconds != int(seconds) or seconds < 1:
        return f"{seconds:g}s"
    parts, left = [], int(seconds)
    for unit, size in SECONDS.items():
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return "".join(parts)

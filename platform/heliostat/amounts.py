"""Times and bytes as people say them: one way for terminal, report, browser and notebook."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Return a time as people say it: 45 s, 3 min 20 s, 2 h 5 min, 3 d 4 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def took(seconds: float, state: str) -> str:
    """Return how long a run in a state was worked on; nobody measured one whose driver is gone."""
    if state != "stopped":
        return duration(seconds)
    return f"at least {duration(seconds)}" if round(seconds) else "–"


def size(count: int) -> str:
    """Return a number of bytes in at most seven characters: 512 B, 1.4 MB, 25 GB."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            break
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"

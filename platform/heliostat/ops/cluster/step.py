"""What a check of a cluster file looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    mend: str = ""

"""What a run folder holds, read with sqlite3 and nothing of Heliostat."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path


def rows(run: Path) -> dict[tuple[int, ...], tuple[object, ...]]:
    """Return {key: (value, seconds, worker)} of all committed outcomes."""
    database = sqlite3.connect(f"file:{run}/run.db?mode=ro", uri=True)
    found = {
        struct.unpack(f">{len(key) // 8}Q", key): tuple(rest)
        for key, *rest in database.execute("select key, value, seconds, worker from outcome")
    }
    database.close()
    return found


def execute(run: Path, statement: str) -> int:
    """Change a run's database behind Heliostat's back; returns how many rows changed."""
    database = sqlite3.connect(run / "run.db")
    changed = database.execute(statement).rowcount
    database.commit()
    database.close()
    return changed

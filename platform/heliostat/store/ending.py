"""The last entry of a run whose process ends at once: another thread may be using the journal."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from heliostat.store.database.seal import seal

PATIENCE_SECONDS = 1.0
"""How long a commit that is under way may take; this process may be ended inside one of its own."""


def write_last(database: Path, **changes: str) -> None:
    """Change fields of a run's record through a connection of its own, if that is possible.

    A journal that is busy or cannot be written keeps what it says; whoever looks sees by the lock
    that nobody drives the run.
    """
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(database, timeout=PATIENCE_SECONDS)) as connection,
        connection,
    ):
        connection.execute("begin immediate")
        for (text,) in connection.execute("select record from run").fetchall():
            changed = json.dumps(json.loads(text) | changes)
            sealed = (changed, seal("run", (1, changed)))
            connection.execute("update run set record = ?, seal = ?", sealed)

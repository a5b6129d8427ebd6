"""Runs of schema 2, whose rows had no seals: they get them, and are read from then on like others.

Nobody can tell whether such a row is what was written; from here on one can.
"""

from __future__ import annotations

import sqlite3

from heliostat.store.database import schema
from heliostat.store.database.seal import seal

_LEFT_OUT = ("checkpoint", "task_state")


def to_sealed(database: sqlite3.Connection) -> None:
    """Give every row its seal, inside a transaction.

    Checkpoints are left out: theirs was another form, and a resume replays the journal instead.
    """
    for name in schema.COLUMNS:
        database.execute(f"alter table {name} rename to unsealed_{name}")
    database.execute("drop index task_state_key")
    for text in schema.TABLES:
        database.execute(text)
    for name, columns in schema.COLUMNS.items():
        places = ", ".join("?" * (len(columns) + 1))
        if name not in _LEFT_OUT:
            for row in database.execute(f"select * from unsealed_{name}"):
                database.execute(f"insert into {name} values ({places})", (*row, seal(name, row)))
        database.execute(f"drop table unsealed_{name}")
    database.execute(f"pragma user_version = {schema.SCHEMA}")

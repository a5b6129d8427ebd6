"""What a run folder holds, read with sqlite3 and nothing of Heliostat."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import struct
from contextlib import closing
from pathlib import Path


def rows(run: Path) -> dict[tuple[int, ...], tuple[object, ...]]:
    """Return {key: (value, seconds, worker)} of all committed outcomes."""
    with closing(sqlite3.connect(f"file:{run}/run.db?mode=ro", uri=True)) as database:
        return {
            struct.unpack(f">{len(key) // 8}Q", key): tuple(rest)
            for key, *rest in database.execute("select key, value, seconds, worker from outcome")
        }


def any_outcome(runs: Path) -> bool:
    """Return whether a run in this folder, which may be about to begin, has committed one."""
    for path in runs.glob("*/run.db"):
        with contextlib.suppress(sqlite3.OperationalError):  # its tables are not there yet
            if rows(path.parent):
                return True
    return False


def execute(run: Path, statement: str, *values: object, forged: bool = False) -> int:
    """Change a run's database behind Heliostat's back; returns how many rows changed.

    Seals stay as they are, as when a disk errs, unless they are `forged` with intent.
    """
    with closing(sqlite3.connect(run / "run.db")) as database, database:
        changed = database.execute(statement, values).rowcount
        if forged:
            reseal(database)
    return changed


def reseal(database: sqlite3.Connection) -> None:
    """Give every row the seal of what it holds now."""

    def seal(*row: object) -> bytes:
        return hashlib.blake2b(ascii(row).encode(), digest_size=16).digest()

    database.create_function("seal_of", -1, seal)
    found = database.execute("select name, sql from sqlite_master where type = 'table'")
    for table, text in found.fetchall():
        if " seal blob" in text:
            columns = [name for _, name, *_ in database.execute(f"pragma table_info({table})")]
            given = ", ".join(columns[:-1])
            database.execute(f"update {table} set seal = seal_of('{table}', {given})")


def execute_unchecked(run: Path, statement: str, *values: object) -> int:
    """Change a run's database as if its tables were not strict, then say that they are.

    Only a file that was made to lie about its types, and forged its seals, looks so; returns how
    many rows changed.
    """
    path = run / "run.db"
    with closing(sqlite3.connect(path)) as database, database:
        stored = list(database.execute("select sql, name from sqlite_master"))
        database.execute("pragma writable_schema = on")
        loose = [
            (text.replace(") strict, ", ") ").replace(") strict", ")"), n) for text, n in stored
        ]
        database.executemany("update sqlite_master set sql = ? where name = ?", loose)
    with closing(sqlite3.connect(path)) as database, database:
        changed = database.execute(statement, values).rowcount
        reseal(database)
        database.execute("pragma writable_schema = on")
        database.executemany("update sqlite_master set sql = ? where name = ?", stored)
    return changed

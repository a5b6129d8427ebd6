"""The tables of a run's database: strict, so that SQLite keeps their types, and no others.

A database may come from anywhere. One look at its schema when it is opened says whether it is
ours; a row is looked at again when it is read, because a file can be made to lie about its types.
A column's name says its type wherever it stands.
"""

from __future__ import annotations

import itertools
import json
import re
import sqlite3
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from heliostat.errors import CorruptStore, StoreError, key_text, shown

SCHEMA = 3
OLDEST_SQLITE = (3, 37)
"""The first version with strict tables."""

_TABLES = {
    "run": "id integer primary key check (id = 1), record text not null",
    "outcome": "key blob primary key, function text not null, item text not null, "
    "shared text not null, value text, failure text, observed integer not null, "
    "seconds real not null, worker text not null, attempts integer not null, "
    "depth integer not null",
    "call": "key blob primary key, delivered integer not null",
    "disowned": "scope blob primary key",
    "metric": "id integer primary key, scope blob not null, step integer not null, "
    "of integer, count real, name text not null, number real, elapsed real not null",
    "checkpoint": "id integer primary key, scope blob not null, step integer not null, "
    "counter integer not null, state text not null",
    "task_state": "id integer primary key, key blob not null, state text not null",
    "product": "name text not null, scope blob not null, kind text not null, "
    "sha256 text not null, bytes integer not null, media text not null",
    "event": "id integer primary key, time real not null, kind text not null, text text not null",
}
_END = {
    "outcome": ") strict, without rowid",
    "call": ") strict, without rowid",
    "disowned": ") strict, without rowid",
    "product": ", primary key (name, scope)) strict, without rowid",
}
_INDEX = "CREATE INDEX task_state_key on task_state (key, id)"


def _tables(seal: str) -> tuple[str, ...]:
    """Return what `sqlite_master` holds of a run's database, word for word."""
    made = [
        f"CREATE TABLE {name} ({columns}{seal}{_END.get(name, ') strict')}"
        for name, columns in _TABLES.items()
    ]
    after = 1 + list(_TABLES).index("task_state")
    return (*made[:after], _INDEX, *made[after:])


TABLES = _tables(", seal blob not null")
UNSEALED = _tables("")
"""The tables of schema 2."""

_TYPES: dict[str, type] = {"text": str, "integer": int, "real": float, "blob": bytes}
_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bytes: "bytes",
    type(None): "nothing",
}
_COLUMN = re.compile(r"(?:\(|, )(\w+) (text|integer|real|blob)( not null| primary key)?")


COLUMNS = {
    name: tuple(found[0] for found in _COLUMN.findall("(" + columns))
    for name, columns in _TABLES.items()
}
"""The columns of each table, its seal left out."""


def _kinds_of_columns() -> dict[str, tuple[type, ...]]:
    """Return what each column may hold."""
    found: dict[str, tuple[type, ...]] = {}
    for table in TABLES:
        for name, word, required in _COLUMN.findall(table):
            kinds = (_TYPES[word],) if required else (_TYPES[word], type(None))
            assert found.setdefault(name, kinds) == kinds
    return found


_KINDS = _kinds_of_columns()


def kinds(names: tuple[str, ...]) -> frozenset[tuple[type, ...]]:
    """Return the types that a row of these columns may have; one look-up checks a whole row."""
    return frozenset(itertools.product(*(_KINDS[name] for name in names)))


def converted(table: str, row: Sequence[object]) -> tuple[object, ...]:
    """Return a row whose values have the types of their columns, as SQLite would store them."""
    return tuple(
        value if value is None else _KINDS[name][0](value)
        for name, value in zip(COLUMNS[table], row, strict=True)
    )


def damaged(path: Path, table: str, row: tuple[object, ...]) -> CorruptStore:
    """Return the error that names the first column of a row that holds something else."""
    for name, value in zip((*COLUMNS[table], "seal"), row, strict=True):
        if type(value) not in _KINDS[name]:
            expected = " or ".join(_WORDS[kind] for kind in _KINDS[name])
            return wrong(path, table, name, expected, value)
    raise AssertionError(f"nothing is wrong with {row!r}")


def broken_seal(path: Path, table: str, row: tuple[Any, ...]) -> CorruptStore:
    """Return the error for a row whose columns are not those that were sealed."""
    where = f"{path}: table {table}, row {_name_of(row)}"
    return CorruptStore(where, "what its seal says", "something else")


def _name_of(row: tuple[Any, ...]) -> str:
    """Return what a row goes by: the key that it begins with, or its number or name."""
    first = row[0]
    if isinstance(first, bytes) and len(first) % 8 == 0:
        return key_text(struct.unpack(f">{len(first) // 8}Q", first))
    return shown(first)


def wrong(path: Path, table: str, column: str, expected: str, value: object) -> CorruptStore:
    """Return the error that names a column, what was expected in it and what it holds."""
    return CorruptStore(f"{path}: table {table}, column {column}", expected, shown(value))


def of(database: sqlite3.Connection, path: Path) -> int | None:
    """Return the schema of a database, None when there is nothing in it yet.

    Raises StoreError unless it has the tables of a known schema, and nothing else that could act:
    no view, trigger or virtual table.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(
            f"cannot open {path}: this Python's SQLite is {sqlite3.sqlite_version}, runs need 3.37 "
            "or newer"
        )
    found = list(database.execute("select type || ' ' || name, sql from sqlite_master"))
    if not found:
        return None
    ((version,),) = database.execute("pragma user_version")
    names = [name for name, _ in found]
    if version > SCHEMA:
        raise StoreError(
            f"{path} was written by a newer Heliostat (schema {version}, this one reads schemas 2 "
            f"to {SCHEMA}); upgrade to read it"
        )
    if version == 0 and "table meta" in names and "table run" not in names:
        raise StoreError(
            f"{path} was written by an earlier Heliostat{_version_in(database)} (schema 1, this "
            f"one reads schemas 2 to {SCHEMA}); read it with that one, or begin an equal run with: "
            f"heliostat run {path.parent / 'config.toml'}"
        )
    expected = {SCHEMA: TABLES, 2: UNSEALED}.get(version)
    if expected is None:
        raise CorruptStore(f"{path}: user_version", f"schema 2 to {SCHEMA}", str(version))
    for name, text in found:
        if text not in expected:
            raise CorruptStore(str(path), f"the tables of schema {version} alone", shown(name))
    for text in expected:
        if text not in [other for _, other in found]:
            missing = " ".join(text.split()[1:3])
            raise CorruptStore(str(path), missing, "no such table")
    return int(version)


def _version_in(database: sqlite3.Connection) -> str:
    """Return the version that a record of schema 1 names, if it can be read."""
    query = "select value from meta where name = 'environment'"
    try:
        ((text,),) = database.execute(query)
        return f" {json.loads(text)['versions']['heliostat']!s:.20}"
    except (sqlite3.Error, ValueError, TypeError, KeyError, RecursionError):
        return ""

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
from pathlib import Path
from typing import Any

from heliostat.errors import CorruptStore, StoreError, shown

SCHEMA = 2
OLDEST_SQLITE = (3, 37)
"""The first version with strict tables."""

TABLES = (
    "CREATE TABLE run (id integer primary key check (id = 1), record text not null) strict",
    "CREATE TABLE outcome (key blob primary key, function text not null, item text not null, "
    "shared text not null, value text, failure text, observed integer not null, "
    "seconds real not null, worker text not null, attempts integer not null, "
    "depth integer not null) strict, without rowid",
    "CREATE TABLE call (key blob primary key, delivered integer not null) strict, without rowid",
    "CREATE TABLE disowned (scope blob primary key) strict, without rowid",
    "CREATE TABLE metric (id integer primary key, scope blob not null, step integer not null, "
    "of integer, count real, name text not null, number real, elapsed real not null) strict",
    "CREATE TABLE checkpoint (id integer primary key, scope blob not null, step integer not null, "
    "counter integer not null, state text not null) strict",
    "CREATE TABLE task_state (id integer primary key, key blob not null, state text not null) "
    "strict",
    "CREATE INDEX task_state_key on task_state (key, id)",
    "CREATE TABLE product (name text not null, scope blob not null, kind text not null, "
    "sha256 text not null, bytes integer not null, media text not null, "
    "primary key (name, scope)) strict, without rowid",
    "CREATE TABLE event (id integer primary key, time real not null, kind text not null, "
    "text text not null) strict",
)
"""What `sqlite_master` holds of a run's database, word for word."""

_TYPES: dict[str, type] = {"text": str, "integer": int, "real": float, "blob": bytes}
_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bytes: "bytes",
    type(None): "nothing",
}
_COLUMN = re.compile(r"(?:\(|, )(\w+) (text|integer|real|blob)( not null| primary key)?")


def _columns() -> dict[str, tuple[type, ...]]:
    """Return what each column may hold, and the results of expressions in queries."""
    found: dict[str, tuple[type, ...]] = {
        "total": (int,),
        "own": (int, type(None)),
        "parent": (int, type(None)),
    }
    for table in TABLES:
        for name, word, required in _COLUMN.findall(table):
            kinds = (_TYPES[word],) if required else (_TYPES[word], type(None))
            assert found.setdefault(name, kinds) == kinds
    # a state is sealed: whatever a damaged one is, its seal tells, and the one before is used
    return {**found, "state": tuple(_WORDS)}


_COLUMNS = _columns()


def kinds(names: tuple[str, ...]) -> frozenset[tuple[type, ...]]:
    """Return the types that a row of these columns may have; one look-up checks a whole row."""
    return frozenset(itertools.product(*(_COLUMNS[name] for name in names)))


def damaged(path: Path, query: str, description: Any, row: tuple[object, ...]) -> StoreError:
    """Return the error that names the first column of a row that holds something else.

    `description`: that of the cursor.
    """
    for (name, *_), value in zip(description, row, strict=True):
        if type(value) not in _COLUMNS[name]:
            expected = " or ".join(_WORDS[kind] for kind in _COLUMNS[name])
            return wrong(path, query, name, expected, value)
    raise AssertionError(f"nothing is wrong with {row!r}")


def wrong(path: Path, query: str, column: str, expected: str, value: object) -> CorruptStore:
    """Return the error that names a column, what was expected in it and what it holds."""
    table = re.search(r"\bfrom (\w+)", query)
    where = f"{path}: table {table[1] if table else query}, column {column}"
    return CorruptStore(where, expected, shown(value))


def is_new(database: sqlite3.Connection, path: Path) -> bool:
    """Return whether a database has nothing in it yet.

    Raises StoreError unless it has the tables of this schema, and nothing else that could act: no
    view, trigger or virtual table.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(
            f"cannot open {path}: this Python's SQLite is {sqlite3.sqlite_version}, runs need 3.37 "
            "or newer"
        )
    found = list(database.execute("select type || ' ' || name, sql from sqlite_master"))
    if not found:
        return True
    ((schema,),) = database.execute("pragma user_version")
    names = [name for name, _ in found]
    if schema > SCHEMA:
        raise StoreError(
            f"{path} was written by a newer Heliostat (schema {schema}, this one reads schema "
            f"{SCHEMA}); upgrade to read it"
        )
    if schema == 0 and "table meta" in names and "table run" not in names:
        raise StoreError(
            f"{path} was written by an earlier Heliostat{_version_in(database)} (schema 1, this "
            f"one reads schema {SCHEMA}); read it with that one, or begin an equal run with: "
            f"heliostat run {path.parent / 'config.toml'}"
        )
    for name, text in found:
        if text not in TABLES:
            raise CorruptStore(str(path), f"the tables of schema {SCHEMA} alone", shown(name))
    for text in TABLES:
        if text not in [other for _, other in found]:
            expected = " ".join(text.split()[1:3])
            raise CorruptStore(str(path), expected, "no such table")
    return False


def _version_in(database: sqlite3.Connection) -> str:
    """Return the version that a record of schema 1 names, if it can be read."""
    query = "select value from meta where name = 'environment'"
    try:
        ((text,),) = database.execute(query)
        return f" {json.loads(text)['versions']['heliostat']!s:.20}"
    except (sqlite3.Error, ValueError, TypeError, KeyError, RecursionError):
        return ""

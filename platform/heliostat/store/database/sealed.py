"""The database of a run: strict tables whose every row carries a hash over all of its columns.

A row is looked at when it is read: its types, because a file can be made to lie about them, and its
seal, because one bit that flips on a disk gives another value that reads as well.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from heliostat.errors import CorruptStore, StoreError
from heliostat.store.database import schema, upgrade
from heliostat.store.database.seal import seal

Kinds = frozenset[tuple[type, ...]]
_INSERT = {
    (table, replace): f"insert {'or replace ' if replace else ''}into {table} "
    f"values ({', '.join('?' * (len(columns) + 1))})"
    for table, columns in schema.COLUMNS.items()
    for replace in (False, True)
}


class SealedDatabase:
    """SQLite with sealed rows; one process writes, any number read.

    An older one is read through a copy in memory that has seals, and gets its own when it is opened
    to be written.
    """

    def __init__(self, path: Path, *, readonly: bool = False, alone: bool = False) -> None:
        self.path = path
        self._process = os.getpid()
        self._kinds: dict[str, tuple[Kinds, Kinds]] = {}
        self._last_id: dict[str, int] = {}
        try:
            if readonly:
                uri = path.resolve().as_uri() + "?mode=ro"  # names may hold ?, # and %
                if alone and not path.with_name(path.name + "-wal").exists():
                    uri += "&immutable=1"  # else SQLite makes files beside it, and leaves them
                self._db = sqlite3.connect(uri, uri=True, timeout=10)
            else:
                self._db = sqlite3.connect(
                    path, isolation_level=None, check_same_thread=False, timeout=10
                )
            self._db.execute("pragma trusted_schema = off")
            found = schema.of(self._db, path)
            self.new = found is None
            self.was_unsealed = found is not None and found < schema.SCHEMA
            if self.was_unsealed:
                self._upgrade(readonly)
            if not readonly:
                self._db.execute("pragma journal_mode = wal")
                self._db.execute("pragma synchronous = normal")
        except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite quotes damaged bytes
            raise StoreError(f"cannot open {path}: {error}") from error

    def _upgrade(self, readonly: bool) -> None:
        if readonly:
            copy = sqlite3.connect(":memory:", isolation_level=None)
            with closing(self._db) as old:
                old.backup(copy)
            self._db = copy
        self.write(lambda: upgrade.to_sealed(self._db))

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def copy(self, path: Path) -> None:
        """Write the database as it is now into a new file."""
        with closing(sqlite3.connect(path)) as other:
            self._db.backup(other)

    # Writing

    def write(self, change: Callable[[], object]) -> None:
        """Make a change in one transaction: whole, or not at all."""
        self._refuse_forks()
        try:
            self._db.execute("begin immediate")
            try:
                change()
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")
        except sqlite3.Error as error:
            raise self._unwritable(error) from error

    def commit(self, table: str, row: Sequence[object], *, replace: bool = False) -> None:
        """Insert one row; a statement by itself is a transaction, and cheaper than `write`."""
        self._refuse_forks()
        try:
            self._db.execute(_INSERT[table, replace], self._sealed(table, row))
        except sqlite3.Error as error:
            raise self._unwritable(error) from error

    def _refuse_forks(self) -> None:
        if os.getpid() != self._process:
            raise StoreError(f"{self.path} is written by process {self._process}, not by its forks")

    def _unwritable(self, error: sqlite3.Error) -> StoreError:
        return StoreError(
            f"cannot write {self.path}: {error}; nothing committed so far is lost, "
            "free the disk or the folder and resume"
        )

    def create(self) -> None:
        """Make the tables, inside a transaction."""
        for text in schema.TABLES:
            self._db.execute(text)
        self._db.execute(f"pragma user_version = {schema.SCHEMA}")

    def put(self, table: str, rows: Sequence[Sequence[object]], *, replace: bool = False) -> None:
        """Insert rows with their seals, inside a transaction."""
        sealed = [self._sealed(table, row) for row in rows]
        self._db.executemany(_INSERT[table, replace], sealed)

    def _sealed(self, table: str, row: Sequence[object]) -> tuple[object, ...]:
        # as it is read again: True as 1, 1 as 1.0 where it is real
        usual = tuple(map(type, row)) in self._kinds_of(table)[0]
        stored = row if usual else schema.converted(table, row)
        return (*stored, seal(table, stored))

    def number(self, table: str) -> int:
        """Return the number of a table's next row, where rows are numbered as they come."""
        if table not in self._last_id:
            query = f"select coalesce(max(id), 0) as total from {table}"
            self._last_id[table] = self.total(query)
        self._last_id[table] += 1
        return self._last_id[table]

    def delete(self, table: str, where: str, values: Iterable[Sequence[object]]) -> None:
        """Delete rows, inside a transaction."""
        self._db.executemany(f"delete from {table} where {where}", values)

    # Reading

    def rows(self, table: str, rest: str = "", *values: object) -> Iterator[tuple[Any, ...]]:
        """Return whole rows without their seals; `rest` follows the table's name in the query.

        Raises CorruptStore naming table and row for one that is not what was written.
        """
        for row in self._execute(f"select * from {table} {rest}", values):
            yield self._checked(table, row)

    def tried(self, table: str, rest: str, *values: object) -> list[tuple[Any, ...] | CorruptStore]:
        """Return rows as `rows` does, and the error in place of one that is not as written."""
        found: list[tuple[Any, ...] | CorruptStore] = []
        for row in self._execute(f"select * from {table} {rest}", values):
            try:
                found.append(self._checked(table, row))
            except CorruptStore as error:
                found.append(error)
        return found

    def joined(
        self, query: str, tables: Sequence[str], *values: object
    ) -> Iterator[tuple[tuple[Any, ...] | None, ...]]:
        """Return rows of a join of whole tables; a part that is not there is None."""
        widths = [len(schema.COLUMNS[table]) + 1 for table in tables]
        earlier: list[Any] = [None] * len(tables)
        for row in self._execute(query, values):
            parts: list[tuple[Any, ...] | None] = []
            start = 0
            for at, (table, width) in enumerate(zip(tables, widths, strict=True)):
                part = row[start : start + width]
                start += width
                if part[-1] is None and not any(x is not None for x in part):
                    parts.append(None)
                elif part == earlier[at]:  # the same call beside each of its outcomes
                    parts.append(part[:-1])
                else:
                    parts.append(self._checked(table, part))
                    earlier[at] = part
            yield tuple(parts)

    def total(self, query: str, *values: object) -> int:
        """Return the number that a query counts."""
        ((number,),) = self._execute(query, values)
        if type(number) is not int:
            raise schema.wrong(self.path, query, "total", "a whole number", number)
        return number

    def sums(self, query: str) -> Iterator[tuple[str, int, float]]:
        """Return rows of a name, a count and a sum, as a query adds them up."""
        for row in self._execute(query, ()):
            if tuple(map(type, row)) != (str, int, float):
                raise schema.wrong(self.path, query, "row", "a name, a count and a sum", row)
            yield row

    def check(self) -> None:
        """Raise CorruptStore where the file is none of SQLite's any more: rows may be missing."""
        for (text,) in self._execute("pragma quick_check(1)", ()):
            if text != "ok":
                raise CorruptStore(str(self.path), "a sound database", " ".join(text.split()))

    def damaged(self) -> Iterator[tuple[str, bytes, CorruptStore]]:
        """Return each row that is not what was written: its table, its seal and the error.

        Raises CorruptStore where the file itself is none of SQLite's any more.
        """
        self.check()
        self._db.text_factory = lambda raw: raw.decode(errors="surrogateescape")
        try:
            for table in schema.COLUMNS:
                for row in self._execute(f"select * from {table}", ()):
                    try:
                        self._checked(table, row)
                    except CorruptStore as error:
                        yield table, row[-1], error
        finally:
            self._db.text_factory = str

    def _checked(self, table: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
        if tuple(map(type, row)) not in self._kinds_of(table)[1]:
            raise schema.damaged(self.path, table, row)
        columns = row[:-1]
        if seal(table, columns) != row[-1]:
            raise schema.broken_seal(self.path, table, row)
        return columns

    def _kinds_of(self, table: str) -> tuple[Kinds, Kinds]:
        """Return the types that a row of a table may have, without its seal and with it."""
        if table not in self._kinds:
            columns = schema.COLUMNS[table]
            self._kinds[table] = schema.kinds(columns), schema.kinds((*columns, "seal"))
        return self._kinds[table]

    def _execute(self, query: str, values: tuple[object, ...]) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._db.execute(query, values)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if "decode to UTF-8" in str(error):  # by SQLite, without saying in which row
                for *_, found in self.damaged():
                    raise found from error
            raise StoreError(f"cannot read {self.path}: {error}") from error

"""The journal: every outcome, in SQLite, committed before the search sees it.

A key is stored as the big-endian bytes of its integers, so that SQLite's order of blobs is the
order of keys. Texts above `INLINE_LIMIT` live in the artifact store; the row then holds their hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from heliostat.errors import CorruptStore, Key, StoreError
from heliostat.store import schema
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.record import RunRecord, record_in
from heliostat.values.outcome import Failure

INLINE_LIMIT = 16_384
CHECKPOINTS_KEPT = 3
"""Checkpoints of a search that are kept, so that a damaged one has others before it."""
FAULT_VARIABLE = "HELIOSTAT_FAULT"
"""Test hook: `kill-after-commits=N` ends the driver with SIGKILL once N outcomes were committed."""

# Outcomes beside how much of their call the search saw: the call is the outcome's own key (`submit`
# and `call`) or all of it but the number. A join, because a table of calls in memory would grow.
_SEEN = """
select o.*, own.delivered as own, parent.delivered as parent from outcome o
  left join call own on own.key = o.key
  left join call parent on parent.key = substr(o.key, 1, length(o.key) - 8)
"""


class Row(NamedTuple):
    """One journaled outcome; texts are canonical encodings, or the marker of an artifact."""

    key: Key
    function: str
    item: str
    shared: tuple[str, ...]
    value: str | None
    failure: Failure | None
    observed: bool = False
    seconds: float = 0.0
    worker: str = ""
    attempts: int = 1
    depth: int = 0
    """How many of the key's first numbers are its scope."""

    def line(self) -> str:
        """Return the line that enters the digest."""
        kind = self.failure.kind if self.failure else None
        parts = [list(self.key), self.function, self.item, list(self.shared), self.value, kind]
        return json.dumps(parts, separators=(",", ":")) + "\n"


@dataclass(frozen=True)
class StoredCheckpoint:
    """A search's checkpoint: its state as canonical text and how many calls came before."""

    step: int
    counter: int
    state: str


def pack_key(key: Key) -> bytes:
    """Return the bytes of a key, whose order is the order of keys."""
    return struct.pack(f">{len(key)}Q", *key)


def unpack_key(blob: bytes) -> Key:
    """Return the key of these bytes."""
    return struct.unpack(f">{len(blob) // 8}Q", blob)


class Journal:
    """The database of one run; one process writes, any number read.

    A new one begins with `record`, whole or not at all.
    """

    def __init__(
        self,
        path: Path,
        artifacts: ArtifactStore,
        *,
        readonly: bool = False,
        record: RunRecord | None = None,
    ) -> None:
        self._path = path
        self._artifacts = artifacts
        self._commits = 0
        self._kill_after = _fault()
        self._last: tuple[str, RunRecord] | None = None
        self._kinds: dict[str, frozenset[tuple[type, ...]]] = {}
        try:
            if readonly:
                uri = path.resolve().as_uri() + "?mode=ro"  # names may hold ?, # and %
                self._db = sqlite3.connect(uri, uri=True, timeout=10)
            else:
                self._db = sqlite3.connect(
                    path, isolation_level=None, check_same_thread=False, timeout=10
                )
            self._db.execute("pragma trusted_schema = off")
            new = schema.is_new(self._db, path)
            if not readonly:
                self._db.execute("pragma journal_mode = wal")
                self._db.execute("pragma synchronous = normal")
        except sqlite3.Error as error:
            raise StoreError(f"cannot open {path}: {error}") from error
        if new and readonly:
            raise StoreError(f"{path} is empty: its run did not begin")
        if new:
            self._create(record)
        began = self.record if not readonly and self._has_record() else None
        self.extended = began is not None and began.extended
        self.superseded_after = None if began is None else began.superseded_after

    def _create(self, record: RunRecord | None) -> None:
        def write() -> None:
            for text in schema.TABLES:
                self._db.execute(text)
            self._db.execute(f"pragma user_version = {schema.SCHEMA}")
            if record is not None:
                self._put_record(record)

        self._write(write)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    # The run's record

    def _has_record(self) -> bool:
        return self._number("select count(*) as total from run") > 0

    @property
    def record(self) -> RunRecord:
        """The run's record as it is now; raises CorruptStore if it is not what was written."""
        for (text,) in self._rows("select record from run"):
            if self._last is None or self._last[0] != text:
                self._last = text, record_in(self._path, text)
            return self._last[1]
        raise CorruptStore(f"{self._path}: table run", "a record", "nothing")

    def change(self, **changes: Any) -> None:
        """Change fields of the run's record."""
        record = replace(self.record, **changes)
        self._write(lambda: self._put_record(record))

    def _put_record(self, record: RunRecord) -> None:
        self._db.execute("insert or replace into run values (1, ?)", (record.text(),))

    # Outcomes

    def put(self, rows: Sequence[Row]) -> None:
        """Commit outcomes in one transaction."""
        packed = [
            (
                pack_key(row.key),
                row.function,
                row.item,
                json.dumps(row.shared) if row.shared else "[]",
                row.value,
                None if row.failure is None else json.dumps(row.failure.__dict__),
                int(row.observed),
                row.seconds,
                row.worker,
                row.attempts,
                row.depth,
            )
            for row in rows
        ]
        # A key is written once, except in a run of which some keys are asked anew.
        anew = self.extended or self.superseded_after is not None
        verb = "insert or replace" if anew else "insert"
        query = f"{verb} into outcome values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._write(lambda: self._db.executemany(query, packed))
        self._commits += len(rows)
        if self._kill_after is not None and self._commits >= self._kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    def discard(self, key: Key) -> None:
        """Forget an outcome, so that its item is evaluated anew."""
        query = "delete from outcome where key = ?"
        self._write(lambda: self._db.execute(query, (pack_key(key),)))

    def discard_other(self, call: Key, *, single: bool) -> None:
        """Forget what a superseded call of another shape left: its items, or its one outcome."""
        if not single:
            if self.get(call) is not None:
                self.discard(call)
            return
        where = "from outcome where key > ? and key < ? and length(key) = ?"
        values = pack_key(call), pack_key((*call[:-1], call[-1] + 1)), 8 * (len(call) + 1)
        if self._number(f"select exists (select 1 {where}) as total", *values):
            self._write(lambda: self._db.execute(f"delete {where}", values))

    def get(self, key: Key) -> Row | None:
        """Return the outcome under that key."""
        query = "select * from outcome where key = ?"
        return next(self._outcomes(query, pack_key(key)), None)

    def page(self, call: Key, first: int, count: int) -> dict[int, Row]:
        """Return outcomes number `first` to `first + count - 1` of a call, by number."""
        found = self._outcomes(
            "select * from outcome where key >= ? and key < ? and length(key) = ?",
            pack_key((*call, first)),
            pack_key((*call, first + count)),
            8 * (len(call) + 1),
        )
        return {row.key[-1]: row for row in found}

    def outcomes(self, *, delivered: bool = True) -> Iterator[Row]:
        """Return outcomes in key order: those the search saw, or all."""
        if delivered:
            yield from self._seen(_SEEN + " order by o.key")
        else:
            yield from self._outcomes("select * from outcome order by key")

    def _seen(self, query: str) -> Iterator[Row]:
        """Return those outcomes of a query like `_SEEN` that the search saw, one by one."""
        gone = self._disowned()
        for *raw, own, parent in self._rows(query):
            row = self._row(raw)
            call = row.key[:-1]
            if own is not None and not _inside(row.key, gone):
                seen = own > 0
            else:
                seen = parent is not None and not _inside(call, gone) and row.key[-1:] < (parent,)
            if seen:
                yield row

    def count(self) -> int:
        """Return the number of journaled outcomes."""
        return self._number("select count(*) as total from outcome")

    def has_history(self) -> bool:
        """Return whether an earlier start left anything that a resume can use."""
        query = "select exists (select 1 from {}) as total"
        tables = ("outcome", "checkpoint", "task_state")
        return any(self._number(query.format(name)) for name in tables)

    def disown(self, scope: Key) -> None:
        """Take the outcomes of a sub-search out of what the search has seen."""
        query = "insert or replace into disowned values (?)"
        self._write(lambda: self._db.execute(query, (pack_key(scope),)))

    def own(self, scope: Key) -> None:
        """Count the outcomes of a sub-search again: a resume runs it anew."""
        query = "delete from disowned where scope = ?"
        self._write(lambda: self._db.execute(query, (pack_key(scope),)))

    def _disowned(self) -> list[Key]:
        query = "select scope from disowned"
        return [self._key(query, "scope", scope) for (scope,) in self._rows(query)]

    def _delivered(self) -> Iterator[int]:
        """Return how many outcomes of each call the search saw, disowned sub-searches left out."""
        gone = self._disowned()
        query = "select key, delivered from call"
        for key, count in self._rows(query):
            if not _inside(self._key(query, "key", key), gone):
                yield count

    def count_delivered(self) -> int:
        """Return the number of outcomes the search saw, as far as it is recorded."""
        return sum(self._delivered())

    def count_before(self, scope: Key, counter: int) -> int:
        """Return the number of journaled outcomes of a scope's first `counter` calls."""
        return self._number(
            "select count(*) as total from outcome where key >= ? and key < ?",
            pack_key(scope),
            pack_key((*scope, counter)),
        )

    def digest(self) -> str:
        """Return SHA-256 over the lines of the outcomes the search saw, in key order."""
        total = hashlib.sha256()
        for row in self.outcomes():
            if not row.observed:
                total.update(row.line().encode())
        return total.hexdigest()

    # Texts: inline, or in the artifact store

    def intern(self, text: str) -> str:
        """Return the form of a text that a row holds: itself, or the marker of an artifact."""
        if len(text) <= INLINE_LIMIT:
            return text
        return json.dumps({"$blob": self._artifacts.put(text.encode())})

    def extern(self, text: str) -> str:
        """Return the full text of what a row holds."""
        if not isinstance(text, str):  # SQLite holds bytes in any column
            raise CorruptStore(str(self._path), "text", f"a {type(text).__name__}")
        if not text.startswith('{"$blob"'):
            return text
        sha256 = self._hash_in(text)
        try:
            return self._artifacts.get(sha256).decode()
        except UnicodeDecodeError as error:
            where = str(self._artifacts.path(sha256))
            raise CorruptStore(where, "text", "bytes of no text") from error

    def whole(self, text: str) -> bool:
        """Return whether the full text of what a row holds is there and undamaged."""
        try:
            self.extern(text)
        except StoreError:
            return False
        return True

    def _hash_in(self, marker: str) -> str:
        try:
            return str(json.loads(marker)["$blob"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            found = repr(marker[:40])
            raise CorruptStore(str(self._path), "the hash of an artifact", found) from error

    # Calls and checkpoints

    def save_calls(self, calls: Mapping[Key, int]) -> None:
        """Record how many outcomes of each call the search saw."""
        rows = [(pack_key(key), count) for key, count in calls.items()]
        self._write(lambda: self._insert_calls(rows))

    def _insert_calls(self, rows: list[tuple[bytes, int]]) -> None:
        self._db.executemany("insert or replace into call values (?, ?)", rows)

    def begin_extension(self) -> None:
        """Let a grown budget supersede what came after the newest checkpoint of each scope.

        From here on an outcome that answers another question than the one asked is evaluated anew.
        """
        obsolete = self._uncovered_calls({at: last for _, at, last in self._counters()})

        def write() -> None:
            self._db.executemany("delete from call where key = ?", obsolete)
            self._put_record(record)

        record = replace(self.record, extended=True)
        self._write(write)
        self.extended = True

    def supersede(self, after: Key, retried: Mapping[str, int]) -> None:
        """Let the outcome under a key be asked again, and what follows it wherever it then differs.

        The searches around it begin anew, and those after it: their checkpoints are dropped, and so
        is what they say again: calls, metrics, products, the result. Outcomes stay, and answer
        where the same is asked. `retried`: how many failures of each kind are asked again.
        """
        around = [after[:length] for length in range(len(after))]
        again = [(pack_key(scope),) for scope in around]
        counters = self._counters()
        covered = {at: last for _, at, last in counters if at < after and at not in around}
        tainted = [(number,) for number, at, _ in counters if at not in covered]
        obsolete = self._uncovered_calls(covered)
        began = self.record
        first = after if self.superseded_after is None else min(after, self.superseded_after)
        counts = {kind: began.retried.get(kind, 0) + n for kind, n in retried.items()}
        record = replace(
            began,
            superseded_after=first,
            retried=began.retried | counts,
            digest=None,
            result=None,
        )

        def write() -> None:
            self._db.executemany("delete from checkpoint where id = ?", tainted)
            self._db.executemany("delete from call where key = ?", obsolete)
            self._db.execute("delete from disowned where scope > ?", (pack_key(after),))
            for table in ("metric", "product"):
                self._db.execute(f"delete from {table} where scope > ?", (pack_key(after),))
                self._db.executemany(f"delete from {table} where scope = ?", again)
            self._put_record(record)

        self._write(write)
        self.superseded_after = first

    def supersedes(self, key: Key) -> bool:
        """Return whether an outcome that answers another question than the one asked may go."""
        after = self.superseded_after
        return self.extended or (after is not None and key > after)

    def _counters(self) -> list[tuple[int, Key, int]]:
        """Return (id, scope, number of calls before it) of each checkpoint, oldest first."""
        query = "select id, scope, counter from checkpoint order by id"
        return [
            (number, self._key(query, "scope", packed), counter)
            for number, packed, counter in self._rows(query)
        ]

    def _uncovered_calls(self, covered: Mapping[Key, int]) -> list[tuple[bytes]]:
        """Return the calls that no checkpoint stands for; `covered`: calls before each scope's."""
        query = "select key from call"
        calls = (self._key(query, "key", key) for (key,) in self._rows(query))
        return [
            (pack_key(key),)
            for key in calls
            if not any(key[n] < covered.get(key[:n], 0) for n in range(len(key)))
        ]

    def save_checkpoint(
        self, scope: Key, step: int, counter: int, state: str, calls: Mapping[Key, int]
    ) -> None:
        """Commit a search's checkpoint together with the record of its calls."""
        rows = [(pack_key(key), count) for key, count in calls.items()]
        held = self.intern(_sealed(state, _place(step, counter)))

        def write() -> None:
            self._insert_calls(rows)
            self._db.execute(
                "insert into checkpoint (scope, step, counter, state) values (?, ?, ?, ?)",
                (packed, step, counter, held),
            )
            self._db.executemany("delete from checkpoint where id = ?", old)

        packed = pack_key(scope)
        query = (
            "select id, state from checkpoint where scope = ? order by id desc limit -1 offset ?"
        )
        stale = list(self._rows(query, packed, CHECKPOINTS_KEPT - 1))
        old = [(number,) for number, _ in stale]
        self._write(write)
        for _, text in stale:
            self._discard(text)

    def _discard(self, held: str) -> None:
        """Delete the artifact of a checkpoint that no other checkpoint shares."""
        shared = self._number(
            "select exists (select 1 from checkpoint where state = ?) as total", held
        )
        if not shared and isinstance(held, str) and held.startswith('{"$blob"'):
            self._artifacts.path(self._hash_in(held)).unlink(missing_ok=True)

    def checkpoints(self, scope: Key) -> Iterator[StoredCheckpoint]:
        """Return a scope's checkpoints that are intact, newest first."""
        query = "select step, counter, state from checkpoint where scope = ? order by id desc"
        for step, counter, held in list(self._rows(query, pack_key(scope))):
            state = self._intact(held, f"checkpoint of step {step}", _place(step, counter))
            if state is not None:
                yield StoredCheckpoint(step, counter, state)

    def save_task_state(self, key: Key, state: str) -> None:
        """Commit a task's checkpoint; the two newest are kept."""
        held, packed = self.intern(_sealed(state)), pack_key(key)

        def write() -> None:
            self._db.execute("insert into task_state (key, state) values (?, ?)", (packed, held))
            self._db.execute(
                "delete from task_state where key = ? and id not in"
                " (select id from task_state where key = ? order by id desc limit 2)",
                (packed, packed),
            )

        self._write(write)

    def task_state(self, key: Key) -> str | None:
        """Return the newest intact checkpoint of a task."""
        query = "select state from task_state where key = ? order by id desc"
        for (held,) in list(self._rows(query, pack_key(key))):
            state = self._intact(held, f"checkpoint of task {key}")
            if state is not None:
                return state
        return None

    def _intact(self, held: str, what: str, place: str = "") -> str | None:
        try:
            return _unsealed(self.extern(held), f"{self._path}: {what}", place)
        except StoreError as error:
            self.add_event("damaged", str(error))
            return None

    # Metrics, products, events

    def add_metrics(
        self,
        scope: Key,
        step: int,
        of: int | None,
        count: float | None,
        metrics: Mapping[str, float],
        elapsed: float,
    ) -> None:
        """Record the metrics of a step, replacing what a replay reports again."""
        packed = pack_key(scope)
        rows = [(packed, step, of, count, name, value, elapsed) for name, value in metrics.items()]

        def write() -> None:
            self._db.executemany(
                "delete from metric where scope = ? and step = ? and name = ?",
                [(packed, step, name) for name in metrics],
            )
            self._db.executemany(
                "insert into metric (scope, step, of, count, name, number, elapsed)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

        self._write(write)

    def metrics(self) -> list[tuple[Key, int, str, float]]:
        """Return (scope, step, name, value) in order of scope, step and report."""
        query = "select scope, step, name, number from metric order by scope, step, id"
        return [
            (self._key(query, "scope", scope), step, name, float("nan") if x is None else x)
            for scope, step, name, x in self._rows(query)
        ]

    def add_product(
        self, name: str, scope: Key, kind: str, sha256: str, size: int, media: str
    ) -> None:
        """Record a product."""
        values = (name, pack_key(scope), kind, sha256, size, media)
        self._write(
            lambda: self._db.execute(
                "insert or replace into product values (?, ?, ?, ?, ?, ?)", values
            )
        )

    def products(self) -> list[dict[str, Any]]:
        """Return the products in order of name and scope."""
        query = "select name, scope, kind, sha256, bytes, media from product order by name, scope"
        return [
            {
                "name": name,
                "scope": self._key(query, "scope", scope),
                "kind": kind,
                "sha256": sha256,
                "bytes": size,
                "media": media,
            }
            for name, scope, kind, sha256, size, media in self._rows(query)
        ]

    def add_event(self, kind: str, text: str) -> None:
        """Record something that happened to the run, with the time."""
        values = (time.time(), kind, text)
        self._write(
            lambda: self._db.execute(
                "insert into event (time, kind, text) values (?, ?, ?)", values
            )
        )

    def events(self) -> list[tuple[float, str, str]]:
        """Return (time, kind, text) in order."""
        query = "select time, kind, text from event order by id"
        return list(self._rows(query))

    def attempts(self) -> int:
        """Return how often items were tried, those that were lost with a worker included."""
        return self._number("select coalesce(sum(attempts), 0) as total from outcome")

    def workers(self) -> dict[str, dict[str, float]]:
        """Return, for each worker, how many items it did and for how many seconds."""
        query = (
            "select worker, count(*) as total, sum(seconds) as seconds from outcome"
            " group by worker order by worker"
        )
        rows = self._rows(query)
        return {worker: {"items": items, "seconds": seconds} for worker, items, seconds in rows}

    def any_done(self, call: Key) -> bool:
        """Return whether an outcome under that key, but not of calls inside it, has a value."""
        return bool(
            self._number(
                "select exists (select 1 from outcome where key >= ? and key < ?"
                " and length(key) = ? and failure is null) as total",
                pack_key((*call, 0)),
                pack_key((*call[:-1], call[-1] + 1)) if call else b"\xff" * 9,
                8 * (len(call) + 1),
            )
        )

    def failures(self, *, delivered: bool = True) -> list[Row]:
        """Return the outcomes that failed in key order: those that the search saw, or all."""
        if delivered and next(self._delivered(), None) is not None:
            return list(self._seen(_SEEN + " where o.failure is not null order by o.key"))
        query = "select * from outcome where failure is not null order by key"
        return list(self._outcomes(query))

    # Reading: a row is what it should be only if it is looked at

    def _rows(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Return rows whose columns hold what they may; raises CorruptStore for another."""
        try:
            found = self._db.execute(query, values)
            kinds = self._kinds.get(query)
            if kinds is None:
                names = tuple(column[0] for column in found.description)
                kinds = self._kinds[query] = schema.kinds(names)
            for row in found:
                if tuple(map(type, row)) not in kinds:
                    raise schema.damaged(self._path, query, found.description, row)
                yield row
        except sqlite3.Error as error:
            raise StoreError(f"cannot read {self._path}: {error}") from error

    def _number(self, query: str, *values: object) -> int:
        ((number,),) = self._rows(query, *values)
        return int(number)

    def _outcomes(self, query: str, *values: object) -> Iterator[Row]:
        return map(self._row, self._rows(query, *values))

    def _key(self, query: str, column: str, blob: bytes) -> Key:
        try:
            return unpack_key(blob)
        except struct.error as error:
            expected = "a key, 8 bytes a number"
            raise schema.wrong(self._path, query, column, expected, blob) from error

    def _row(self, raw: Sequence[Any]) -> Row:
        key, function, item, shared, value, failed, observed, seconds, worker, attempts, depth = raw
        try:
            hashes = () if shared == "[]" else _hashes_in(shared)
            failure = None if failed is None else _failure_in(failed)
            return Row(
                unpack_key(key),
                function,
                item,
                hashes,
                value,
                failure,
                bool(observed),
                seconds,
                worker,
                attempts,
                depth,
            )
        except (ValueError, struct.error) as error:
            raise self._damaged_row(raw) from error

    def _damaged_row(self, raw: Sequence[Any]) -> CorruptStore:
        key, _, _, shared, _, failed, *_ = raw
        place = "key", "a key, 8 bytes a number", key
        with suppress(struct.error):
            unpack_key(key)
            place = "failure", "a JSON object with kind and message", failed
            try:
                _hashes_in(shared)
            except ValueError:
                place = "shared", "a JSON list of hashes", shared
        return schema.wrong(self._path, "from outcome", *place)

    def _write(self, write: Callable[[], object]) -> None:
        try:
            self._db.execute("begin immediate")
            try:
                write()
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")
        except sqlite3.Error as error:
            raise StoreError(
                f"cannot write {self._path}: {error}; nothing committed so far is lost, "
                "free the disk or the folder and resume"
            ) from error


def _inside(key: Key, scopes: Sequence[Key]) -> bool:
    return any(key[: len(scope)] == scope for scope in scopes)


def _hashes_in(text: str) -> tuple[str, ...]:
    """Return the list of texts that a column holds; raises ValueError for any other text."""
    found = _json(text)
    if not (isinstance(found, list) and all(isinstance(one, str) for one in found)):
        raise ValueError
    return tuple(found)


def _failure_in(text: str) -> Failure:
    """Return the failure that a column holds; raises ValueError for any other text."""
    fields = _json(text)
    try:
        failure = Failure(**fields)
    except TypeError:
        raise ValueError from None
    if not all(isinstance(value, str) for value in fields.values()):
        raise ValueError
    return failure


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _place(step: int, counter: int) -> str:
    return f"step {step} after {counter} calls: "


def _sealed(state: str, place: str = "") -> str:
    return hashlib.sha256((place + state).encode()).hexdigest() + state


def _unsealed(text: str, where: str, place: str) -> str:
    seal, state = text[:64], text[64:]
    found = hashlib.sha256((place + state).encode()).hexdigest()
    if seal != found:
        raise CorruptStore(where, seal, found)
    return state


def _fault() -> int | None:
    text = os.environ.get(FAULT_VARIABLE, "")
    name, _, value = text.partition("=")
    return int(value) if name == "kill-after-commits" and value.isdigit() else None

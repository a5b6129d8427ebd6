"""The journal: every outcome, in SQLite, committed before the search sees it.

Texts above `INLINE_LIMIT` live in the artifact store; the row then holds their hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from heliostat.errors import CorruptStore, Key, StoreError
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.database.rows import Row, pack_key, read_key, read_row
from heliostat.store.database.sealed import SealedDatabase
from heliostat.store.pace import Reported
from heliostat.store.record import RunRecord, record_in
from heliostat.store.repair import counts, lacking, repair

INLINE_LIMIT = 16_384
CHECKPOINTS_KEPT = 3
"""Checkpoints of a search that are kept, so that a damaged one has others before it."""
NO_METRIC = ""
"""The name under which a step is kept that was reported without a metric."""
FAULT_VARIABLE = "HELIOSTAT_FAULT"
"""Test hook: `kill-after-commits=N` ends the driver with SIGKILL once N outcomes were committed."""

# Outcomes beside how much of their call the search saw: the call is the outcome's own key (`submit`
# and `call`) or all of it but the number. A join, because a table of calls in memory would grow.
_SEEN = """
select o.*, own.*, parent.* from outcome o
  left join call own on own.key = o.key
  left join call parent on parent.key = substr(o.key, 1, length(o.key) - 8)
"""


@dataclass(frozen=True)
class StoredCheckpoint:
    """A search's checkpoint: its state as canonical text and how many calls came before."""

    step: int
    counter: int
    state: str


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
        alone: bool = False,
        record: RunRecord | None = None,
    ) -> None:
        self._path = path
        self._artifacts = artifacts
        self._commits = 0
        self._kill_after = _fault()
        self._last: tuple[str, RunRecord] | None = None
        self._deferred: list[Callable[[], None]] = []
        self._ahead: RunRecord | None = None
        self._anew = False
        self._db = SealedDatabase(path, readonly=readonly, alone=alone)
        if self._db.new and readonly:
            raise StoreError(f"{path} is empty: its run did not begin")
        if self._db.new:
            self._create(record)
        began = self.record if not readonly and self._has_record() else None
        self.extended = began is not None and began.extended
        self.superseded_after = None if began is None else began.superseded_after
        self.forked = began is not None and began.forked_from != ""

    def _create(self, record: RunRecord | None) -> None:
        def write() -> None:
            self._db.create()
            if record is not None:
                self._put_record(record)

        self._db.write(write)

    @property
    def artifacts(self) -> ArtifactStore:
        """Where its large texts are."""
        return self._artifacts

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def copy(self, path: Path) -> None:
        """Write the database as it is now into a new file."""
        self._db.copy(path)

    # The run's record

    def _has_record(self) -> bool:
        return self._db.total("select count(*) as total from run") > 0

    @property
    def record(self) -> RunRecord:
        """The run's record as it is now; raises CorruptStore if it is not what was written."""
        for _, text in self._db.rows("run"):
            if self._last is None or self._last[0] != text:
                self._last = text, record_in(self._path, text)
            return self._last[1]
        raise CorruptStore(f"{self._path}: table run", "a record", "nothing")

    @property
    def ended(self) -> bool:
        """Whether the run is recorded as finished."""
        return self._has_record() and self.record.state == "finished"

    def change(self, **changes: Any) -> None:
        """Change fields of the run's record."""
        record = replace(self.record, **changes)
        self._db.write(lambda: self._put_record(record))
        if self._ahead is not None:
            self._ahead = replace(self._ahead, **changes)

    def _put_record(self, record: RunRecord) -> None:
        self._db.put("run", [(1, record.text())], replace=True)

    # What is held back until the search goes on

    def defer(self, change: Callable[[], None] | None = None, **fields: Any) -> None:
        """Change record and more in the transaction of what the search does first from here on.

        A start that ends before that leaves the run as it was.
        """
        self._ahead = replace(self.expected, **fields)
        if change is not None:
            self._deferred.append(change)

    @property
    def expected(self) -> RunRecord:
        """The run's record as it will be with what is held back."""
        return self._ahead or self.record

    @property
    def deferring(self) -> bool:
        """Whether something is held back."""
        return self._ahead is not None

    def settle(self) -> None:
        """Make the changes that were held back."""
        self._write(lambda: None)

    def _write(self, write: Callable[[], object]) -> None:
        def both() -> None:
            for change in self._deferred:
                change()
            if self._ahead is not None:
                self._put_record(self._ahead)
            write()

        self._db.write(both)
        self._deferred, self._ahead = [], None

    # Outcomes

    def put(self, rows: Sequence[Row]) -> None:
        """Commit outcomes in one transaction."""
        packed = [row.columns() for row in rows]
        # A key is written once, except in a run of which some keys are asked anew.
        anew = self.extended or self.superseded_after is not None
        if len(packed) == 1 and not self._deferred and self._ahead is None:
            self._db.commit("outcome", packed[0], replace=anew)
        else:
            self._write(lambda: self._db.put("outcome", packed, replace=anew))
        self._commits += len(rows)
        if self._kill_after is not None and self._commits >= self._kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    def discard(self, key: Key) -> None:
        """Forget an outcome, so that its item is evaluated anew."""
        self._db.write(lambda: self._db.delete("outcome", "key = ?", [(pack_key(key),)]))

    def discard_other(self, call: Key, *, single: bool) -> None:
        """Forget what a superseded call of another shape left: its items, or its one outcome."""
        if not self.has_other(call, single=single):
            return
        if not single:
            self.discard(call)
            return
        values = _items_of(call)
        self._db.write(lambda: self._db.delete("outcome", _ITEMS_OF, [values]))

    def has_other(self, call: Key, *, single: bool) -> bool:
        """Return whether a call of another shape left outcomes under that key."""
        if not single:
            return self.get(call) is not None
        query = f"select exists (select 1 from outcome where {_ITEMS_OF}) as total"
        return bool(self._db.total(query, *_items_of(call)))

    def get(self, key: Key) -> Row | None:
        """Return the outcome under that key."""
        return next(self._outcomes("where key = ?", pack_key(key)), None)

    def page(self, call: Key, first: int, count: int) -> dict[int, Row]:
        """Return outcomes number `first` to `first + count - 1` of a call, by number."""
        found = self._outcomes(
            "where key >= ? and key < ? and length(key) = ?",
            pack_key((*call, first)),
            pack_key((*call, first + count)),
            8 * (len(call) + 1),
        )
        return {row.key[-1]: row for row in found}

    def outcomes(self, *, delivered: bool = True) -> Iterator[Row]:
        """Return outcomes in key order: those the search saw, or all."""
        if delivered:
            yield from self._seen()
        else:
            yield from self._outcomes("order by key")

    def _seen(self, where: str = "") -> Iterator[Row]:
        """Return the outcomes that the search saw, one by one in key order."""
        gone = self._disowned()
        query = f"{_SEEN} {where} order by o.key"
        for columns, own, parent in self._db.joined(query, ("outcome", "call", "call")):
            assert columns is not None
            row = read_row(self._path, columns)
            call = row.key[:-1]
            if own is not None and not _inside(row.key, gone):
                seen = own[1] > 0
            else:
                seen = (
                    parent is not None and not _inside(call, gone) and row.key[-1:] < (parent[1],)
                )
            if seen:
                yield row

    def count(self) -> int:
        """Return the number of journaled outcomes."""
        return self._db.total("select count(*) as total from outcome")

    def has_history(self) -> bool:
        """Return whether an earlier start left anything that a resume can use."""
        query = "select exists (select 1 from {}) as total"
        tables = ("outcome", "checkpoint", "task_state")
        return any(self._db.total(query.format(name)) for name in tables)

    def disown(self, scope: Key) -> None:
        """Take the outcomes of a sub-search out of what the search has seen."""
        row = (pack_key(scope),)
        self._db.write(lambda: self._db.put("disowned", [row], replace=True))

    def own(self, scope: Key) -> None:
        """Count the outcomes of a sub-search again: a resume runs it anew."""
        row = (pack_key(scope),)
        self._db.write(lambda: self._db.delete("disowned", "scope = ?", [row]))

    def _disowned(self) -> list[Key]:
        return [
            read_key(self._path, "disowned", "scope", scope)
            for (scope,) in self._db.rows("disowned")
        ]

    def _delivered(self) -> Iterator[int]:
        """Return how many outcomes of each call the search saw, disowned sub-searches left out."""
        gone = self._disowned()
        for key, count in self._db.rows("call"):
            if not _inside(read_key(self._path, "call", "key", key), gone):
                yield count

    def count_delivered(self) -> int:
        """Return the number of outcomes the search saw, as far as it is recorded."""
        return sum(self._delivered())

    def count_before(self, scope: Key, counter: int) -> int:
        """Return the number of journaled outcomes of a scope's first `counter` calls."""
        return self._db.total(
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
        if not text.startswith(_MARKER):
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
        if calls:
            self._write(lambda: self._put_calls(calls))

    def _put_calls(self, calls: Mapping[Key, int]) -> None:
        rows = [(pack_key(key), count) for key, count in calls.items()]
        self._db.put("call", rows, replace=True)

    def begin_extension(self, *, anew: bool = False) -> None:
        """Let a grown budget supersede what came after the newest checkpoint of each scope.

        From here on an outcome that answers another question than the one asked is evaluated anew.
        With `anew` the checkpoints go too: they may be those of sub-searches of other parameters.
        """
        counters = self._counters()
        covered = {} if anew else {at: last for _, at, last in counters}
        obsolete = self._uncovered_calls(covered)
        self._anew = anew

        def write() -> None:
            if anew:
                self._db.delete("checkpoint", "id = ?", [(number,) for number, _, _ in counters])
                self._db.delete("task_state", "id > ?", [(0,)])
            self._db.delete("call", "key = ?", obsolete)

        self.defer(write, extended=True)
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
        began = self.expected
        first = after if self.superseded_after is None else min(after, self.superseded_after)
        counts = {kind: began.retried.get(kind, 0) + n for kind, n in retried.items()}
        self.defer(superseded_after=first, retried=began.retried | counts, digest=None, result=None)

        def write() -> None:
            self._db.delete("checkpoint", "id = ?", tainted)
            self._db.delete("call", "key = ?", obsolete)
            self._db.delete("disowned", "scope > ?", [(pack_key(after),)])
            for table in ("metric", "product"):
                self._db.delete(table, "scope > ?", [(pack_key(after),)])
                self._db.delete(table, "scope = ?", again)

        self._write(write)
        self.superseded_after = first

    def supersedes(self, key: Key) -> bool:
        """Return whether an outcome that answers another question than the one asked may go."""
        after = self.superseded_after
        return self.extended or (after is not None and key > after)

    def _counters(self) -> list[tuple[int, Key, int]]:
        """Return (id, scope, number of calls before it) of each checkpoint, oldest first."""
        return [
            (number, read_key(self._path, "checkpoint", "scope", packed), counter)
            for number, packed, _, counter, _ in self._db.rows("checkpoint", "order by id")
        ]

    def _uncovered_calls(self, covered: Mapping[Key, int]) -> list[tuple[bytes]]:
        """Return the calls that no checkpoint stands for; `covered`: calls before each scope's."""
        calls = (read_key(self._path, "call", "key", key) for key, _ in self._db.rows("call"))
        return [
            (pack_key(key),)
            for key in calls
            if not any(key[n] < covered.get(key[:n], 0) for n in range(len(key)))
        ]

    def save_checkpoint(
        self, scope: Key, step: int, counter: int, state: str, calls: Mapping[Key, int]
    ) -> None:
        """Commit a search's checkpoint together with the record of its calls."""
        held, packed = self.intern(state), pack_key(scope)
        rest = "where scope = ? order by id desc limit -1 offset ?"
        stale = list(self._db.rows("checkpoint", rest, packed, CHECKPOINTS_KEPT - 1))

        def write() -> None:
            self._put_calls(calls)
            number = self._db.number("checkpoint")
            self._db.put("checkpoint", [(number, packed, step, counter, held)])
            self._db.delete("checkpoint", "id = ?", [(row[0],) for row in stale])

        self._write(write)
        for *_, text in stale:
            self._drop_artifact(text)

    def _drop_artifact(self, held: str) -> None:
        """Delete the artifact of a checkpoint that no other checkpoint shares."""
        shared = self._db.total(
            "select exists (select 1 from checkpoint where state = ?) as total", held
        )
        if not shared and held.startswith(_MARKER):
            self._artifacts.path(self._hash_in(held)).unlink(missing_ok=True)

    def checkpoints(self, scope: Key) -> Iterator[StoredCheckpoint]:
        """Return a scope's checkpoints that are intact, newest first."""
        if self._anew:
            return
        rest = "where scope = ? order by id desc"
        for row in self._db.tried("checkpoint", rest, pack_key(scope)):
            state = self._intact(row)
            if state is not None and not isinstance(row, CorruptStore):
                yield StoredCheckpoint(row[2], row[3], state)

    def save_task_state(self, key: Key, state: str) -> None:
        """Commit a task's checkpoint; the two newest are kept."""
        held, packed = self.intern(state), pack_key(key)

        def write() -> None:
            self._db.put("task_state", [(self._db.number("task_state"), packed, held)])
            self._db.delete(
                "task_state",
                "key = ? and id not in"
                " (select id from task_state where key = ? order by id desc limit 2)",
                [(packed, packed)],
            )

        self._db.write(write)

    def task_state(self, key: Key) -> str | None:
        """Return the newest intact checkpoint of a task."""
        if self._anew:
            return None
        rest = "where key = ? order by id desc"
        states = map(self._intact, self._db.tried("task_state", rest, pack_key(key)))
        return next((state for state in states if state is not None), None)

    def _intact(self, row: tuple[Any, ...] | CorruptStore) -> str | None:
        """Return the state that a row ends with, or None after recording that it is damaged."""
        try:
            if isinstance(row, CorruptStore):
                raise row
            return self.extern(row[-1])
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

        def write() -> None:
            same = [(packed, step, name) for name in metrics or (NO_METRIC,)]
            self._db.delete("metric", "scope = ? and step = ? and name = ?", same)
            # NaN is stored as nothing, and sealed as it is stored
            numbers = {name: None if x != x else x for name, x in metrics.items()}
            numbers = numbers or {NO_METRIC: None}
            self._db.put(
                "metric",
                [
                    (self._db.number("metric"), packed, step, of, count, name, x, elapsed)
                    for name, x in numbers.items()
                ],
            )

        self._db.write(write)

    def has_metrics(self, scope: Key, step: int, metrics: Mapping[str, float]) -> bool:
        """Return whether a step of a scope is recorded with these metrics."""
        found = self._db.rows("metric", "where scope = ? and step = ?", pack_key(scope), step)
        held = {name: value for _, _, _, _, _, name, value, _ in found}
        wanted: Mapping[str, float | None] = metrics or {NO_METRIC: None}
        return all(
            name in held and held[name] == (None if x is None or x != x else x)
            for name, x in wanted.items()
        )

    def metrics(self) -> list[tuple[Key, int, str, float]]:
        """Return (scope, step, name, value) in order of scope, step and report."""
        found = self._db.rows("metric", "where name != ? order by scope, step, id", NO_METRIC)
        return [
            (
                read_key(self._path, "metric", "scope", scope),
                step,
                name,
                float("nan") if x is None else x,
            )
            for _, scope, step, _, _, name, x, _ in found
        ]

    def steps(self, after: int = 0) -> list[Reported]:
        """Return what was reported later than the row `after`, in order of report."""
        return [
            Reported(number, read_key(self._path, "metric", "scope", scope), *rest)
            for number, scope, *rest in self._db.rows("metric", "where id > ? order by id", after)
        ]

    def add_product(
        self, name: str, scope: Key, kind: str, sha256: str, size: int, media: str
    ) -> None:
        """Record a product."""
        row = (name, pack_key(scope), kind, sha256, size, media)
        self._db.write(lambda: self._db.put("product", [row], replace=True))

    def products(self) -> list[dict[str, Any]]:
        """Return the products in order of name and scope."""
        return [
            {
                "name": name,
                "scope": read_key(self._path, "product", "scope", scope),
                "kind": kind,
                "sha256": sha256,
                "bytes": size,
                "media": media,
            }
            for name, scope, kind, sha256, size, media in self._db.rows(
                "product", "order by name, scope"
            )
        ]

    def add_event(self, kind: str, text: str) -> None:
        """Record something that happened to the run, with the time."""
        self._db.write(lambda: self.put_event(kind, text))

    def put_event(self, kind: str, text: str) -> None:
        """Record an event inside a transaction (of `defer`)."""
        self._db.put("event", [(self._db.number("event"), time.time(), kind, text)])

    def events(self) -> list[tuple[float, str, str]]:
        """Return (time, kind, text) in order."""
        return [(when, kind, text) for _, when, kind, text in self._db.rows("event", "order by id")]

    def attempts(self) -> int:
        """Return how often items were tried, those that were lost with a worker included."""
        return sum(row.attempts for row in self._outcomes())

    def workers(self) -> dict[str, dict[str, float]]:
        """Return, for each worker, how many items it did and for how many seconds."""
        found: dict[str, dict[str, float]] = {}
        for row in self._outcomes():
            if not row.worker:
                continue  # the driver measured it
            done = found.setdefault(row.worker, {"items": 0, "seconds": 0.0})
            done["items"] += 1
            done["seconds"] += row.seconds
        return dict(sorted(found.items()))

    def tallies(self) -> dict[str, tuple[int, float]]:
        """Return items and busy seconds of each worker: a sum for a display, no seal is checked."""
        query = "select worker, count(*), sum(seconds) from outcome group by worker order by worker"
        return {worker: (items, seconds) for worker, items, seconds in self._db.sums(query)}

    def count_failed(self) -> int:
        """Return how many journaled outcomes are failures, for a display."""
        return self._db.total("select count(failure) as total from outcome")

    def any_done(self, call: Key) -> bool:
        """Return whether an outcome under that key, but not of calls inside it, has a value."""
        return bool(
            self._db.total(
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
            return list(self._seen("where o.failure is not null"))
        return list(self._outcomes("where failure is not null order by key"))

    def _outcomes(self, rest: str = "", *values: object) -> Iterator[Row]:
        for columns in self._db.rows("outcome", rest, *values):
            yield read_row(self._path, columns)

    # Damage

    @property
    def was_unsealed(self) -> bool:
        """Whether its rows had no seals until it was opened here: of them nobody can tell."""
        return self._db.was_unsealed

    def check(self) -> None:
        """Raise CorruptStore for a file that cannot be read whole, or lacks rows it ended with."""
        self._db.check()
        error = lacking(self._db, self.record)
        if error is not None:
            raise error

    def repair(self) -> list[str]:
        """Take out what is not as written, before a resume, and return what there is to say.

        Raises CorruptStore for a file that SQLite cannot read, and for the record: nobody can make
        that anew.
        """
        record = self.record
        try:
            now = None if record.digest is None else self.digest()
        except CorruptStore:
            now = None  # a row is damaged, and told of by name
        told = repair(self._db, self._artifacts, record, now)
        for text in told:
            self.add_event("damaged", text)
        return told

    def counts(self) -> dict[str, int]:
        """Return how many rows the tables have that no digest covers."""
        return counts(self._db)


_MARKER = '{"$blob"'


_ITEMS_OF = "key > ? and key < ? and length(key) = ?"


def _items_of(call: Key) -> tuple[bytes, bytes, int]:
    return pack_key(call), pack_key((*call[:-1], call[-1] + 1)), 8 * (len(call) + 1)


def _inside(key: Key, scopes: Sequence[Key]) -> bool:
    return any(key[: len(scope)] == scope for scope in scopes)


def _fault() -> int | None:
    text = os.environ.get(FAULT_VARIABLE, "")
    name, _, value = text.partition("=")
    return int(value) if name == "kill-after-commits" and value.isdigit() else None

"""The engine: what all scopes of one run share: asking, waiting, journal and replay.

Path of one item: the search calls `run.map` -> the scope gives it a key and its canonical text ->
the journal is asked for that key (replay) -> otherwise the executor takes it -> its reply is
committed -> the search gets the decoded outcome, in key order.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from heliostat.contract.part import PartRef
from heliostat.contract.task import Resources
from heliostat.engine.executor import Executor
from heliostat.engine.listener import Listener
from heliostat.engine.lost import Lost
from heliostat.engine.turns import Turns
from heliostat.errors import (
    Interrupted,
    Key,
    Paused,
    ReplayMismatch,
    TaskError,
    TooManyFailures,
    key_text,
)
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.database.rows import Row
from heliostat.store.journal import Journal
from heliostat.store.log import RunLog
from heliostat.store.pace import PHASE, phase_text
from heliostat.values.canonical import encode
from heliostat.values.frames import told_frames
from heliostat.values.outcome import Failure, counted
from heliostat.worker.numerics import set_threads
from heliostat.worker.work import Reply, TaskState, Work

ELAPSED = "heliostat.elapsed"
"""The function under which the journal holds how long the run had taken."""
POLL_SECONDS = 0.2
"""How long to wait for workers between two looks at the stop flag."""
FEWEST_AHEAD = 64
MOST_UNSAVED = 4096
"""Calls whose deliveries are kept in memory before they are written."""


class Engine:
    """The state that all scopes of one run share."""

    def __init__(
        self,
        *,
        root: int,
        journal: Journal,
        artifacts: ArtifactStore,
        executor: Executor,
        log: RunLog,
        listener: Listener,
        build_part: Callable[[str, PartRef], Any],
        lookahead: int,
        title: str = "the search",
        meet: Callable[[str], None] = lambda module: None,
    ) -> None:
        self.root = root
        self.journal = journal
        self.artifacts = artifacts
        self.executor = executor
        self.log = log
        self.listener = listener
        self.build_part = build_part
        self.lookahead = lookahead
        self.replayed = 0
        self.evaluated = 0
        self._unsaved: dict[Key, int] = {}
        self.resuming = journal.has_history()
        self.asked_again: frozenset[str] = frozenset()
        self.began = time.monotonic()
        self.spent = 0.0
        """Seconds of earlier starts, as far as they are known."""
        self.stopping = False
        self.told_to_stop = False
        self.paused = ""
        self.title = title
        self._meet = meet
        self._met: set[str] = set()
        self.at: Key | None = None
        self.step: int | None = None
        self.warned: set[str] = set()
        self._mail: dict[Key, Row] = {}
        self._asked: dict[Key, Work] = {}
        self._recalled: set[Key] = set()
        self._started = False
        self._failed_branches: dict[Key, Failure] = {}
        self._phases: dict[Key, str] = {}
        self._was_finished = self.resuming and journal.ended
        events = journal.events() if self.resuming else []
        self._phases_before = {text for _, kind, text in events if kind == PHASE}
        self.turns = Turns()
        self.lost = Lost()

    def place(self) -> str:
        """Return where the search is, as people read it: its newest call, and step if reported."""
        call = "before its first call" if self.at is None else f"call {key_text(self.at)}"
        step = "" if self.step is None else f", after step {self.step}"
        return f"{self.title}, {call}{step}"

    def warn(self, text: str) -> None:
        """Tell of something that the author of the search should mend; changes no result."""
        self.listener.on_event("warning", f"{self.place()}: {text}")

    @property
    def replaying(self) -> bool:
        """Whether this start has done nothing yet that was not in the journal."""
        return self.resuming and not self.evaluated

    def begin_phase(self, scope: Key, name: str) -> None:
        """Record what a search does from here on, and tell the listener."""
        if self._phases.get(scope) == name:
            return
        self._phases[scope] = name
        self.listener.on_phase(scope, name)
        text = phase_text(scope, name)
        if self.replaying and text in self._phases_before:
            return
        self.journal.add_event(PHASE, text)
        self.log.write(PHASE, text)
        # among the steps too, since events and steps have clocks of their own
        self.journal.add_metrics(scope, 0, None, None, {}, time.monotonic() - self.began)

    def note_failure(self, key: Key, failure: Failure) -> None:
        """Keep why a branch failed: it has no row, and its search is told the kind alone."""
        self._failed_branches[key] = failure
        self.log.add("failed", f"branch {key_text(key)}: {failure.kind}: {failure.message}")

    def explained(self, error: Exception) -> Exception:
        """Return the error that a search left with, with the message that it was not shown."""
        if not isinstance(error, TaskError | TooManyFailures):
            return error
        key = error.key if isinstance(error, TaskError) else error.at
        row = None if key in self._failed_branches else self.journal.get(key)
        failure = self._failed_branches.get(key) if row is None else row.failure
        if failure is None:
            return error
        frames = told_frames(failure.traceback)
        told: TaskError | TooManyFailures
        if isinstance(error, TaskError):
            told = TaskError(
                key, failure.kind, failure.message, failure.traceback, error.where, frames
            )
        else:
            first = f"{failure.kind}: {failure.message}"
            told = error.with_first(f"{first}\n{frames}" if frames else first)
        told.shown_under = None if row is None else key
        return told

    def stop(self) -> None:
        """Ask the search to end at its next use of `run`; safe in a signal handler."""
        self.stopping = True

    def check_stop(self) -> None:
        """Raise Interrupted when the run was asked to stop."""
        if self.stopping:
            self.told_to_stop = True
            raise self.why_it_stops()
        self.turns.check()

    def why_it_stops(self) -> Interrupted:
        """Return what ends the search: the machine that is to blame, or whoever asked for it."""
        return Paused(self.paused) if self.paused else Interrupted("the run was asked to stop")

    def drain(self, seconds: float) -> None:
        """Commit what workers finish within that time; hand out nothing new."""
        self.executor.halt()
        until = time.monotonic() + seconds
        while self.executor.busy() and time.monotonic() < until:
            self._take_replies(0.1)

    # Asking

    def start_executor(self) -> None:
        """Acquire processes, unless that was done."""
        if not self._started:
            said = self.executor.describe()
            where = [str(said[name]) for name in ("executor", "address") if name in said]
            self.listener.on_event("starting", " ".join(where))
            try:
                self.turns.in_first_thread(self.executor.start)
            except (Interrupted, KeyboardInterrupt) as error:  # a signal that the start took up
                self.stopping = True
                raise Interrupted(str(error)) from error
            self._started = True

    def ask(self, work: Work) -> None:
        """Hand an item to the executor; the driver itself knows how long the run has taken."""
        self._know(work)
        if work.function == ELAPSED:
            self._asked[work.key] = work
            seconds = self.spent + time.monotonic() - self.began
            self._commit([Reply(work.key, encode(seconds), None, 0.0, "")])
            return
        self.start_executor()
        self._asked[work.key] = work
        self.executor.submit(work)

    def ask_again(self, kinds: frozenset[str]) -> None:
        """Ask again what failed by the machine in these ways, and what follows where it differs.

        Nothing of the run is changed before there are workers to ask.
        """
        rows = self.journal.failures(delivered=False)
        found = Counter(row.failure.kind for row in rows if row.failure is not None)
        again = {kind: found[kind] for kind in sorted(kinds) if found[kind]}
        if not again:
            return
        self.start_executor()
        first = next(row.key for row in rows if row.failure and row.failure.kind in again)
        self.journal.supersede(first, again)
        self.asked_again = frozenset(again)
        text = f"{counted(again)} asked again, first {key_text(first)}"
        self.listener.on_event("retried", text)

    def check_resources(self, resources: Resources) -> None:
        """Refuse resources that cannot be met (starts the executor to know)."""
        self.start_executor()
        self.executor.check(resources)

    def recall(self, work: Work, row: Row) -> None:
        """Take a journaled outcome, after checking that it answers what is asked now.

        Raises ReplayMismatch if it does not, unless the run's budget was extended or something
        before it was asked again: then what differs is asked anew. So is what was stored and is
        damaged now, and a failure of the machine of a kind that this start asks again.
        """
        self._know(work)
        for what, stored, asked in (
            ("function", row.function, work.function),
            ("item", row.item, self.journal.intern(work.item)),
            ("shared data", " ".join(row.shared), " ".join(work.shared)),
            ("scope", str(row.depth), str(len(work.scope))),
        ):
            if stored != asked and self.journal.supersedes(work.key):
                self.ask(work)
                return
            if stored != asked:
                raise ReplayMismatch(work.key, what, stored, asked)
        if row.failure is not None and row.failure.kind in self.asked_again:
            self.ask(work)
            return
        if row.value is not None and not self.journal.whole(row.value):
            # a power cut may keep a row and lose its file; the item gives the same value again
            self.journal.discard(row.key)
            text = f"the stored value of item {key_text(row.key)} is damaged; evaluated anew"
            self.listener.on_event("damaged", text)
            self.ask(work)
            return
        self._recalled.add(work.key)
        self._mail[work.key] = row

    def _know(self, work: Work) -> None:
        """Tell of a task when it is first asked for, before any of its outcomes is used."""
        if work.module not in self._met:
            self._meet(work.module)
            self._met.add(work.module)

    def begin_call(self, call: Key, *, single: bool) -> None:
        """Forget what a call of another shape left under that key, if it is superseded.

        A fork may ask for another shape than the run that it shares outcomes with, and would count
        what that one left as seen: it is refused.
        """
        if not self.resuming:
            return
        if self.journal.supersedes(call):
            self.journal.discard_other(call, single=single)
        elif self.journal.forked and self.journal.has_other(call, single=single):
            shapes = ("a list of items", "one item")
            raise ReplayMismatch(call, "kind of call", shapes[not single], shapes[single])

    def forget(self, keys: Iterable[Key]) -> None:
        """Drop items that a search left behind."""
        gone = [key for key in keys if self._asked.pop(key, None) or self._mail.pop(key, None)]
        self.executor.drop(gone)

    def wants_more(self, ahead: int) -> bool:
        """Return whether a call that is `ahead` items before its search should ask for another."""
        if ahead == 0:
            return True
        # A slow first item may not let later outcomes pile up without bound.
        room = self.executor.room()
        return room > 0 and ahead < max(FEWEST_AHEAD, 4 * (room + len(self._asked)))

    def deliver(self, call: Key, count: int) -> None:
        """Note how many outcomes of a call the search has seen."""
        self._unsaved[call] = count
        # a finished run keeps what its digest is of until its replay has ended
        whole = self._was_finished and self.journal.deferring
        if len(self._unsaved) >= MOST_UNSAVED and not whole:
            self.journal.save_calls(self.take_unsaved_calls())

    def take_unsaved_calls(self) -> dict[Key, int]:
        """Return what was noted since the last time, to be committed."""
        unsaved, self._unsaved = self._unsaved, {}
        return unsaved

    def take_over(self, scope: Key, counter: int) -> None:
        """Count the outcomes before a checkpoint as replayed."""
        self.replayed += self.journal.count_before(scope, counter)

    # Waiting

    def has(self, key: Key) -> bool:
        """Return whether the outcome under a key is here."""
        return key in self._mail

    def recalls(self, key: Key) -> bool:
        """Return whether the outcome under a key comes from the journal."""
        return key in self._recalled

    def wait_for(self, key: Key) -> Row:
        """Return the outcome under a key; other sub-searches may run until it is here."""
        if self.stopping or key not in self._mail:
            self.wait_until(lambda: key in self._mail)
        if key in self._recalled:
            self._recalled.discard(key)
            self.replayed += 1
        return self._mail.pop(key)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Let other sub-searches go on and workers answer until `ready`."""
        while not ready():
            self.check_stop()
            if not self.turns.give_way(ready):
                self._take_replies(POLL_SECONDS)
            self.listener.on_tick()
        if self.stopping:
            self.check_stop()

    def _take_replies(self, timeout: float) -> None:
        try:
            replies = self.executor.wait(timeout, self._store_state)
        except Paused as blamed:
            self.stopping = self.told_to_stop = True
            self.paused = blamed.reason
            raise
        self._commit(replies)

    def _commit(self, replies: Sequence[Reply]) -> None:
        rows = [self._row(self._asked[reply.key], reply) for reply in replies]
        if rows:
            self.journal.put(rows)
        for kind, text in self.log.take():
            self.journal.add_event(kind, text)
        for row in rows:
            del self._asked[row.key]
            self.evaluated += 1
            self._mail[row.key] = row
        if rows:
            self.listener.on_commit(rows)
            set_threads(1)  # tasks in this process, and observers, may have left other numbers

    def _row(self, work: Work, reply: Reply) -> Row:
        return Row(
            key=work.key,
            function=work.function,
            item=self.journal.intern(work.item),
            shared=work.shared,
            value=None if reply.value is None else self.journal.intern(reply.value),
            failure=reply.failure,
            observed=work.observed,
            seconds=reply.seconds,
            worker=reply.worker,
            attempts=reply.attempts,
            depth=len(work.scope),
        )

    def _store_state(self, state: TaskState) -> None:
        self.journal.save_task_state(state.key, state.state)

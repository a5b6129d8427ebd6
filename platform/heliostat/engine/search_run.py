"""`Run` for one search: keys in the order of asking, outcomes back in the order of keys."""

from __future__ import annotations

import heapq
import math
import random
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from heliostat.contract.part import PartRef
from heliostat.contract.run import Run, SharedData
from heliostat.contract.task import Resources, Task
from heliostat.engine.engine import ELAPSED, Engine
from heliostat.engine.failing import Failing, refuse_if_all_failed
from heliostat.engine.turns import Branch, SubSearchFailed
from heliostat.errors import (
    ConfigError,
    CorruptStore,
    DataError,
    EncodingError,
    HeliostatError,
    Key,
    MisuseError,
    TaskError,
    TooManyFailures,
    key_text,
)
from heliostat.store.database.rows import Row
from heliostat.store.pages import PAGE, Pages
from heliostat.values import streams
from heliostat.values.canonical import Artifact, Shared, decode, encode
from heliostat.values.names import checked_task, task_name
from heliostat.values.outcome import Failure, Outcome
from heliostat.values.streams import scoped
from heliostat.worker.work import Work

if TYPE_CHECKING:
    import numpy as np
    import torch

I = TypeVar("I")
O = TypeVar("O")
R = TypeVar("R")
T = TypeVar("T")

LARGE_ITEM = 1_000_000
"""Characters of an item's canonical text from which on there is a warning."""
LONGEST_PHASE = 200
"""Characters of a phase that are kept."""
_ONE_CPU = Resources()


class SearchRun(Run):
    """`Run` for one search: hands out keys in the order of asking and brings outcomes back.

    What each method gives stands in `Run`.
    """

    def __init__(self, engine: Engine, scope: Key) -> None:
        self._engine = engine
        self._scope = scope
        self._calls = 0
        self._thread = threading.get_ident()
        self._submitted: list[tuple[float, Key]] = []
        self._branches: dict[Key, Branch] = {}
        self._slots = [0.0] * engine.lookahead
        self._now = 0.0
        self._failing = Failing()
        self.open_streams = 0

    @property
    def scope(self) -> Key:
        return self._scope

    @property
    def lookahead(self) -> int:
        return self._engine.lookahead

    @property
    def outstanding(self) -> int:
        return len(self._submitted)

    def map(
        self,
        fn: Task[I, O],
        items: Sequence[I],
        *,
        shared: SharedData = None,
        resources: Resources | None = None,
    ) -> list[Outcome[O]]:
        call, works = self._begin(fn, items, shared, resources)
        outcomes: list[Outcome[O]] = list(self._deliver(call, works))
        refuse_if_all_failed(call, task_name(fn), outcomes)
        return outcomes

    def stream(
        self,
        fn: Task[I, O],
        items: Iterable[I],
        *,
        shared: SharedData = None,
        resources: Resources | None = None,
    ) -> Iterator[Outcome[O]]:
        call, works = self._begin(fn, items, shared, resources)
        return _Stream(self, self._deliver(call, works))

    def call(
        self,
        fn: Task[I, O],
        item: I,
        *,
        shared: SharedData = None,
        resources: Resources | None = None,
    ) -> Outcome[O]:
        return self._single(fn, item, shared, resources, observed=False)

    def observe(
        self,
        fn: Task[I, O],
        item: I,
        *,
        shared: SharedData = None,
        resources: Resources | None = None,
    ) -> Outcome[O]:
        return self._single(fn, item, shared, resources, observed=True)

    def submit(
        self,
        fn: Task[I, O],
        item: I,
        *,
        cost: float = 1.0,
        shared: SharedData = None,
        resources: Resources | None = None,
    ) -> Key:
        _check_cost("submit", cost)
        key = self._next_key()
        common = self._common(fn, shared, resources)._replace(prompt=True)
        self._ask_or_recall(self._work(common, key, item))
        return self._occupy_slot(key, cost)

    def branch(self, search: Callable[[Run], R], *, cost: float = 1.0) -> Key:
        _check_cost("branch", cost)
        key = self._next_key()
        engine = self._engine
        # Until its outcome is taken, how far it got is chance.
        engine.journal.disown(key)
        self._branches[key] = engine.turns.branch(SearchRun(engine, key)._bind(search))
        return self._occupy_slot(key, cost)

    def _occupy_slot(self, key: Key, cost: float) -> Key:
        finish = max(self._now, heapq.heappop(self._slots)) + cost
        heapq.heappush(self._slots, finish)
        heapq.heappush(self._submitted, (finish, key))
        return key

    def next(self) -> Outcome[Any]:
        self.own_thread()
        if not self._submitted:
            raise MisuseError("next() was called with nothing outstanding; submit() first")
        self._now, key = heapq.heappop(self._submitted)
        if key not in self._branches:
            row = self._engine.wait_for(key)
            outcome = self._single_outcome(row)
            self._failing.take(row)
            return outcome
        branch = self._branches[key]
        self._engine.wait_until(lambda: branch.done)
        del self._branches[key]
        failure = None if branch.error is None else _failure_of(branch.error)
        self._engine.journal.own(key)
        if failure is not None:
            self._engine.note_failure(key, failure)
        return Outcome(key, branch.result, failure and failure.seen())

    def elapsed(self) -> float:
        key = self._next_key()
        work = Work(key, self._scope, ELAPSED, "null", module=__name__, observed=True)
        self._ask_or_recall(work)
        replayed = self._engine.recalls(key)
        seconds = self._single_outcome(self._engine.wait_for(key)).value
        if not isinstance(seconds, float) or not 0 <= seconds < math.inf:
            raise CorruptStore(f"the value of item {key_text(key)}", "seconds", repr(seconds))
        if replayed:  # an earlier start that was killed told nothing else of its length
            self._engine.spent = max(self._engine.spent, seconds)
        return seconds

    def abandon(self) -> None:
        self.own_thread()
        for _, key in self._submitted:
            if key in self._branches:
                self._branches.pop(key).abandon()
        self._engine.forget(key for _, key in self._submitted)
        self._submitted.clear()

    def require(self, resources: Resources) -> None:
        self.own_thread()
        self._engine.check_resources(resources)

    def gather(self, *searches: Callable[[Run], R]) -> list[R]:
        key = self._next_key()
        scopes = [SearchRun(self._engine, (*key, i)) for i in range(len(searches))]
        journal = self._engine.journal
        if self._engine.resuming:
            for scope in scopes:
                journal.own(scope.scope)
        try:
            return self._engine.turns.run(
                [scope._bind(search) for scope, search in zip(scopes, searches, strict=True)]
            )
        except SubSearchFailed as failed:
            # How far the others got is chance: nothing of theirs counts in this run as it goes on.
            for scope in scopes[failed.number + 1 :]:
                journal.disown(scope.scope)
            raise failed.error from None

    def share(self, value: T) -> Shared[T]:
        self.own_thread()
        text = encode(value)
        sha256 = self._engine.artifacts.put(text.encode())
        return Shared(sha256)

    def rng(self, *name: streams.Name) -> np.random.Generator:
        return streams.stream(self._engine.root, *self._named(name))

    def seed64(self, *name: streams.Name) -> int:
        return streams.seed64(self._engine.root, *self._named(name))

    def torch_generator(self, *name: streams.Name) -> torch.Generator:
        return streams.torch_generator(self._engine.root, *self._named(name))

    def python_random(self, *name: streams.Name) -> AbstractContextManager[random.Random]:
        return streams.python_random(self._engine.root, *self._named(name))

    def report(
        self, step: int, *, of: int | None = None, count: float | None = None, **metrics: float
    ) -> None:
        self.own_thread()
        engine = self._engine
        values = {name: _number(name, value) for name, value in metrics.items()}
        elapsed = time.monotonic() - engine.began
        # what a replay says again keeps its place: who looks meanwhile sees the newest step
        if not (engine.replaying and engine.journal.has_metrics(self._scope, step, values)):
            engine.journal.add_metrics(self._scope, step, of, count, values, elapsed)
        engine.listener.on_report(self._scope, step, of, count, values)
        engine.step = step
        engine.check_stop()

    def phase(self, name: str) -> None:
        self.own_thread()
        if not isinstance(name, str) or not name.strip():
            raise MisuseError(f"phase({name!r}): a phase is a text such as 'training'")
        self._engine.begin_phase(self._scope, name.strip()[:LONGEST_PHASE])

    def checkpoint(self, step: int, state: object) -> None:
        self.own_thread()
        if self._submitted:
            raise MisuseError(
                f"checkpoint({step}) with {len(self._submitted)} outcomes outstanding; "
                "take them with next() first"
            )
        engine = self._engine
        if self.open_streams:
            raise MisuseError(
                f"checkpoint({step}) inside a stream; leave or close the stream first, or keep "
                "the state for after it"
            )
        # Virtual time begins anew, here as in a resume that starts from this checkpoint.
        self._slots, self._now = [0.0] * engine.lookahead, 0.0
        engine.journal.save_checkpoint(
            self._scope, step, self._calls, encode(state), engine.take_unsaved_calls()
        )
        engine.check_stop()

    def restore(
        self, default: tuple[int, T], load: Callable[[Any], T] | None = None
    ) -> tuple[int, T]:
        self.own_thread()
        if self._calls:
            raise MisuseError("restore() comes before any other use of run")
        if not self._engine.resuming:
            return default
        for stored in self._engine.journal.checkpoints(self._scope):
            self._calls = stored.counter
            self._engine.take_over(self._scope, stored.counter)
            state = self._read(stored.state, f"the checkpoint of step {stored.step}")
            return stored.step, state if load is None else load(state)
        return default

    def save(self, name: str, value: object, *, kind: str = "value") -> Artifact:
        self.own_thread()
        content, media = (
            (value, "application/octet-stream")
            if isinstance(value, bytes)
            else (encode(value).encode(), "application/json")
        )
        engine = self._engine
        sha256 = engine.artifacts.put(content)
        engine.journal.add_product(name, self._scope, kind, sha256, len(content), media)
        return Artifact(sha256, name)

    def part(self, kind: str, ref: PartRef) -> Any:
        return self._engine.build_part(kind, ref)

    def _bind(self, search: Callable[[Run], R]) -> Callable[[], R]:
        def start() -> R:
            self._thread = threading.get_ident()
            try:
                result = search(self)
                self.end()
                return result
            except (MisuseError, EncodingError) as error:
                # others may go on until this is told, so the place is noted here
                error.place = getattr(error, "place", self._engine.place())
                raise
            finally:
                for branch in self._branches.values():
                    branch.abandon()

        return start

    def own_thread(self) -> None:
        """Refuse to be used from another thread than the search's own."""
        if threading.get_ident() != self._thread:
            error = MisuseError(
                "run was used from another thread than the search's own; its order of asking would "
                "depend on chance (use run.gather for sub-searches side by side)"
            )
            self._engine.lost.add_error(error)  # the search may never see it
            raise error

    def end(self) -> None:
        """Note what a search that returned has asked for and not taken."""
        self._engine.lost.untaken += len(self._submitted)

    def _named(self, name: tuple[streams.Name, ...]) -> tuple[streams.Name, ...]:
        if not name:
            raise MisuseError("a random stream of a search needs a name")
        return scoped(self._scope, name)

    def _next_key(self) -> Key:
        self.own_thread()
        self._engine.check_stop()
        self._engine.at = key = (*self._scope, self._calls)
        self._calls += 1
        return key

    def _common(
        self,
        fn: Task[I, O],
        shared: SharedData,
        resources: Resources | None,
        *,
        long: bool = False,
        observed: bool = False,
    ) -> Work:
        """Return what all items of a call have in common, checked before anything is asked."""
        if resources is not None:
            self._engine.check_resources(resources)
        return Work(
            key=(),
            scope=self._scope,
            function=checked_task(fn),
            module=fn.__module__,
            item="",
            shared=_hashes(shared),
            resources=resources or _ONE_CPU,
            long=long or observed,
            observed=observed,
        )

    def _work(self, common: Work, key: Key, item: object) -> Work:
        state = self._engine.journal.task_state(key) if self._engine.resuming else None
        try:
            text = encode(item)
        except EncodingError as error:
            raise EncodingError(f"item {key_text(key)} of {common.function}: {error}") from error
        if len(text) > LARGE_ITEM and common.function not in self._engine.warned:
            self._engine.warned.add(common.function)
            self._engine.warn(
                f"item {key_text(key)} of {common.function} holds {len(text) / 1e6:.1f} MB, and "
                "every item is journaled and sent; keep what items have in common in "
                "run.share(...) and pass shared="
            )
        return common._replace(key=key, item=text, checkpoint=state)

    def _begin(
        self,
        fn: Task[I, O],
        items: Iterable[I],
        shared: SharedData,
        resources: Resources | None,
    ) -> tuple[Key, Iterator[Work]]:
        call = self._next_key()
        common = self._common(fn, shared, resources)
        self._engine.begin_call(call, single=False)
        asked = enumerate(_iterable(items, common.function))
        return call, (self._work(common, (*call, i), item) for i, item in asked)

    def _single(
        self,
        fn: Task[I, O],
        item: I,
        shared: SharedData,
        resources: Resources | None,
        *,
        observed: bool,
    ) -> Outcome[O]:
        key = self._next_key()
        common = self._common(fn, shared, resources, long=True, observed=observed)
        self._ask_or_recall(self._work(common, key, item))
        return self._single_outcome(self._engine.wait_for(key))

    def _ask_or_recall(self, work: Work) -> None:
        self._engine.begin_call(work.key, single=True)
        stored = self._engine.journal.get(work.key) if self._engine.resuming else None
        if stored is None:
            self._engine.ask(work)
        else:
            self._engine.recall(work, stored)

    def _deliver(self, call: Key, works: Iterator[Work]) -> Generator[Outcome[Any], None, None]:
        engine = self._engine
        pages = Pages(engine.journal if engine.resuming else None, call)
        failing = Failing()
        engine.deliver(call, 0)
        asked = given = 0
        exhausted = False
        try:
            while True:
                while not exhausted and engine.wants_more(asked - given):
                    work = next(works, None)
                    if work is None:
                        exhausted = True
                        break
                    stored = pages.get(asked)
                    if stored is None:
                        engine.ask(work)
                    else:
                        engine.recall(work, stored)
                    asked += 1
                    if stored is not None and asked - given >= PAGE:
                        break  # deliver what the journal has before reading on
                if given == asked and exhausted:
                    return
                row = engine.wait_for((*call, given))
                given += 1
                engine.deliver(call, given)
                failing.take(row)
                yield self._outcome(row)
        finally:
            engine.forget((*call, i) for i in range(given, asked))

    def _single_outcome(self, row: Row) -> Outcome[Any]:
        self._engine.deliver(row.key, 1)
        return self._outcome(row)

    def _outcome(self, row: Row) -> Outcome[Any]:
        value = None
        if row.value is not None:
            value = self._read(self._engine.journal.extern(row.value), row.key)
        return Outcome(row.key, value, row.failure and row.failure.seen())

    def _read(self, text: str, what: Key | str) -> Any:
        """Return the value of an item or of `what`, whose text a resumed run may find damaged."""
        try:
            return decode(text)
        except EncodingError as error:
            if not self._engine.resuming:
                raise
            where = what if isinstance(what, str) else f"the value of item {key_text(what)}"
            raise CorruptStore(where, "a value", str(error)) from error


def main_run(engine: Engine) -> SearchRun:
    """Return the `Run` of the main search."""
    return SearchRun(engine, ())


class _Stream(Iterator[Outcome[Any]]):
    """The outcomes of one `stream`, for the thread of the search that asked for it."""

    def __init__(self, scope: SearchRun, outcomes: Generator[Outcome[Any], None, None]) -> None:
        self._scope, self._outcomes, self._open = scope, outcomes, True
        scope.open_streams += 1

    def __next__(self) -> Outcome[Any]:
        self._scope.own_thread()
        try:
            return next(self._outcomes)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave the stream; items under way are forgotten."""
        if self._open:
            self._open = False
            self._scope.open_streams -= 1
            self._outcomes.close()

    def __del__(self) -> None:
        self.close()


def _number(name: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise MisuseError(f"report({name}=...): expected a number, got {value!r}") from error


def _iterable(items: Iterable[I], function: str) -> Iterable[I]:
    try:
        iter(items)
    except TypeError as error:
        raise MisuseError(
            f"the items of {function} are {items!r}; expected a list or another iterable"
        ) from error
    return items


def _check_cost(verb: str, cost: float) -> None:
    if not (math.isfinite(cost) and cost > 0):
        raise MisuseError(f"{verb}(cost=...): expected a positive finite number, got {cost!r}")


def _failure_of(error: BaseException) -> Failure:
    """Return what a search that began a branch sees of its error.

    What says nothing about the branch itself is raised: a full disk, a lost cluster, misuse.
    """
    own = (ConfigError, DataError, TaskError, TooManyFailures)
    if not isinstance(error, Exception) or (
        isinstance(error, HeliostatError) and not isinstance(error, own)
    ):
        raise error
    told = "".join(traceback.format_exception(error))
    return Failure(type(error).__name__, str(error), told)


def _hashes(shared: SharedData) -> tuple[str, ...]:
    if shared is None:
        return ()
    if isinstance(shared, Shared):
        return (shared.sha256,)
    if isinstance(shared, Sequence) and all(isinstance(s, Shared) for s in shared):
        return tuple(s.sha256 for s in shared)
    raise MisuseError(
        f"shared= takes handles made by run.share(...), got {type(shared).__name__}; "
        "share the value first"
    )

"""What a task is, and what it sees while it runs in a worker process or in the driver's own.

A task is a function at module level, ``task(item, ctx) -> value``. Its value may depend on the
item, on shared data and on named random streams, and on nothing else.
"""

from __future__ import annotations

import importlib
import math
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from heliostat import streams
from heliostat.encoding import Shared, decode, digest, encode
from heliostat.errors import (
    ConfigError,
    CorruptStore,
    ExecutionError,
    Interrupted,
    Key,
    MisuseError,
    key_text,
)
from heliostat.limits import lifted, limited, overdue
from heliostat.outcome import OUT_OF_MEMORY, Failure
from heliostat.unchanged import is_unchanged, mark

if TYPE_CHECKING:
    import numpy as np
    import torch

I = TypeVar("I")
O = TypeVar("O")
T = TypeVar("T")


@dataclass(frozen=True)
class Resources:
    """What one item needs: `cpus` is also its number of threads; `custom` are Ray resources."""

    cpus: float = 1
    gpus: float = 0
    memory: int = 0
    """bytes; an item that allocates more fails with MemoryError"""
    custom: tuple[tuple[str, float], ...] = ()
    deadline: float = 0
    """seconds after which an item fails; 0 sets none (see `heliostat.limits`)"""

    def __post_init__(self) -> None:
        for name in ("cpus", "gpus", "memory", "deadline"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"Resources.{name}", value, "a finite number, 0 or more")

    def __str__(self) -> str:
        parts = [f"cpus={self.cpus:g}", f"gpus={self.gpus:g}" if self.gpus else ""]
        parts += [f"memory={self.memory}" if self.memory else ""]
        parts += [f"{name}={amount:g}" for name, amount in self.custom]
        return ", ".join(part for part in parts if part)

    @property
    def threads(self) -> int:
        """Threads that numerical libraries may use for the item."""
        return max(1, int(self.cpus))


class Work(NamedTuple):
    """One item on its way to a worker: everything is text, so any process can take it.

    Work, Reply and Row are named tuples because one of each is made for every item.
    """

    key: Key
    scope: Key
    function: str
    item: str
    shared: tuple[str, ...] = ()
    resources: Resources = Resources()
    checkpoint: str | None = None
    observed: bool = False
    long: bool = False
    prompt: bool = False
    """Leaves for a worker at once, because the search goes on before it waits."""


class Reply(NamedTuple):
    """What came back for one item; the telemetry is shown, never part of a result."""

    key: Key
    value: str | None
    failure: Failure | None
    seconds: float
    worker: str
    attempts: int = 1


class TaskState(NamedTuple):
    """A checkpoint that a running task sent to the driver."""

    key: Key
    state: str


class TaskContext:
    """What a running task may use besides its item."""

    def __init__(self, work: Work, worker: WorkerSide, send: Callable[[str], None]) -> None:
        self._work = work
        self._worker = worker
        self._send = send
        self._state = work.checkpoint
        self._sent = time.monotonic()

    @property
    def key(self) -> Key:
        """The item's key: the path of calls that led to it."""
        return self._work.key

    @property
    def cache_dir(self) -> Path:
        """A folder of this machine for compiled kernels and tables; it changes no result."""
        return self._worker.cache_dir

    def _name(self, name: tuple[streams.Name, ...]) -> tuple[streams.Name, ...]:
        if not name:
            return ("task", *self._work.key)
        return scoped(self._work.scope, name)

    def rng(self, *name: streams.Name) -> np.random.Generator:
        """Return the stream of that name, shared by all tasks; without a name, the task's own."""
        return streams.stream(self._worker.root, *self._name(name))

    def seed64(self, *name: streams.Name) -> int:
        """Return the 64-bit seed of that name (or the task's own)."""
        return streams.seed64(self._worker.root, *self._name(name))

    def torch_generator(self, *name: streams.Name) -> torch.Generator:
        """Return a CPU torch generator of that name (or the task's own)."""
        return streams.torch_generator(self._worker.root, *self._name(name))

    def shared(self, handle: Shared[T] | None = None) -> Any:
        """Return shared read-only data: of `handle`, or of the call's only one."""
        declared = self._work.shared
        if handle is None:
            if len(declared) != 1:
                raise MisuseError(
                    f"ctx.shared() needs a handle: the call declared {len(declared)} of them"
                )
            return self._worker.shared_value(declared[0])
        if handle.sha256 not in declared:
            raise MisuseError("ctx.shared(handle): pass the handle in the call's shared=[...] too")
        return self._worker.shared_value(handle.sha256)

    def cached(self, handle: Shared[T], build: Callable[[T], O]) -> O:
        """Return `build(data)` of shared data, built once in each worker process.

        The object must behave as if it were new each time: it may not keep state between items.
        """
        value = self.shared(handle)  # declared or not must not depend on what was cached before
        built: O = self._worker.built(handle.sha256, build, value)
        return built

    def checkpoint(self, state: object) -> None:
        """Offer a long task's state; the driver keeps the newest, one every N seconds at most."""
        now = time.monotonic()
        if now - self._sent < self._worker.checkpoint_seconds:
            return
        self._sent = now
        text = encode(state)
        with lifted():
            try:
                self._send(text)
            except BaseException as error:
                raise _DriverFailed(error) from error

    def restore(self, default: T) -> T:
        """Return the newest checkpoint of this task, or `default` at its first start."""
        return default if self._state is None else decode(self._state)


def scoped(scope: Key, name: tuple[streams.Name, ...]) -> tuple[streams.Name, ...]:
    """Return a stream's name inside a sub-search; the main search uses names as they are."""
    return ("scope", len(scope), *scope, *name) if scope else name


class _DriverFailed(BaseException):
    """The driver could not store a task's checkpoint: its error, not the task's."""

    def __init__(self, cause: BaseException) -> None:
        self.cause = cause


class WorkerSide:
    """The state of one process that runs tasks: its caches and where shared data come from."""

    def __init__(
        self,
        root: int,
        cache_dir: Path,
        checkpoint_seconds: float,
        fetch: Callable[[str], str],
        keep: int = 16,
    ) -> None:
        self.root = root
        self.cache_dir = cache_dir
        self.checkpoint_seconds = checkpoint_seconds
        self.fetch = fetch
        self._keep = keep
        self._values: OrderedDict[str, Any] = OrderedDict()
        self._marks: dict[str, list[Any]] = {}
        self._built: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._functions: dict[str, Callable[[Any, TaskContext], Any]] = {}

    def shared_value(self, sha256: str) -> Any:
        """Return the decoded shared data of that hash, fetching them at most once."""
        if sha256 not in self._values:
            text = self.fetch(sha256)
            found = digest(text)
            if found != sha256:
                raise CorruptStore("shared data", sha256, found)
            self._values[sha256] = decode(text)
            self._marks[sha256] = mark(self._values[sha256])
            while len(self._values) > self._keep:
                gone, _ = self._values.popitem(last=False)
                del self._marks[gone]
        self._values.move_to_end(sha256)
        return self._values[sha256]

    def built(self, sha256: str, build: Callable[[Any], Any], value: Any) -> Any:
        """Return the object that `build` makes of shared data, made once in this process.

        `build` is a function at module level: a closure of the same name could be another one.
        """
        at = (sha256, function_name(build))
        if at not in self._built:
            self._built[at] = build(value)
            while len(self._built) > self._keep:
                self._built.popitem(last=False)
        return self._built[at]

    def altered_shared_data(self) -> list[str]:
        """Return the hashes of shared data that a task changed in place; it should be empty."""
        return [sha for sha, value in self._values.items() if digest(encode(value)) != sha]

    def _refuse_changes(self, work: Work) -> None:
        """Raise MisuseError when the item changed shared data; the next one gets them anew."""
        for sha256 in work.shared:
            marked = self._marks.get(sha256)
            if marked is None or is_unchanged(self._values[sha256], marked):
                continue
            del self._values[sha256], self._marks[sha256]
            for at in [at for at in self._built if at[0] == sha256]:
                del self._built[at]
            raise MisuseError(
                f"task {work.function} changed shared data in place (item {key_text(work.key)}); "
                "they are read-only, so copy what is to be changed"
            )

    def evaluate(self, work: Work, worker: str, send: Callable[[str], None]) -> Reply:
        """Run one item; an exception becomes its failure, never the worker's end."""
        began = time.perf_counter()
        value: str | None = None
        failure: Failure | None = None
        try:
            function = self._functions.get(work.function)
            if function is None:
                function = self._functions[work.function] = resolve(work.function)
            with limited(work.resources.deadline, work.resources.memory):
                value = encode(function(decode(work.item), TaskContext(work, self, send)))
            self._refuse_changes(work)
        except (Interrupted, KeyboardInterrupt):
            raise
        except _DriverFailed as error:
            raise error.cause from None
        except BaseException as error:  # a task may end in SystemExit, or a panic of a library
            value = None
            failure = Failure(_kind(error), _message(error), traceback.format_exc(limit=-12))
        seconds, deadline = time.perf_counter() - began, work.resources.deadline
        if deadline and seconds > deadline:
            value, failure = None, overdue(deadline)
        return Reply(work.key, value, failure, seconds, worker)


def _kind(error: BaseException) -> str:
    if isinstance(error, MemoryError):  # numpy's own has a private name
        return OUT_OF_MEMORY
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else (f"{kind.__module__}.{kind.__qualname__}")
    )


def _message(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:
        return type(error).__name__


Task: TypeAlias = Callable[[I, TaskContext], O]


def function_name(function: Callable[..., Any]) -> str:
    """Return `module:name` of a task; refuses what another process could not find by that name."""
    try:
        return _found_by_name(function)
    except TypeError:  # it cannot be hashed, so it is no function
        return _found_by_name.__wrapped__(function)


@lru_cache(maxsize=1024)
def _found_by_name(function: Callable[..., Any]) -> str:
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", None)
    if module is None or name is None or "<" in name or "." in name:
        raise MisuseError(
            f"a task must be a function at module level, got {name or function!r}; "
            "lambdas, methods, partials and local functions cannot be found by other processes"
        )
    if module == "__main__":
        raise MisuseError(
            f"task {name} is defined in the script that was started; move it to a module that "
            "workers can import"
        )
    try:
        found = resolve(f"{module}:{name}")
    except ExecutionError as error:
        raise MisuseError(str(error)) from error
    if found is not function:
        raise MisuseError(
            f"task {module}:{name} is another function than the one given here, and workers would "
            "run that one; functools.wraps keeps the name of what it wraps, so put the decorator "
            "above the definition (@), or define a function of its own name that calls it"
        )
    return f"{module}:{name}"


def resolve(name: str) -> Callable[[Any, TaskContext], Any]:
    """Return the task of that `module:name`."""
    module, _, attribute = name.partition(":")
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ExecutionError(f"task {name} cannot be imported here: {error}") from error
    if not callable(function):
        raise ExecutionError(f"task {name} is not a function")
    return function  # type: ignore[no-any-return]

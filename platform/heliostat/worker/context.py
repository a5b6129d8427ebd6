"""`TaskContext` for one item in the process that runs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from heliostat.contract.part import PartRef
from heliostat.contract.task import TaskContext
from heliostat.errors import Key, MisuseError
from heliostat.values import streams
from heliostat.values.canonical import Shared, decode, encode
from heliostat.values.streams import Name
from heliostat.worker import devices
from heliostat.worker.limits import lifted
from heliostat.worker.process import ProcessState
from heliostat.worker.work import Work

if TYPE_CHECKING:
    import numpy as np
    import torch

O = TypeVar("O")
T = TypeVar("T")


class WorkerContext(TaskContext):
    """The `TaskContext` of one item; see there for what each method gives."""

    def __init__(self, work: Work, worker: ProcessState, send: Callable[[str], None]) -> None:
        self._work = work
        self._worker = worker
        self._send = send
        self._state = work.checkpoint
        self._sent = time.monotonic()

    @property
    def key(self) -> Key:
        return self._work.key

    @property
    def cache_dir(self) -> Path:
        return self._worker.cache_dir

    @property
    def device(self) -> str:
        return devices.torch_device(self._work.resources)

    def _name(self, name: tuple[Name, ...]) -> tuple[Name, ...]:
        if not name:
            return ("task", *self._work.key)
        return streams.scoped(self._work.scope, name)

    def rng(self, *name: Name) -> np.random.Generator:
        return streams.stream(self._worker.root, *self._name(name))

    def seed64(self, *name: Name) -> int:
        return streams.seed64(self._worker.root, *self._name(name))

    def torch_generator(self, *name: Name) -> torch.Generator:
        return streams.torch_generator(self._worker.root, *self._name(name))

    def shared(self, handle: Shared[T] | None = None) -> Any:
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
        value = self.shared(handle)  # declared or not must not depend on what was cached before
        built: O = self._worker.built(handle.sha256, build, value)
        return built

    def part(self, kind: str, ref: PartRef) -> Any:
        return self._worker.build_part(kind, ref)

    def checkpoint(self, state: object) -> None:
        now = time.monotonic()
        if now - self._sent < self._worker.checkpoint_seconds:
            return
        self._sent = now
        text = encode(state)
        with lifted():
            try:
                self._send(text)
            except BaseException as error:
                raise DriverFailed(error) from error

    def restore(self, default: T) -> T:
        return default if self._state is None else decode(self._state)


class DriverFailed(BaseException):
    """The driver could not store a task's checkpoint: its error, not the task's."""

    def __init__(self, cause: BaseException) -> None:
        self.cause = cause

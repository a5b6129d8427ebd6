"""Tasks in the driver's own process: the debugger works, nothing has to be installed."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from heliostat.contract.task import Resources
from heliostat.engine.executor import Executor
from heliostat.errors import Key, ResourceError
from heliostat.worker import devices
from heliostat.worker.evaluate import WorkerSide
from heliostat.worker.numerics import set_threads
from heliostat.worker.work import Reply, TaskState, Work

# Cheap items are run some at a time so that one commit serves them all; a dear one runs alone, so
# that little is done for a search that stops early and a kill loses little.
BATCH_SECONDS = 0.005
LARGEST_BATCH = 1024


class SerialExecutor(Executor):
    """Runs items one after the other where it is called."""

    slots = 1

    def __init__(
        self,
        worker: WorkerSide,
        cpus: int | None = None,
        on_gpu: Callable[[], None] = lambda: None,
    ) -> None:
        self._worker = worker
        self._cpus = cpus or os.cpu_count() or 1
        self._on_gpu = on_gpu
        self._queue: deque[Work] = deque()
        self._seconds: float | None = None
        self._label = f"pid {os.getpid()}"

    def start(self) -> None:
        """Nothing to acquire."""

    def check(self, resources: Resources) -> None:
        """Refuse what this machine does not have."""
        resources = _granted(resources)
        if resources.cpus > self._cpus or resources.gpus > _gpus(resources) or resources.custom:
            here = f"cpus={self._cpus}"
            here += f", gpus={_gpus(resources)}" if resources.gpus else ""
            raise ResourceError(str(resources), f"{here} in one process", "use --address")

    def room(self) -> int:
        """Return one item, or as many cheap ones as fit a batch."""
        if self._seconds is None:
            return 1 - len(self._queue)
        batch = int(BATCH_SECONDS / max(self._seconds, 1e-9))
        return min(max(1, batch), LARGEST_BATCH) - len(self._queue)

    def submit(self, work: Work) -> None:
        if work.resources.or_cpu:
            work = work._replace(resources=_granted(work.resources))
        self._queue.append(work)

    def wait(self, timeout: float, on_state: Callable[[TaskState], None]) -> list[Reply]:
        """Run queued items for about one batch; `timeout` does not apply."""
        replies: list[Reply] = []
        began = time.perf_counter()
        while self._queue:
            work = self._queue.popleft()
            set_threads(work.resources.threads)

            def send(state: str, key: Key = work.key) -> None:
                on_state(TaskState(key, state))

            replies.append(self._worker.evaluate(work, self._label, send))
            if work.resources.gpus:
                self._on_gpu()
            if time.perf_counter() - began >= BATCH_SECONDS:
                break
        if replies:
            took = (time.perf_counter() - began) / len(replies)
            self._seconds = took if self._seconds is None else 0.7 * self._seconds + 0.3 * took
        return replies

    def drop(self, keys: Iterable[Key]) -> None:
        gone = set(keys)
        self._queue = deque(work for work in self._queue if work.key not in gone)

    def halt(self) -> None:
        self._queue.clear()

    def busy(self) -> bool:
        """Nothing runs between two calls of `wait`."""
        return False

    def describe(self) -> dict[str, Any]:
        return {"executor": "serial", "slots": 1}

    def close(self, grace: float) -> None:
        self._queue.clear()


def _gpus(resources: Resources) -> int:
    """Return the GPUs of this process; they are not looked for when none is asked for."""
    return len(devices.visible()) if resources.gpus else 0


def _granted(resources: Resources) -> Resources:
    """Return the resources, without GPUs where these are not needed and not there."""
    spared = resources.or_cpu and resources.gpus > _gpus(resources)
    return resources.on_cpu() if spared else resources

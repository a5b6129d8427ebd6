"""Tasks in virtual time: what a thousand workers would do, on one, without waiting.

Each item takes as long as `durations` says, on one of `slots` virtual workers; values are computed
here and at once. So how well a search keeps workers busy is a number and not a measurement, and a
test of the order of arrival is exact. Results are those of every other executor.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from heliostat.contract.task import Resources
from heliostat.engine.executor import Executor
from heliostat.errors import ConfigError, Key
from heliostat.worker.evaluate import WorkerSide
from heliostat.worker.work import Reply, TaskState, Work

AHEAD = 3
"""Items wanted for each slot, as many as the Ray executor keeps chunks under way."""


class SimulatedExecutor(Executor):
    """Answers in the order in which virtual workers would finish, first come first served.

    `now` is the virtual time in seconds, `busy_seconds` what all workers have worked until then.
    `answer_seconds` is what an item costs the driver, one after the other: with it, a driver that
    cannot follow its workers shows. Raises ConfigError for a duration that is negative or not
    finite.
    """

    def __init__(
        self,
        worker: WorkerSide,
        durations: Callable[[Work], float],
        slots: int = 8,
        *,
        window: int | None = None,
        answer_seconds: float = 0.0,
    ) -> None:
        if slots < 1:
            raise ConfigError("slots", slots, "a positive integer")
        self.slots = slots
        self.now = 0.0
        self.busy_seconds = 0.0
        self._worker = worker
        self._durations = durations
        self._window = AHEAD * slots if window is None else window
        self._answer_seconds = answer_seconds
        self._queue: deque[Work] = deque()
        self._running: list[tuple[float, int, int, float, Work]] = []
        self._dropped: set[Key] = set()
        self._idle = list(range(slots))
        self._started = 0

    def start(self) -> None:
        """Nothing to acquire."""

    def check(self, resources: Resources) -> None:
        """Virtual workers have everything."""

    def room(self) -> int:
        """Return what is left of the window of items that are queued or running."""
        return self._window - len(self._queue) - len(self._running)

    def submit(self, work: Work) -> None:
        """Queue an item; it starts at once when a worker is idle."""
        self._queue.append(work)
        self._start_idle()

    def wait(self, timeout: float, on_state: Callable[[TaskState], None]) -> list[Reply]:
        """Go on to the time of the next answer and return all that arrive at that time."""
        if not self._running:
            return []
        arrives = self._running[0][0]
        replies = []
        while self._running and self._running[0][0] == arrives:
            _, _, slot, seconds, work = heapq.heappop(self._running)
            heapq.heappush(self._idle, slot)
            if work.key in self._dropped:
                self._dropped.discard(work.key)
                continue

            def send(state: str, key: Key = work.key) -> None:
                on_state(TaskState(key, state))

            reply = self._worker.evaluate(work, f"virtual worker {slot}", send)
            replies.append(reply._replace(seconds=seconds))
        # The driver may still be at work on earlier answers: then this one waits, its worker too.
        self.now = max(self.now, arrives) + self._answer_seconds * len(replies)
        self._start_idle()
        return replies

    def drop(self, keys: Iterable[Key]) -> None:
        """Take items out of the queue; those that run keep their worker until they end."""
        gone = set(keys)
        self._queue = deque(work for work in self._queue if work.key not in gone)
        self._dropped |= gone & {run[-1].key for run in self._running}

    def halt(self) -> None:
        self._queue.clear()

    def busy(self) -> bool:
        return bool(self._running)

    def utilisation(self) -> float:
        """Return the part of all workers' time until now that they worked, between 0 and 1."""
        running = sum(finish - self.now for finish, *_ in self._running if finish > self.now)
        return (self.busy_seconds - running) / (self.slots * self.now) if self.now else 0.0

    def describe(self) -> dict[str, Any]:
        """Say that time was virtual, and how well it was used."""
        return {
            "executor": "simulated",
            "slots": self.slots,
            "seconds": self.now,
            "utilisation": self.utilisation(),
        }

    def close(self, grace: float) -> None:
        self._queue.clear()

    def _start_idle(self) -> None:
        while self._idle and self._queue:
            work, slot = self._queue.popleft(), heapq.heappop(self._idle)
            seconds = self._seconds(work)
            self.busy_seconds += seconds
            # items that end at the same time answer in the order in which they began
            heapq.heappush(self._running, (self.now + seconds, self._started, slot, seconds, work))
            self._started += 1

    def _seconds(self, work: Work) -> float:
        seconds = float(self._durations(work))
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ConfigError(f"duration of item {work.key}", seconds, "a finite number, 0 or more")
        return seconds

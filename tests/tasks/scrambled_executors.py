"""Executors whose workers answer in any order, or die: the engine's results may not notice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from heliostat.contract.task import Resources
from heliostat.errors import Key
from heliostat.worker.evaluate import WorkerSide
from heliostat.worker.work import Reply, TaskState, Work


class Killed(BaseException):
    """Stands for the death of the driver: nothing after it is written."""


class ScrambledExecutor:
    """Keeps up to `window` items and answers some of them, in an order drawn from `seed`."""

    def __init__(self, worker: WorkerSide, seed: int, window: int = 7) -> None:
        self._worker = worker
        self._random = random.Random(seed)
        self._window = window
        self._waiting: list[Work] = []

    slots = 4

    def start(self) -> None:
        pass

    def check(self, resources: Resources) -> None:
        pass

    def room(self) -> int:
        return self._window - len(self._waiting)

    def submit(self, work: Work) -> None:
        self._waiting.append(work)

    def share(self, sha256: str, text: str) -> None:
        pass

    def wait(self, timeout: float, on_state: Callable[[TaskState], None]) -> list[Reply]:
        self._random.shuffle(self._waiting)
        count = min(len(self._waiting), self._random.randint(0, 2))
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return [
            self._worker.evaluate(
                work, "scrambled", lambda state, key=work.key: on_state(TaskState(key, state))
            )
            for work in taken
        ]

    def drop(self, keys: Iterable[Key]) -> None:
        gone = set(keys)
        self._waiting = [work for work in self._waiting if work.key not in gone]

    def halt(self) -> None:
        self._waiting.clear()

    def busy(self) -> bool:
        return bool(self._waiting)

    def describe(self) -> dict[str, Any]:
        return {"executor": "scrambled", "slots": self.slots}

    def close(self, grace: float) -> None:
        pass


class MortalExecutor(ScrambledExecutor):
    """A scrambled executor whose driver dies when it has answered `lives` items."""

    def __init__(self, worker: WorkerSide, seed: int, lives: int) -> None:
        super().__init__(worker, seed)
        self._lives = lives

    def wait(self, timeout: float, on_state: Callable[[TaskState], None]) -> list[Reply]:
        if self._lives <= 0:
            raise Killed
        replies = super().wait(timeout, on_state)
        self._lives -= len(replies)
        return replies

"""The contract between the engine and whatever runs tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from heliostat.contract.task import Resources
from heliostat.errors import Key
from heliostat.worker.work import Reply, TaskState, Work


class Executor(Protocol):
    """Runs items somewhere and says what came of each, in any order.

    The engine owns order, journal and replay; an executor owns transport, retries and limits.
    """

    slots: int
    """Items that can run at the same time."""

    def start(self) -> None:
        """Acquire processes; called before the first item that is not in the journal."""
        ...

    def check(self, resources: Resources) -> None:
        """Raise ResourceError when no node could ever give these resources."""
        ...

    def room(self) -> int:
        """Return how many more items it wants now; zero or less holds the producer back."""
        ...

    def submit(self, work: Work) -> None:
        """Take an item."""
        ...

    def wait(self, timeout: float, on_state: Callable[[TaskState], None]) -> list[Reply]:
        """Return what arrived, waiting up to `timeout` seconds for something to arrive.

        `on_state` takes checkpoints of tasks that are still running.
        """
        ...

    def drop(self, keys: Iterable[Key]) -> None:
        """Forget items that nobody waits for any more."""
        ...

    def halt(self) -> None:
        """Forget everything that has not been handed to a worker, and long tasks under way."""
        ...

    def busy(self) -> bool:
        """Return whether workers have items whose replies are still wanted."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return what the run's record says of this executor: workers, nodes, lost workers."""
        ...

    def close(self, grace: float) -> None:
        """Release all processes within `grace` seconds."""
        ...

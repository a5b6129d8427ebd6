"""The executor that nobody chose: Ray on all cores, or this process where Ray is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from heliostat.contract.task import Resources
from heliostat.engine.executor import Executor
from heliostat.errors import Key, RayMissing
from heliostat.worker.work import Reply, TaskState, Work


class DefaultExecutor(Executor):
    """Decides when it is started, since a run that is all replay has no need of Ray."""

    def __init__(
        self,
        ray: Executor,
        in_this_process: Callable[[], Executor],
        on_event: Callable[[str, str], None],
    ) -> None:
        self._chosen = ray
        self._in_this_process = in_this_process
        self._on_event = on_event

    @property
    def slots(self) -> int:  # type: ignore[override]
        """Items that can run at the same time."""
        return self._chosen.slots

    def start(self) -> None:
        """Start Ray; without it, say so and run in this process."""
        try:
            self._chosen.start()
        except RayMissing as error:
            why = str(error).partition("; ")[0]
            self._on_event("warning", f"{why}; the run works in one process")
            self._chosen = self._in_this_process()
            self._chosen.start()

    def check(self, resources: Resources) -> None:
        self._chosen.check(resources)

    def room(self) -> int:
        return self._chosen.room()

    def submit(self, work: Work) -> None:
        self._chosen.submit(work)

    def wait(self, timeout: float, on_state: Callable[[TaskState], None]) -> list[Reply]:
        return self._chosen.wait(timeout, on_state)

    def drop(self, keys: Iterable[Key]) -> None:
        self._chosen.drop(keys)

    def halt(self) -> None:
        self._chosen.halt()

    def busy(self) -> bool:
        return self._chosen.busy()

    def describe(self) -> dict[str, Any]:
        return self._chosen.describe()

    def close(self, grace: float) -> None:
        self._chosen.close(grace)

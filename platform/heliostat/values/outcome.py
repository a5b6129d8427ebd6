"""What became of one item: a value, or a failure that names its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from heliostat.errors import Key, TaskError

O_co = TypeVar("O_co", covariant=True)

WORKER_LOST = "WorkerLost"
DEADLINE = "Deadline"
OUT_OF_MEMORY = "MemoryError"
CHANCES = {
    WORKER_LOST: "items were lost with their workers after all retries",
    DEADLINE: "items were ended by their deadline; another machine may give another result",
    OUT_OF_MEMORY: "items ran out of memory; another machine may give another result",
}
"""Failures that another machine may not have, and the label of a run that has one."""


@dataclass(frozen=True)
class Failure:
    """Why an item has no value.

    Only `kind` belongs to the digest: messages may hold addresses, and differ between machines. So
    a search is given the kind alone; the journal, `show` and the report have the message.
    """

    kind: str
    message: str = ""
    traceback: str = ""

    def seen(self) -> Failure:
        """Return what a search may see of it."""
        return Failure(self.kind)


@dataclass(frozen=True)
class Outcome(Generic[O_co]):
    """One item's outcome under its key; exactly one of `value` and `failure` counts."""

    key: Key
    value: O_co | None = None
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        """Whether the task returned."""
        return self.failure is None

    def unwrap(self) -> O_co:
        """Return the value; raises TaskError when the task failed."""
        if self.failure is not None:
            f = self.failure
            raise TaskError(self.key, f.kind, f.message, f.traceback)
        return cast(O_co, self.value)

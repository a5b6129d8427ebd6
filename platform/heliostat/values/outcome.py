"""What became of one item: a value, or a failure that names its kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from heliostat.errors import Key, TaskError

O_co = TypeVar("O_co", covariant=True)

WORKER_LOST = "WorkerLost"
NODE_LOST = "NodeLost"
DEADLINE = "Deadline"
OUT_OF_MEMORY = "MemoryError"
MACHINE_FAILURES = {
    WORKER_LOST: "items were lost with their workers after all retries",
    NODE_LOST: "items were lost with their nodes after all retries",
    DEADLINE: "items were ended by their deadline; another machine may give another result",
    OUT_OF_MEMORY: "items ran out of memory; another machine may give another result",
}
"""Failures of the machine, which are no values, and the label of a run that has one."""
LOST = frozenset({WORKER_LOST, NODE_LOST})
"""Those that every resume asks again; it does so for another kind when it is told to."""


def counted(kinds: Mapping[str, int]) -> str:
    """Return how many failures there are of each kind, as people read it."""
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items())


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


def by_machine(failures: Iterable[Failure | None]) -> dict[str, int]:
    """Return how many of these failures are the machine's, by kind."""
    kinds = [failure.kind for failure in failures if failure is not None]
    return {kind: kinds.count(kind) for kind in MACHINE_FAILURES if kind in kinds}


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

"""What travels between the engine and whatever runs tasks: one item there, one reply back."""

from __future__ import annotations

from typing import NamedTuple

from heliostat.contract.task import Resources
from heliostat.errors import Key
from heliostat.values.outcome import Failure


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
    module: str = ""
    """Where the driver found the task, for a worker that does not know its name yet."""
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

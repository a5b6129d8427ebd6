"""Methods that end in the ways after which a command is printed, or none."""

from __future__ import annotations

from typing import Any

import heliostat_test_tasks as tasks

from heliostat import MethodConfig, MethodSpec, Metric, hookimpl
from heliostat.errors import DataError, NotStarted


class NoFields(MethodConfig):
    """Nothing to set."""


def speechless(config: NoFields, run: Any) -> dict[str, float]:
    return {"price": 7.65347353041, "seconds": 0.125, "hidden": 1.0}


def fails_late(config: NoFields, run: Any) -> None:
    run.map(tasks.square, range(2))
    raise RuntimeError("a bug")


def bad_data(config: NoFields, run: Any) -> None:
    raise DataError("table.csv line 3 is no number")


def nowhere(config: NoFields, run: Any) -> None:
    raise NotStarted("no Ray cluster answers")


OUTPUTS = {"price": Metric("min", "USD"), "seconds": Metric("min", "s"), "absent": Metric()}
METHODS = [
    MethodSpec("speechless", "has no describe", "none", NoFields, speechless, outputs=OUTPUTS),
    MethodSpec("fails_late", "fails after its tasks", "none", NoFields, fails_late),
    MethodSpec("bad_data", "refuses its data", "none", NoFields, bad_data),
    MethodSpec("nowhere", "finds no place to work", "none", NoFields, nowhere),
]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    """Return these methods."""
    return METHODS

"""The tasks that the engine benchmark runs: they only burn a given time."""

from __future__ import annotations

import time

from heliostat import TaskContext


def burn(microseconds: float, ctx: TaskContext) -> float:
    """Keep the processor busy for that time and return it."""
    until = time.perf_counter() + microseconds * 1e-6
    while time.perf_counter() < until:
        pass
    return microseconds


def square(x: float, ctx: TaskContext) -> float:
    """Return x squared: a trial that costs nothing."""
    return x * x

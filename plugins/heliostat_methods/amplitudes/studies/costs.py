"""What an exact amplitude costs, against the number of legs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

from heliostat import Run, TaskContext, stored, task
from heliostat_methods.amplitudes.acting.apply import apply
from heliostat_methods.amplitudes.config import AmplitudesConfig
from heliostat_methods.amplitudes.currents.cubic_form import cubic_amplitude
from heliostat_methods.amplitudes.currents.cubic_graphs import graph_sum
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.currents.without_cache import (
    calls_without_cache,
    uncached_amplitude,
    words_with_cache,
)
from heliostat_methods.amplitudes.fields.named import field_named
from heliostat_methods.amplitudes.kinematics.random_points import random_gram_point
from heliostat_methods.amplitudes.operators.terms import Trace

FIELDS = ("rational", "gf")


WAYS: dict[str, Callable[[Any], Any]] = {
    "recursion": lambda point: amplitude("ym", point),
    "cubic form": cubic_amplitude,
    "without cache": uncached_amplitude,
    "differences": lambda point: apply(Trace(*range(point.n)), "ym", "difference")(point),
    "substitution": lambda point: apply(Trace(*range(point.n)), "ym")(point),
    "bas recursion": lambda point: amplitude("bas", point),
    "bas graphs": lambda point: graph_sum(point, range(point.n), range(point.n)),
}
"""Ways to compute, each with the baselines beside it."""
MOST_LEGS = {"without cache": 8, "differences": 8, "bas graphs": 10}
"""Ways whose work grows as a power of a number: timed no further."""


@stored("amplitudes.costed")
@dataclass(frozen=True)
class Costed:
    """A way to compute something of n legs in a field."""

    n: int
    field: str
    way: str = "recursion"


@task("amplitudes.seconds_of")
def seconds_of(item: Costed, ctx: TaskContext) -> float:
    """Return the CPU seconds of one value, the least of three."""
    point = random_gram_point(item.n, ctx.rng("cost", item.n), field_named(item.field))
    least = float("inf")
    for _ in range(3):
        start = time.thread_time()
        WAYS[item.way](point)
        least = min(least, time.thread_time() - start)
    return least


def cost_study(config: AmplitudesConfig, run: Run) -> None:
    """Time amplitudes by field, way and legs: observations, no part of the digest."""
    if not config.cost_legs:
        return
    run.phase("timing exact amplitudes")
    legs = range(4, max(config.cost_legs, 4) + 1)
    for field, way in [*((field, "recursion") for field in FIELDS),
                       *((FIELDS[0], way) for way in WAYS if way != "recursion")]:  # fmt: skip
        for n in legs:
            if n <= MOST_LEGS.get(way, legs[-1]):
                run.observe(seconds_of, Costed(n, field, way)).unwrap()


def counts(legs: Sequence[int]) -> list[list[int]]:
    """Return for each number of legs: words kept, currents without cache, cubic graphs."""
    return [
        [n, words_with_cache(n), calls_without_cache(n), comb(2 * n - 4, n - 2) // (n - 1)]
        for n in legs
    ]

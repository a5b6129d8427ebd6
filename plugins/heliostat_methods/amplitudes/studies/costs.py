"""What an exact amplitude costs, against the number of legs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from heliostat import Run, TaskContext, stored, task
from heliostat_methods.amplitudes.config import AmplitudesConfig
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.fields.named import field_named
from heliostat_methods.amplitudes.kinematics.random_points import random_gram_point

FIELDS = ("rational", "gf")


@stored("amplitudes.costed")
@dataclass(frozen=True)
class Costed:
    """An amplitude of n legs in a field."""

    n: int
    field: str


@task("amplitudes.seconds_of")
def seconds_of(item: Costed, ctx: TaskContext) -> float:
    """Return the CPU seconds of one Yang-Mills amplitude, the least of three."""
    point = random_gram_point(item.n, ctx.rng("cost", item.n), field_named(item.field))
    least = float("inf")
    for _ in range(3):
        start = time.thread_time()
        amplitude("ym", point)
        least = min(least, time.thread_time() - start)
    return least


def cost_study(config: AmplitudesConfig, run: Run) -> dict[str, Any]:
    """Return seconds by field and legs; they are measurements, no part of the digest."""
    if not config.cost_legs:
        return {}
    run.phase("timing exact amplitudes")
    legs = list(range(4, max(config.cost_legs, 4) + 1))
    seconds = {
        field: [run.observe(seconds_of, Costed(n, field)).unwrap() for n in legs]
        for field in FIELDS
    }
    return {"cost": {"legs": legs, "seconds": seconds,
                     "splits": [n * (n - 1) * (n - 2) // 6 for n in legs]}}  # fmt: skip

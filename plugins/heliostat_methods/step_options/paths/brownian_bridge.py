"""Brownian-bridge order: the first normal sets the end of a path, the next ones its midpoints.

So the most even coordinate of a point, or the strata of one normal, decide where a path ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from heliostat_methods.step_options.contracts.time_plan import TimeStep
from heliostat_methods.step_options.contracts.validation import Vector
from heliostat_methods.step_options.paths.kernels import build_bridge


@lru_cache(maxsize=16)
def bridge_order(steps: int, clock: tuple[float, ...] | None = None) -> tuple[Any, Any]:
    """Return which point each normal sets, end first, then midpoints; and with what weights.

    clock (steps + 1,): the variance so far at every point; steps of variance 1 without it.
    """
    clock = clock or tuple(float(i) for i in range(steps + 1))
    order, factor = [(steps, 0, 0)], [(0.0, 0.0, math.sqrt(clock[steps]))]
    pending = [(0, steps)]
    while pending:
        left, right = pending.pop(0)
        if right - left < 2:
            continue
        at = (left + right) // 2
        a, b, width = clock[at] - clock[left], clock[right] - clock[at], clock[right] - clock[left]
        order.append((at, left, right))
        factor.append((b / width, a / width, math.sqrt(a * b / width)))
        pending += [(left, at), (at, right)]
    return np.array(order, np.int64), np.array(factor)


def increments(plan: Sequence[TimeStep] | None, x: Vector) -> Vector:
    """Turn normals (steps, n) in the order of a Brownian bridge into those of the steps.

    plan: the steps, of one variance without it.
    """
    clock = [0.0]
    for variance in [1.0] * len(x) if plan is None else [step.deviation**2 for step in plan]:
        clock.append(clock[-1] + variance)
    order, factor = bridge_order(len(x), tuple(clock))
    out = np.array(x)
    build_bridge(out, order, factor, np.empty((len(x) + 1, x.shape[1])))
    return out / np.sqrt(np.diff(clock))[:, None]

"""Paths of one asset in compiled blocks: draw, order, march with weights, pay.

Positions are z = ln(S / B(t)) / (vol sqrt(dt)), mirrored for an up barrier so that the charged side
is below 0. A block of paths goes through a step together, in plain loops that vectorise; the few
paths that cross the barrier in a step are then weighted one by one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heliostat_methods.step_options.arithmetic.compilation import compiled
from heliostat_methods.step_options.arithmetic.elementary import exponential
from heliostat_methods.step_options.arithmetic.philox import fill_normals
from heliostat_methods.step_options.weights.bridge import (
    crossing_weight,
    same_side,
)
from heliostat_methods.step_options.weights.staircase import step_stairs

BLOCK = 256
"""Paths that go through a step together; no result depends on it."""
KNOCK, BRIDGE, NAIVE, STAIRS = 0, 1, 2, 3
# `p`: parameters of a simulation
Z0, DRIFT, SCALE, LEVEL, LOG_STRIKE, C1_LOW, C0_LOW, C1_HIGH, C0_HIGH, DISCOUNT, TILT = range(11)
PARAMETERS = 11
WEIGHTED, CLAIM, ASSET = range(3)
"""Columns of the output: weighted payoff, payoff, S_T; all discounted."""


@compiled("void(f8[:,::1],i8[:,::1],f8[:,::1],f8[:,::1])")
def build_bridge(x: Any, order: Any, factor: Any, path: Any) -> None:
    """Turn normals x (n, paths) into unit-step increments, in the order of a Brownian bridge.

    order (n, 3): step, left and right neighbour (right -1 for the first). factor (n, 3).
    """
    n, paths = order.shape[0], x.shape[1]
    for i in range(paths):
        path[0, i] = 0.0
    for k in range(n):
        at, left, right = order[k, 0], order[k, 1], order[k, 2]
        a, b, c = factor[k, 0], factor[k, 1], factor[k, 2]
        for i in range(paths):
            path[at, i] = a * path[left, i] + b * path[right, i] + c * x[k, i]
    for k in range(n):
        for i in range(paths):
            x[k, i] = path[k + 1, i] - path[k, i]


@compiled("void(f8[::1],f8[::1],f8,f8,f8[::1])")
def step_knock(z: Any, x: Any, drift: float, sign: float, w: Any) -> None:
    """One step of the knock-out: W = 1 - e^{-2 z z'} above, 0 below."""
    for i in range(z.shape[0]):
        a = z[i]
        b = a + drift + sign * x[i]
        z[i] = b
        survive = 1.0 - exponential(min(-2.0 * a * b, 0.0))
        w[i] = w[i] * survive if (b > 0.0) & (a > 0.0) else 0.0


@compiled("void(f8[::1],f8[::1],f8,f8,f8[::1],f8[::1],i8[::1],f8[:,::1],f8[:,::1],f8[::1])")
def step_bridge(z: Any, x: Any, drift: float, sign: float, w: Any, before: Any, cross: Any,
                line: Any, plane: Any, n: Any) -> None:  # fmt: skip
    """One step with exact weights: all paths as if they stayed on a side, then those that cross."""
    for i in range(z.shape[0]):
        a = z[i]
        b = a + drift + sign * x[i]
        before[i] = a
        z[i] = b
        near = same_side(a, b, line, n)
        w[i] *= near if a * b > 0.0 else 1.0
    m = 0
    for i in range(z.shape[0]):  # a list of them first: the processor cannot predict who crosses
        cross[m] = i
        m += 1 if before[i] * z[i] <= 0.0 else 0
    for k in range(m):
        i = cross[k]
        a, b = before[i], z[i]
        w[i] *= crossing_weight(max(a, b), -min(a, b), plane, n)


@compiled("void(f8[::1],f8[::1],f8,f8,f8[::1],f8[::1],f8[::1])")
def step_naive(z: Any, x: Any, drift: float, sign: float, charge: Any, breaks: Any,
               rates: Any) -> None:  # fmt: skip
    """One step of the baseline: the rate at both ends, averaged (rates are per step)."""
    m = breaks.shape[0]
    for i in range(z.shape[0]):
        a = z[i]
        b = a + drift + sign * x[i]
        z[i] = b
        total = rates[0] + rates[0]
        for k in range(m):
            jump = rates[k + 1] - rates[k]
            total += jump if a >= breaks[k] else 0.0
            total += jump if b >= breaks[k] else 0.0
        charge[i] += 0.5 * total


@compiled("void(f8[::1],f8[::1],f8[::1],f8,f8,f8[:,::1],f8[::1],i8,f8,i8)")
def pay(z: Any, w: Any, tilted: Any, mirror: float, share: float, out: Any, p: Any, at: int,
        group: float, live: int) -> None:  # fmt: skip
    """Add weighted payoff, payoff and S_T of a block to out (columns, units).

    A unit is `group` consecutive paths; `share` is what one path counts in it; `tilted` holds
    the likelihood ratio of importance sampling; only the first `live` paths of the block count.
    """
    size = int(group)
    for i in range(z.shape[0]):
        y = p[SCALE] * mirror * z[i]
        s = exponential(y)
        above = y > p[LOG_STRIKE]
        f = (p[C1_HIGH] * s + p[C0_HIGH]) if above else (p[C1_LOW] * s + p[C0_LOW])
        scale = share * tilted[i] * p[DISCOUNT]
        w[i] *= f * scale
        tilted[i] = f * scale
        z[i] = s * p[LEVEL] * scale
    for i in range(live):
        unit = at + i // size
        out[WEIGHTED, unit] += w[i]
        out[CLAIM, unit] += tilted[i]
        out[ASSET, unit] += z[i]


@compiled("void(i8,i8,i8,i8,i8,i8,i8,i8,i8,f8,f8[::1],f8[::1],f8[::1],f8[:,::1],f8[:,::1],f8[::1],"
          "i8[:,::1],f8[:,::1],i8,f8,f8[:,::1])")  # fmt: skip
def simulate(first: int, count: int, steps: int, key0: int, key1: int, stream: int, mode: int,
             antithetic: int, strata: int, mirror: float, p: Any, breaks: Any, rates: Any,
             line: Any, plane: Any, n: Any, order: Any, factor: Any, amortisation: int,
             window: float, out: Any) -> None:  # fmt: skip
    """Simulate paths first .. first + count - 1 and fill out (3, count / strata).

    mode: KNOCK, BRIDGE, NAIVE, or STAIRS, for which `breaks` are the table's edges. amortisation of
    the naive sum: 0 proportional, 1 simple, 2 delayed (charge is then a time). order, factor: a
    Brownian-bridge construction, or empty.
    """
    rows = 4 * ((steps + 3) // 4)
    block = min(BLOCK, count)
    if strata > 1:
        block = max(block // strata, 1) * strata
    x, room, path = np.empty((rows, block)), np.empty(block), np.empty((steps + 1, block))
    z, w, before, tilted = np.empty(block), np.empty(block), np.empty(block), np.empty(block)
    cross = np.empty(block + 1, dtype=np.int64)
    signs = 2 if antithetic else 1
    done = 0
    while done < count:
        fill_normals(x, room, first + done, strata, key0, key1, stream)
        if order.shape[0] > 0:
            build_bridge(x, order, factor, path)
        for k in range(signs):
            sign = 1.0 - 2.0 * k
            for i in range(block):
                z[i], w[i], tilted[i] = p[Z0], 1.0, 1.0
            if mode == NAIVE:
                for i in range(block):
                    w[i] = 0.0
            shift = p[TILT] / math.sqrt(steps)
            if shift != 0.0:
                for i in range(block):
                    total = 0.0
                    for j in range(steps):
                        total += x[j, i]
                    tilted[i] = exponential(-shift * sign * total - 0.5 * steps * shift * shift)
            drift = p[DRIFT] + shift
            for j in range(steps):
                if mode == KNOCK:
                    step_knock(z, x[j], drift, sign, w)
                elif mode == BRIDGE:
                    step_bridge(z, x[j], drift, sign, w, before, cross, line, plane, n)
                elif mode == STAIRS:
                    step_stairs(z, x[j], drift, sign, w, breaks, plane)
                else:
                    step_naive(z, x[j], drift, sign, w, breaks, rates)
            if mode == NAIVE:
                for i in range(block):
                    if amortisation == 0:
                        w[i] = exponential(-w[i])
                    elif amortisation == 1:
                        w[i] = max(1.0 - w[i], 0.0)
                    else:
                        w[i] = 1.0 if w[i] < window else 0.0
            pay(z, w, tilted, mirror, 1.0 / (signs * strata), out, p,
                done // strata, float(strata), min(block, count - done))  # fmt: skip
        done += block

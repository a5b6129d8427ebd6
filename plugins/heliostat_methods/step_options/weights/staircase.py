"""Bridge weights for several barriers: W(z, z') = k(z, z'; 1) / phi(z - z') on a graded grid.

One barrier has formulas (`bridge_weight`); here the kernel of all barriers together is tabulated,
so that a double barrier can be priced with few steps, even one. z in units of vol sqrt(dt), rates
per step; an infinite one is a wall. Cells shrink towards the barriers, where W has kinks in its
second derivative, and no cell crosses one.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from heliostat_methods.step_options.arithmetic.compilation import compiled, inlined
from heliostat_methods.step_options.contracts.validation import Unsupported, Vector
from heliostat_methods.step_options.weights.bridge import DEGREE, lagrange, lagrange_slopes
from heliostat_methods.step_options.weights.lines import LineSolutions

REACH = 9.0
"""Distance beyond the outer barriers where a step no longer feels them."""
LONGEST = 14.0
"""Exact up to this length, so that cells with steps shorter than REACH in them are."""
NARROWEST, GROWTH, WIDEST = 0.06, 1.25, 0.8
"""Widths of cells: beside a barrier, where e^{-2 z z'} falls fast, how they grow, the largest."""
_MOST_POINTS = 8192


@dataclass(frozen=True)
class StaircaseWeightTable:
    """Weights of one set of breaks (m,) and rates per step (m + 1,), to 1e-8 for steps < 9."""

    edges: Vector
    plane: Vector

    @classmethod
    def build(cls, breaks: tuple[float, ...], rates: tuple[float, ...]) -> StaircaseWeightTable:
        """Return the table; built once in a process."""
        return _table(breaks, rates)

    def weight(self, z: Vector, z_next: Vector) -> Vector:
        """Return W for arrays of one shape."""
        out = np.ones(np.size(z))
        flat = np.ascontiguousarray(z, dtype=np.float64).ravel()
        step = np.ascontiguousarray(z_next, dtype=np.float64).ravel() - flat
        step_stairs(flat.copy(), step, 0.0, 1.0, out, self.edges, self.plane)
        return out.reshape(np.shape(z))


@lru_cache(maxsize=16)
def _table(breaks: tuple[float, ...], rates: tuple[float, ...]) -> StaircaseWeightTable:
    finite = [rate for rate in rates if rate < math.inf] or [0.0]
    scale = min(NARROWEST, 0.7 / math.sqrt(2 * max(max(finite) - min(finite), 1e-12)))

    def away(length: float) -> list[float]:
        steps, width, at = [0.0], scale, 0.0
        while at + width < length:
            at += width
            steps.append(at)
            width = min(GROWTH * width, WIDEST)
        return steps

    edges = [breaks[0] - d for d in (*away(REACH), REACH)]
    edges += [breaks[-1] + d for d in (*away(REACH), REACH)]
    for a, b in itertools.pairwise(breaks):
        # in the middle of a wide gap no step feels a barrier, and one cell is enough
        half = away((b - a) / 2) if b - a < 2 * REACH else [*away(REACH), REACH]
        edges += [*(a + d for d in half), *(b - d for d in half)]
    kept = np.unique(edges)
    kept = kept[np.concatenate([[True], np.diff(kept) > 1e-9])]
    inner = np.arange(DEGREE) / DEGREE
    z = np.concatenate([(kept[:-1, None] + inner * np.diff(kept)[:, None]).ravel(), kept[-1:]])
    n = len(z)
    if n > _MOST_POINTS:
        raise Unsupported(
            "barriers", len(breaks), "fewer barriers for a table of weights",
            'use method="laplace" or "path_integral_grid"',
        )  # fmt: skip
    plane = LineSolutions.of(z, breaks, rates, LONGEST).weights((0, n), (0, n))
    return StaircaseWeightTable(kept, plane)


@inlined
def _cell(edges: Any, x: float) -> int:
    """Return the cell that x lies in."""
    lo, hi = 0, edges.shape[0] - 1
    while hi - lo > 1:
        middle = (lo + hi) // 2
        if edges[middle] <= x:
            lo = middle
        else:
            hi = middle
    return lo


@compiled("void(f8[::1],f8[::1],f8,f8,f8[::1],f8[::1],f8[:,::1])")
def step_stairs(z: Any, x: Any, drift: float, sign: float, w: Any, edges: Any,
                plane: Any) -> None:  # fmt: skip
    """One step of a block of paths with the tabulated weight of all barriers."""
    cells = edges.shape[0] - 1
    for i in range(z.shape[0]):
        a = z[i]
        b = a + drift + sign * x[i]
        z[i] = b
        u = min(max(a, edges[0]), edges[cells])
        v = min(max(b, edges[0]), edges[cells])
        j, k = _cell(edges, u), _cell(edges, v)
        p = lagrange((u - edges[j]) / (edges[j + 1] - edges[j]))
        q = lagrange((v - edges[k]) / (edges[k + 1] - edges[k]))
        total = 0.0
        for m in range(6):
            inner = 0.0
            for n in range(6):
                inner += q[n] * plane[j * DEGREE + m, k * DEGREE + n]
            total += p[m] * inner
        w[i] *= total


@compiled("void(f8[::1],f8[::1],f8[::1],f8[:,::1],f8[:,::1])")
def stairs_slopes(z: Any, z_next: Any, edges: Any, plane: Any, out: Any) -> None:
    """Write W and (d/dz + d/dz') W of each pair into the rows of `out`."""
    cells = edges.shape[0] - 1
    for i in range(z.shape[0]):
        u = min(max(z[i], edges[0]), edges[cells])
        v = min(max(z_next[i], edges[0]), edges[cells])
        j, k = _cell(edges, u), _cell(edges, v)
        width_u, width_v = edges[j + 1] - edges[j], edges[k + 1] - edges[k]
        p, q = lagrange((u - edges[j]) / width_u), lagrange((v - edges[k]) / width_v)
        dp = lagrange_slopes((u - edges[j]) / width_u)
        dq = lagrange_slopes((v - edges[k]) / width_v)
        # held at its edges, the weight has no slope beyond them
        by_u = 1.0 / width_u if u == z[i] else 0.0
        by_v = 1.0 / width_v if v == z_next[i] else 0.0
        value, both = 0.0, 0.0
        for m in range(6):
            inner, slope = 0.0, 0.0
            for n in range(6):
                x = plane[j * DEGREE + m, k * DEGREE + n]
                inner += q[n] * x
                slope += dq[n] * x
            value += p[m] * inner
            both += dp[m] * by_u * inner + p[m] * by_v * slope
        out[0, i], out[1, i] = value, both

"""Bridge weights for several barriers: W(z, z') = k(z, z'; 1) / phi(z - z') on a graded grid.

One barrier has formulas (`bridge_weight`); here the kernel of all barriers together is tabulated,
so that a double barrier can be priced with few steps, even one. z in units of vol sqrt(dt), rates
per step. Cells shrink towards the barriers, where W has kinks in its second derivative, and no
cell crosses one.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from heliostat_methods.step_options.arithmetic.compilation import compiled, inlined
from heliostat_methods.step_options.closed_form.inversion import LaplaceInverter
from heliostat_methods.step_options.closed_form.pricing_kernel import PricingKernel
from heliostat_methods.step_options.contracts.market import BlackScholesMarket
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import Vector
from heliostat_methods.step_options.weights.bridge import DEGREE, lagrange, lagrange_slopes

REACH = 9.0
"""Distance beyond the outer barriers where a step no longer feels them."""
_LONGEST = 6.0
"""Longer steps (probability 2e-9) take the value at this length: k / phi has lost its digits."""


@dataclass(frozen=True)
class StaircaseWeightTable:
    """Weights of one set of breaks (m,) and rates per step (m + 1,)."""

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
    scale = min(0.2, 0.7 / math.sqrt(2 * max(max(rates) - min(rates), 1e-12)))

    def away(length: float) -> list[float]:
        steps, width, at = [0.0], scale, 0.0
        while at + width < length:
            at += width
            steps.append(at)
            width *= 1.3
        return steps

    edges = [breaks[0] - d for d in (*away(REACH), REACH)]
    edges += [breaks[-1] + d for d in (*away(REACH), REACH)]
    for a, b in itertools.pairwise(breaks):
        half = away((b - a) / 2)
        edges += [*(a + d for d in half), *(b - d for d in half)]
    kept = np.unique(edges)
    kept = kept[np.concatenate([[True], np.diff(kept) > 1e-9])]
    inner = np.arange(DEGREE) / DEGREE
    z = np.concatenate([(kept[:-1, None] + inner * np.diff(kept)[:, None]).ravel(), kept[-1:]])
    return StaircaseWeightTable(kept, _ratios(z, breaks, rates))


def _ratios(z: Vector, breaks: tuple[float, ...], rates: tuple[float, ...]) -> Vector:
    """Return W on the grid z x z, (n, n)."""
    levels = tuple(math.exp(b - breaks[0]) for b in breaks)
    option = StepOption("unit", 1.0, 1.0, levels, rates, allow_accrual=True)
    kernel = PricingKernel(option, BlackScholesMarket(1.0, 0.0, 0.0, 1.0))
    at = z - breaks[0]
    s, w = LaplaceInverter("hyperbola", 18).points(1.0)
    shift = max(0.0, -min(rates))
    total = np.zeros((len(z), len(z)))
    for s_n, w_n in zip(s + shift, w * math.exp(shift), strict=True):
        front, log = kernel.factors(np.full(len(z), s_n), at)
        total += np.triu((w_n * front[:, None] * np.exp(
            np.triu(log[None, :] - log[:, None])
        )).real)  # fmt: skip
    total = np.triu(total) + np.triu(total, 1).T
    d = np.abs(z[:, None] - z[None, :])
    far = d > _LONGEST
    ratio = total * np.exp(np.minimum(d, _LONGEST) ** 2 / 2) * math.sqrt(2 * math.pi)
    ends = np.array(rates)[np.searchsorted(breaks, z)]
    straight = np.exp(-(ends[:, None] + ends[None, :]) / 2)
    return np.where(far, straight, np.clip(ratio, math.exp(-max(rates)), math.exp(-min(rates))))


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

"""One contract in standard deviations from the spot, without barriers that no path reaches.

x = (y' - y) / (vol sqrt(T)), so that the price moves by N(drift, 1) until maturity. A barrier
further away than the drift and nine deviations changes no digit and is left out; one behind a
region of infinite rate is behind a wall. The lowest rate left is a factor of the price.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heliostat_methods.step_options.contracts.reduced import Reduced

REACH = 9.0
"""Standard deviations that are looked at: what lies beyond has a probability of 1e-19."""


@dataclass(frozen=True)
class Standard:
    """Regions that a path from the spot can reach; all lengths in standard deviations.

    `edges` (regions + 1): the first and the last are walls, or infinite. `charges` (regions,):
    rate * T above `common`, the lowest. `start`: the region of the spot. `first`: the number of the
    lowest region among those of the contract.
    """

    edges: tuple[float, ...]
    charges: tuple[float, ...]
    common: float
    start: int
    first: int
    drift: float
    deviation: float
    """vol sqrt(T)."""
    strike: float
    """Where S_T is the strike."""
    reach: float
    """Standard deviations from the mean at which integrals end."""


def standardise(problem: Reduced, j: int, above: bool = False) -> Standard | None:
    """Return contract j seen from its spot, or None where the spot is knocked out.

    `above`: a spot on a barrier counts to the region above it.
    """
    deviation = problem.vol * math.sqrt(problem.maturity)
    y = float(problem.y[j])
    breaks = [float(b) for b in (problem.breaks - y) / deviation]
    charges = [float(rate) * problem.maturity for rate in problem.rates]
    drift = problem.nu / problem.vol * math.sqrt(problem.maturity)
    start = int(np.searchsorted(breaks, 0.0, side="right" if above else "left"))
    if charges[start] == math.inf:
        return None
    low, high = start, start  # regions that count
    while low > 0 and charges[low - 1] < math.inf:
        low -= 1
    while high < len(breaks) and charges[high + 1] < math.inf:
        high += 1
    edges = [-math.inf, *breaks, math.inf]
    walls = edges[low], edges[high + 1]
    paid = float(np.abs(problem.source[j, ::2]).max()) > 0
    # under the measure of the share, too, if the claim is paid in it
    top = drift + deviation if paid else drift
    while True:
        # a negative rate makes up for a small probability
        reach = math.sqrt(REACH * REACH + 2 * max(0.0, -min(charges[low : high + 1])))
        before = low, high
        while low < start and _hardness(-edges[low + 1], -drift) > reach:
            low += 1
        while high > start and _hardness(edges[high], top) > reach:
            high -= 1
        if (low, high) == before:
            break
    kept = [-math.inf, *edges[low + 1 : high + 1], math.inf]
    if edges[low] == walls[0] and _hardness(-walls[0], -drift) <= reach:
        kept[0] = walls[0]
    if edges[high + 1] == walls[1] and _hardness(walls[1], top) <= reach:
        kept[-1] = walls[1]
    left = charges[low : high + 1]
    common = min(left)
    return Standard(
        tuple(kept), tuple(c - common for c in left), common, start - low, low, drift, deviation,
        (float(problem.k[j]) - y) / deviation, reach,
    )  # fmt: skip


def _hardness(way: float, drift: float) -> float:
    """Return x with the probability e^{-x^2 / 2} to go so far at any time, drift along the way."""
    if drift >= 0 or way >= -drift:
        return max(0.0, way - drift)
    return math.sqrt(-4 * way * drift)

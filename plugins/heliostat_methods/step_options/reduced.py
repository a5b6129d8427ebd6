"""Contract and market as one time-homogeneous problem in y = ln(S / B(t)).

With B(t) = B e^{gamma t}, B the lowest barrier at t = 0, the barriers stand still and y drifts by
nu = r - q - gamma - sigma^2 / 2; the claim becomes c1 e^y + c0 on either side of the log-strike k.
Strikes and spots are flattened: contract j has `strike[j]` and the spots `y[first[j]:first[j+1]]`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.market import BlackScholesMarket, Market
from heliostat_methods.step_options.validation import Unsupported, Vector


@dataclass(frozen=True)
class Reduced:
    """One contract in one market, spots and strikes broadcast to `shape` and flattened.

    `breaks` (m,) in y; `rates` (m + 1,); `spot`, `y`, `strike`, `k` (n,); `source` (n, 4) holds
    (c1, c0) below k and (c1, c0) above k, with c1 in units of the price at y = 0, T.
    """

    shape: tuple[int, ...]
    spot: Vector
    y: Vector
    strike: Vector
    k: Vector
    source: Vector
    breaks: Vector
    rates: Vector
    maturity: float
    rate: float
    dividend: float
    vol: float
    gamma: float
    level: float
    """The lowest barrier at t = 0."""

    @property
    def nu(self) -> float:
        """Drift of y."""
        return self.rate - self.dividend - self.gamma - 0.5 * self.vol**2

    @property
    def terminal_level(self) -> float:
        """The lowest barrier at maturity."""
        return self.level * math.exp(self.gamma * self.maturity)

    def claim(self, y: Vector, j: int = 0) -> Vector:
        """Return f at terminal y for contract j."""
        c = self.source[j]
        s = np.exp(y)
        above = y > self.k[j]
        return np.asarray(np.where(above, c[2] * s + c[3], c[0] * s + c[1]))


def source_terms(kind: str, strike: Vector, terminal_level: float) -> Vector:
    """Return (n, 4): c1, c0 below the strike and c1, c0 above it, f = c1 e^y + c0."""
    zero, one = np.zeros_like(strike), np.ones_like(strike)
    b = terminal_level * one
    columns = {
        "call": (zero, zero, b, -strike),
        "put": (-b, strike, zero, zero),
        "digital": (zero, zero, zero, one),
        "unit": (zero, one, zero, one),
        "asset": (b, zero, b, zero),
    }[kind]
    return np.stack(columns, axis=-1)


def reduce(option: StepOption, market: Market, engine: str) -> Reduced:
    """Return the time-homogeneous problem; raises Unsupported naming engines that do without it."""
    if not isinstance(market, BlackScholesMarket):
        raise Unsupported(
            "market", type(market).__name__, f"a BlackScholesMarket for method={engine!r}",
            "pde and path_integral_grid take a PiecewiseMarket, mc_bridge all models",
        )  # fmt: skip
    gamma = option.common_gamma
    if gamma is None:
        raise Unsupported(
            "gamma", option.gamma, f"one growth rate of all barriers for method={engine!r}",
            'barriers that grow at different rates are not time-homogeneous: use method="pde"',
        )  # fmt: skip
    spot, strike = np.broadcast_arrays(
        np.asarray(market.spot, dtype=np.float64), np.asarray(option.strike, dtype=np.float64)
    )
    shape = spot.shape
    spot, strike = np.ravel(spot).copy(), np.ravel(strike).copy()
    levels = option.levels_at(0.0)
    level = levels[0]
    terminal = level * math.exp(gamma * option.maturity)
    return Reduced(
        shape=shape,
        spot=spot,
        y=np.log(spot / level),
        strike=strike,
        k=np.log(strike / terminal),
        source=source_terms(option.kind, strike, terminal),
        breaks=np.log(np.array(levels) / level),
        rates=np.array(option.rates),
        maturity=option.maturity,
        rate=market.rate,
        dividend=market.dividend,
        vol=market.vol,
        gamma=gamma,
        level=level,
    )

"""Contract and market as one time-homogeneous problem in y = ln(S / B(t)).

With B(t) = B e^{gamma t}, B the lowest barrier at t = 0, the barriers stand still and y drifts by
nu = r - q - gamma - sigma^2 / 2; the claim becomes c1 e^y + c0 on either side of the log-strike k.
Strikes and spots are flattened: contract j has `strike[j]` and the spots `y[first[j]:first[j+1]]`.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from heliostat import stored
from heliostat_methods.step_options.contracts.market import (
    BlackScholesMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import Unsupported, Vector


@stored("step_options.reduced")
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
    kind: str

    @property
    def nu(self) -> float:
        """Drift of y."""
        return self.rate - self.dividend - self.gamma - 0.5 * self.vol**2

    @property
    def finite_rates(self) -> Vector:
        """Rates with a number for an infinite one: a path gets 1e-15 deviations deep."""
        return np.minimum(self.rates, 1e30 / self.maturity)

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
    if isinstance(market, PiecewiseMarket):
        option, market = equivalent(option, market, engine)
    if not isinstance(market, BlackScholesMarket):
        raise Unsupported(
            "market", type(market).__name__, f"a BlackScholesMarket for method={engine!r}",
            "use pde for a LocalVolMarket, mc_bridge for all models",
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
        kind=option.kind,
    )


def equivalent(
    option: StepOption, market: PiecewiseMarket, engine: str
) -> tuple[StepOption, BlackScholesMarket]:
    """Return the contract and the constant market with the same price, by a change of clock.

    Where vol^2, the drift of y and the charge keep their proportions, the clock that runs with
    vol^2 makes all three constant; the interest rate enters by its mean alone. Equal rates in all
    regions need no proportions. Raises Unsupported naming the first field that breaks them.
    """
    T = option.maturity
    spans = market.spans(T)
    mean = market.averaged(T)
    years = [span[0] for span in spans]
    charge = sum(d * span[4] for d, span in zip(years, spans, strict=True)) / T
    hint = "pde, path_integral_grid and Monte Carlo go through time"
    if option.amortisation != "proportional":
        # occupation is measured in calendar years, which another clock would stretch
        clock = [1.0] * len(spans)
        hint = "use mc_naive"
    elif len(set(option.rates)) == 1:
        clock = None
    else:
        clock = [span[3] ** 2 / mean.vol**2 for span in spans]
    if clock is not None:
        gamma = option.common_gamma or 0.0
        drift = mean.rate - mean.dividend - gamma - mean.vol**2 / 2
        scale = abs(drift) + mean.vol**2
        for i, ((_, r, q, v, c), speed) in enumerate(zip(spans, clock, strict=True)):
            found = r - q - gamma - v * v / 2
            where = f"for method={engine!r} in interval {i} of piecewise parameters"
            if abs(v * v - speed * mean.vol**2) > PROPORTION * v * v:
                raise Unsupported(f"vol[{i}]", v, f"the vol {mean.vol:.10g} {where}", hint)
            if abs(found - speed * drift) > PROPORTION * scale:
                # the rate may vary as it likes as long as the drift of ln(S / B) follows vol^2
                wanted = speed * drift + gamma + v * v / 2
                raise Unsupported(
                    f"rate[{i}] - dividend[{i}]", r - q, f"{wanted:.10g} {where}", hint
                )
            if abs(c - speed * charge) > PROPORTION * max(charge, 1.0):
                raise Unsupported(
                    f"charge[{i}]", c, f"{speed * charge:.10g} (a charge that follows vol^2) "
                    f"{where}", hint,
                )  # fmt: skip
    # no charge on an infinite rate is no barrier
    rates = tuple(rate * charge if charge else 0.0 for rate in option.rates)
    return dataclasses.replace(option, rates=rates), mean


PROPORTION = 1e-12
"""Relative deviation from one clock that counts as round-off."""

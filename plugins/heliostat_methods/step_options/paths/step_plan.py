"""The steps of paths whose weights are exact: none drifts further than the tables of weights reach.

A normal of 32 bits is below 6.4, so a step that drifts by at most MOST_DRIFT standard deviations is
shorter than 8.4, and every table of weights knows it. Steps that drift further are cut into equal
ones. A Riemann sum needs no weights and keeps its steps.

Where the deviation of ln S is large, a claim that grows with S lives on paths that nobody draws.
Drawn with the asset as numeraire, a drift of vol^2 more, it is bounded.
"""

from __future__ import annotations

import math

import numpy as np

from heliostat_methods.step_options.contracts.market import (
    BasketMarket,
    BlackScholesMarket,
    HestonMarket,
    LocalVolMarket,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.time_plan import TimeStep, averaged, time_plan
from heliostat_methods.step_options.contracts.validation import Unsupported

MOST_DRIFT = 2.0
"""Standard deviations that a step may drift."""
MOST_STEPS = 1024
"""Steps that a path is cut into at most on account of its drift."""
HEAVY = 1.5
"""Deviation of ln S_T beyond which claims that grow with S are drawn in the asset's measure."""


def own_tilt(option: StepOption, market: BlackScholesMarket | PiecewiseMarket) -> float:
    """Return the shift of ln S_T, in deviations, that its claim is drawn with: mostly none."""
    mean = averaged(market, option.maturity)
    deviation = mean.vol * math.sqrt(option.maturity)
    return deviation if option.kind in ("call", "asset") and deviation > HEAVY else 0.0


def path_plan(
    option: StepOption, market: BlackScholesMarket | PiecewiseMarket, steps: int,
    halvings: int = 0, tilt: float = 0.0, naive: bool = False,
) -> tuple[TimeStep, ...]:  # fmt: skip
    """Return about `steps` steps, cut where they drift too far, then halved so often.

    tilt: a shift of the final value in standard deviations, which is drift too. Raises Unsupported
    where the drift would need more than MOST_STEPS.
    """
    plan = time_plan(market, option.maturity, steps)
    if naive or not _has_tables(option):
        return time_plan(market, option.maturity, steps, halvings) if halvings else plan
    gamma = float(option.common_gamma or 0.0)
    total = math.sqrt(sum(step.deviation**2 for step in plan))
    found: list[TimeStep] = []
    for i, step in enumerate(plan):
        drift = (step.rate - step.dividend - gamma - step.vol**2 / 2) * step.length
        pieces = pieces_of(drift / step.deviation + tilt * step.deviation / total)
        needed = (len(found) >> halvings) + pieces + len(plan) - i - 1
        if pieces > 1 and needed > MOST_STEPS:
            raise Unsupported(
                "vol", step.vol, f"enough volatility beside a drift of {abs(drift):.4g} in "
                f"{step.length:.4g} years: paths of at most {MOST_STEPS} steps",
                'use method="laplace" or "path_integral_grid"',
            )  # fmt: skip
        found += [cut(step, pieces << halvings)] * (pieces << halvings)
    return tuple(found)


def first_asset(market: BasketMarket) -> BlackScholesMarket:
    """Return the market of the asset that a basket's barrier refers to."""
    return BlackScholesMarket(market.spots[0], market.rate, market.dividends[0], market.vols[0])


def surface_steps(
    option: StepOption, market: LocalVolMarket | HestonMarket, steps: int
) -> int:  # fmt: skip
    """Return the number of equal steps where the volatility moves: enough for its usual values.

    Of a surface the least and the largest within five deviations of the spot; of Heston half the
    lower of its two volatilities.
    """
    T, gamma = option.maturity, float(option.common_gamma or 0.0)
    if isinstance(market, HestonMarket):
        vols = [0.5 * math.sqrt(min(market.v0, market.theta))]
    else:
        spot = math.log(market.spot)
        away = 5 * float(market.vol_at(spot, 0.0)) * math.sqrt(T)
        away += abs(market.rate - market.dividend) * T
        near = np.linspace(spot - away, spot + away, 101)
        found = [market.vol_at(near, float(t)) for t in np.linspace(0.0, T, 11)]
        vols = [float(np.min(found)), float(np.max(found))]
    drift = max(abs(market.rate - market.dividend - gamma - v * v / 2) / v for v in vols)
    pieces = pieces_of(drift * math.sqrt(T / steps))
    if pieces > 1 and pieces * steps > MOST_STEPS:
        raise Unsupported(
            "vol", min(vols), f"enough volatility beside the drift: paths of at most {MOST_STEPS} "
            "steps", 'use method="pde"' if isinstance(market, LocalVolMarket) else "",
        )  # fmt: skip
    return steps * pieces


def pieces_of(drift: float) -> int:
    """Return into how many equal steps one that drifts so many deviations is cut."""
    # a piece drifts 1 / pieces as far, with 1 / sqrt(pieces) of the deviation
    return max(1, math.ceil(min((drift / MOST_DRIFT) ** 2, 1e15) - 1e-9))


def cut(step: TimeStep, pieces: int) -> TimeStep:
    """Return one of so many equal pieces of a step."""
    return step._replace(length=step.length / pieces)


def _has_tables(option: StepOption) -> bool:
    """Whether weights come from tables: not without charge, and not for one hard barrier."""
    hard = len(option.barriers) == 1 and math.inf in option.rates
    return len(set(option.rates)) > 1 and not hard

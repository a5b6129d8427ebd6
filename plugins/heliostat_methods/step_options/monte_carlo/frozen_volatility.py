"""What freezing the volatility in every step does to a price: the bias of mc_bridge and rqmc.

Weights are exact given the volatility of a step, so all that steps leave out is how it moves in
one. The same normals on finer steps, halved until there are FINEST of them, show how much that is
(the correction of Giles 2008, without his levels); the last halving shows what is still missing.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from heliostat_methods.step_options.arithmetic.philox import normals
from heliostat_methods.step_options.contracts.market import HestonMarket, LocalVolMarket, Market
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import Vector

FINEST = 64
"""Steps of the finer paths, at least."""
PATHS, FEWEST = 1 << 15, 1 << 11
MOST_NORMALS = 1 << 22
STREAM = 90
SIGMAS = 2.0
"""Standard errors of the measured bias that are counted into it."""


def freezing_bias(option: StepOption, market: Market, steps: int, seed: int) -> float:
    """Return a bound of what `steps` frozen volatilities move a price by, in its units.

    Zero where nothing is frozen, or nothing moves.
    """
    if not isinstance(market, LocalVolMarket | HestonMarket):
        return 0.0
    if isinstance(market, LocalVolMarket) and np.ptp(market.vols) == 0:
        return 0.0
    halvings = max(1, math.ceil(math.log2(FINEST / steps)))
    each = 2 if isinstance(market, HestonMarket) else 1
    rows = (steps << halvings) * each
    count = max(FEWEST, min(PATHS, MOST_NORMALS // rows))
    x = normals(seed, 0, count, rows, stream=STREAM)
    finest = coarse = half = _values(option, market, x)
    for level in range(halvings):
        # a step of Heston has two normals, of its variance and of its price
        pairs = x.reshape(-1, 2, each, count)
        x = ((pairs[:, 0] + pairs[:, 1]) / math.sqrt(2)).reshape(-1, count)
        coarse = _values(option, market, x)
        half = coarse if level == 0 else half
    moved = finest - coarse
    error = float(np.std(moved)) / math.sqrt(count)
    missing = abs(float(np.mean(finest - half)))
    return abs(float(np.mean(moved))) + missing + SIGMAS * error


def with_bias(result: Result, option: StepOption, market: Market, steps: int, seed: int) -> Result:
    """Return a result whose error holds what freezing adds, also `details["bias"]`."""
    bias = freezing_bias(option, market, steps, seed)
    if bias == 0.0:
        return result
    return dataclasses.replace(
        result, abs_error_estimate=result.abs_error_estimate + bias,
        details={**result.details, "bias": bias},
    )  # fmt: skip


def _values(option: StepOption, market: LocalVolMarket | HestonMarket, x: Vector) -> Vector:
    """Return discounted weight * payoff (n,) of normals x."""
    # compiled when it is first imported
    from heliostat_methods.step_options.paths.volatility import heston_columns, local_vol_columns

    if isinstance(market, HestonMarket):
        return np.asarray(heston_columns(option, market, x, naive=False)[0])
    return np.asarray(local_vol_columns(option, market, x, naive=False)[0])

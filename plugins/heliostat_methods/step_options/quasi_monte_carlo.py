"""Randomised quasi-Monte Carlo: scrambled Sobol points in Brownian-bridge order.

The first coordinate sets the final value, so the most even one decides most. Independent scrambles
(Owen) give the standard error. With one step the integrand is smooth in one dimension.
"""

from __future__ import annotations

import math
import time

import numpy as np

from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.given_paths import weighted_payoffs
from heliostat_methods.step_options.market import Market
from heliostat_methods.step_options.path_kernels import build_bridge
from heliostat_methods.step_options.paths import bridge_order
from heliostat_methods.step_options.philox import to_normals
from heliostat_methods.step_options.result import Result
from heliostat_methods.step_options.validation import InvalidInput


def price_rqmc(option: StepOption, market: Market, greeks: bool = False, *,
               n_points: int = 1 << 12, n_steps: int = 1, replicates: int = 16,
               seed: int = 0) -> Result:  # fmt: skip
    """Return the mean over `replicates` scrambles of `n_points` (a power of two) points."""
    began = time.perf_counter()
    if n_points < 2 or n_points & (n_points - 1):
        raise InvalidInput("n_points", n_points, "a power of two >= 2")
    if replicates < 2:
        raise InvalidInput("replicates", replicates, "at least 2")
    means = np.array([
        _replicate(option, market, n_points, n_steps, seed, i) for i in range(replicates)
    ])  # fmt: skip
    error = float(means.std(ddof=1)) / math.sqrt(replicates)
    return Result(
        price=float(means.sum() / replicates),
        method="rqmc",
        abs_error_estimate=2 * error,
        std_error=error,
        n_evals=n_points * replicates,
        wall_s=time.perf_counter() - began,
        details={"replicates": replicates, "steps": n_steps},
    )


def _replicate(option: StepOption, market: Market, n: int, steps: int, seed: int, i: int) -> float:
    from scipy.stats import qmc

    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(i,))))
    sobol = qmc.Sobol(steps, scramble=True, rng=stream)
    u = np.clip(sobol.random_base2(n.bit_length() - 1), 2.0**-33, 1 - 2.0**-33)
    x, room = np.ascontiguousarray(u.T), np.empty(n)
    for row in x:
        to_normals(row, room)
    if steps > 1:
        order, factor = bridge_order(steps)
        build_bridge(x, order, factor, np.empty((steps + 1, n)))
    return float(weighted_payoffs(option, market, x).sum() / n)

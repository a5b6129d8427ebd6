"""Multilevel Monte Carlo: coarse paths correct cheap ones (Giles 2008), all with exact weights.

Level l has `first_steps` * 2^l steps; its coarse partner uses sums of pairs of the same normals.
Under Black-Scholes every level is already unbiased, so the corrections have mean zero and the
method shows it; under local volatility the levels remove the bias of frozen volatilities.
"""

from __future__ import annotations

import math
import time

import numpy as np

from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.given_paths import weighted_payoffs
from heliostat_methods.step_options.market import Market
from heliostat_methods.step_options.philox import normals
from heliostat_methods.step_options.result import Result
from heliostat_methods.step_options.validation import number
from heliostat_search.montecarlo import Moments

BATCH = 1 << 13
MOST_LEVELS = 8
MOST_PATHS = 1 << 24


def price_multilevel(option: StepOption, market: Market, greeks: bool = False, *,
                     tolerance: float = 0.02, first_steps: int = 1,
                     seed: int = 0) -> Result:  # fmt: skip
    """Return the price with root mean square error `tolerance`, half of it allowed to bias."""
    began = time.perf_counter()
    number("tolerance", tolerance, above=0)
    levels: list[Moments] = []

    def draw(level: int, batches: int) -> None:
        for _ in range(batches):
            done = levels[level].n if level < len(levels) else 0
            block = _difference(option, market, level, first_steps, seed, done)
            if level < len(levels):
                levels[level] = levels[level].merge(block)
            else:
                levels.append(block)

    for level in range(3):
        draw(level, 1)
    bias = math.inf
    while True:
        _refine(levels, tolerance, first_steps, draw)
        # first-order weak error: what is left is about the last correction, or half the one before
        bias = max(abs(float(levels[-1].mean[0])), abs(float(levels[-2].mean[0])) / 2)
        if bias < tolerance / math.sqrt(2) or len(levels) >= MOST_LEVELS:
            break
        draw(len(levels), 1)
    value = float(sum(m.mean[0] for m in levels))
    variance = sum(float(m.covariance[0, 0]) / m.n for m in levels)
    return Result(
        price=value,
        method="mlmc",
        abs_error_estimate=2 * math.sqrt(variance) + bias,
        std_error=math.sqrt(variance),
        n_evals=sum(m.n for m in levels),
        wall_s=time.perf_counter() - began,
        details={
            "bias": bias,
            "levels": [[first_steps << i, m.n, float(m.mean[0]), float(m.covariance[0, 0])]
                       for i, m in enumerate(levels)],
        },
    )  # fmt: skip


def _refine(levels: list[Moments], tolerance: float, first_steps: int, draw: object) -> None:
    """Add paths where they reduce the variance most for their cost, until it is tolerance^2 / 2."""
    for _ in range(20):
        variances = [max(float(m.covariance[0, 0]), 1e-30) for m in levels]
        costs = [float(first_steps << i) for i in range(len(levels))]
        total = sum(math.sqrt(v * c) for v, c in zip(variances, costs, strict=True))
        wanted = [math.ceil(2 / tolerance**2 * math.sqrt(v / c) * total)
                  for v, c in zip(variances, costs, strict=True)]  # fmt: skip
        more = [max(0, math.ceil((min(w, MOST_PATHS) - m.n) / BATCH))
                for w, m in zip(wanted, levels, strict=True)]  # fmt: skip
        if not any(more):
            return
        for level, batches in enumerate(more):
            draw(level, batches)  # type: ignore[operator]


def _difference(option: StepOption, market: Market, level: int, first_steps: int, seed: int,
                first: int) -> Moments:  # fmt: skip
    """Return the moments of P_l - P_{l-1} (of P_0 at level 0) for one batch of paths."""
    steps = first_steps << level
    x = normals(seed, first, BATCH, steps, stream=100 + level)
    fine = weighted_payoffs(option, market, x)
    if level > 0:
        pairs = (x[0::2] + x[1::2]) / math.sqrt(2)
        fine = fine - weighted_payoffs(option, market, np.ascontiguousarray(pairs))
    return Moments.of(fine[None, :])

"""Baskets: only the first asset needs its path; the others need one normal each, at the end.

Exact for any number of steps: given the first asset's path, the rest of the basket is a function of
its final value and independent normals, and the weight is the bridge's.
"""

from __future__ import annotations

import math

import numpy as np

from heliostat_methods.step_options.arithmetic.philox import normals
from heliostat_methods.step_options.contracts.market import BasketMarket
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import Vector
from heliostat_methods.step_options.paths.given_normals import path_weights
from heliostat_methods.step_options.paths.settings import PathSettings
from heliostat_methods.step_options.paths.step_plan import first_asset, path_plan


def sample_basket(option: StepOption, market: BasketMarket, settings: PathSettings, seed: int,
                  first: int, count: int) -> Vector:  # fmt: skip
    """Return weighted payoff, geometric basket's payoff and each discounted asset, (k, count)."""
    n, T = len(market.spots), option.maturity
    asset = first_asset(market)
    plan = path_plan(option, asset, settings.steps)
    steps = len(plan)
    x = normals(seed, first, count, steps + n - 1)
    lower, vols = market.factor, np.array(market.vols)
    drift = (market.rate - np.array(market.dividends) - vols**2 / 2) * T
    share = np.array(market.weights)
    discount = math.exp(-market.rate * T)
    out = np.zeros((2 + n, count))
    signs = (1.0, -1.0) if settings.antithetic else (1.0,)
    for sign in signs:
        weight = path_weights(option, asset, plan, sign * x[:steps])[0]
        total = np.zeros(count)
        for row in x[:steps]:  # in a fixed order, not as the library would sum
            total += row
        gaussians = [sign * total / math.sqrt(steps), *(sign * x[steps:])]
        basket, logarithm = np.zeros(count), np.zeros(count)
        for i in range(n):
            w = np.zeros(count)
            for j in range(i + 1):
                w += lower[i, j] * gaussians[j]
            log = math.log(market.spots[i]) + drift[i] + vols[i] * math.sqrt(T) * w
            price = np.exp(log)
            basket += share[i] * price
            logarithm += share[i] / share.sum() * log
            out[2 + i] += discount * price
        out[0] += discount * weight * option.payoff(basket)
        out[1] += discount * option.payoff(share.sum() * np.exp(logarithm))
    return out / len(signs)

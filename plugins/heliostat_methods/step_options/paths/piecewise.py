"""Paths under parameters by intervals of time."""

from __future__ import annotations

import math

import numpy as np

from heliostat_methods.step_options.arithmetic.philox import normals
from heliostat_methods.step_options.contracts.market import PiecewiseMarket
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import Vector
from heliostat_methods.step_options.paths.brownian_bridge import increments
from heliostat_methods.step_options.paths.given_normals import discount, path_weights
from heliostat_methods.step_options.paths.settings import PathSettings
from heliostat_methods.step_options.paths.step_plan import path_plan


def sample_piecewise(option: StepOption, market: PiecewiseMarket, settings: PathSettings,
                     seed: int, first: int, count: int) -> Vector:  # fmt: skip
    """Return weighted payoff, payoff and asset, discounted, (3, count / strata)."""
    naive = settings.weights == "naive"
    plan = path_plan(option, market, settings.steps, tilt=settings.tilt, naive=naive)
    strata, steps = settings.strata, len(plan)
    x = normals(seed, first, count, steps, strata=strata)
    if strata > 1 and steps > 1:
        x = increments(plan, x)
    deviation = math.sqrt(sum(step.deviation**2 for step in plan))
    # a shift along the direction in which a unit moves ln S_T most: tilt deviations in all
    shift = settings.tilt * np.array([step.deviation for step in plan])[:, None] / deviation
    factor = discount(plan)
    out = np.zeros((3, count))
    signs = (1.0, -1.0) if settings.antithetic else (1.0,)
    for sign in signs:
        moved = sign * x + shift
        weight, terminal = path_weights(option, market, plan, moved, naive)
        exponent = np.zeros(count)
        for j in range(steps):  # in a fixed order, not as the library would sum
            exponent -= shift[j, 0] * moved[j] - shift[j, 0] ** 2 / 2
        claim = np.exp(exponent) * factor
        payoff = option.payoff(terminal)
        out += np.stack([claim * weight * payoff, claim * payoff, claim * terminal])
    out /= len(signs)
    return np.asarray(out.reshape(3, -1, strata).sum(axis=2) / strata if strata > 1 else out)

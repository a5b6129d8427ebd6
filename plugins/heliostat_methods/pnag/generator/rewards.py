"""What an architecture is worth to a policy under a budget: by rank on the front, or absolutely.

A reward is a function of architectures (n, decisions) and budgets (n,) that returns (n,).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.generator.budget_embedding import one_of
from heliostat_methods.pnag.generator.evaluator import ArchitectureEvaluator
from heliostat_methods.pnag.spaces.measures import accuracies, costs
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace

Reward = Callable[[Archs, NDArray[np.float64]], NDArray[np.float64]]
Measure = Callable[[Archs], NDArray[np.float64]]
Absolute = Literal["mnasnet", "tunas"]
EXPONENT = -0.07
"""Of cost over budget, on both sides of the budget (Tan et al. 2019, MnasNet, soft constraint)."""
PENALTY = -0.07
"""Of the relative distance to the budget (Bender et al. 2020, TuNAS)."""


def mnasnet_reward(
    accuracy: ArrayLike, cost: ArrayLike, budget: ArrayLike, exponent: float = EXPONENT
) -> NDArray[np.float64]:
    """Return A (C / B)^w of accuracies and costs (n,) under budgets (n,) or one.

    Raises DataError for an accuracy that is no fraction, and for a cost or budget not above 0.
    """
    worth, price, limit = _checked(accuracy, cost, budget, exponent, "exponent")
    # By logarithms, since C / B of far apart numbers overflows where its small power does not.
    result: NDArray[np.float64] = worth * np.exp(exponent * (np.log(price) - np.log(limit)))
    return result


def tunas_reward(
    accuracy: ArrayLike, cost: ArrayLike, budget: ArrayLike, penalty: float = PENALTY
) -> NDArray[np.float64]:
    """Return A + beta |C / B - 1| of accuracies and costs (n,) under budgets (n,) or one.

    Raises as `mnasnet_reward`; a distance beyond the largest number counts as that.
    """
    worth, price, limit = _checked(accuracy, cost, budget, penalty, "penalty")
    with np.errstate(over="ignore"):
        distance = np.minimum(np.abs(price / limit - 1), np.finfo(np.float64).max)
    result: NDArray[np.float64] = worth + penalty * distance
    return result


def pareto_reward(evaluator: ArchitectureEvaluator, encode: Measure) -> Reward:
    """Return the evaluator's score R(alpha | B); `encode` gives what it sees (n, features)."""

    def reward(archs: Archs, budgets: NDArray[np.float64]) -> NDArray[np.float64]:
        return evaluator.score(encode(archs).astype(np.float32, copy=False), budgets)

    return reward


def sound(space: SearchSpace, reward: Reward, knots: NDArray[np.float64]) -> Reward:
    """Return a reward of anything that a generator says.

    It sees canonical rows, budgets beyond the knots are taken for the nearest knot, and what is no
    architecture is worth less than the worst that is: a policy would settle there otherwise.
    """

    def of_all(archs: Archs, budgets: NDArray[np.float64]) -> NDArray[np.float64]:
        valid = space.valid(archs)
        worth = np.zeros(len(archs))
        if valid.any():
            inside = np.clip(budgets[valid], knots[0], knots[-1])
            worth[valid] = reward(space.canonical(archs[valid]), inside)
            worth[~valid] = worth[valid].min() - max(float(worth[valid].std()), 1e-3)
        return worth

    return of_all


def absolute_reward(accuracy: Measure, cost: Measure, kind: Absolute = "mnasnet") -> Reward:
    """Return the reward of MnasNet or TuNAS from what accuracy and cost of architectures are."""
    one_of("kind", kind, ("mnasnet", "tunas"))
    formula = mnasnet_reward if kind == "mnasnet" else tunas_reward

    def reward(archs: Archs, budgets: NDArray[np.float64]) -> NDArray[np.float64]:
        return formula(accuracy(archs), cost(archs), budgets)

    return reward


def _checked(
    accuracy: ArrayLike, cost: ArrayLike, budget: ArrayLike, weight: float, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    if not (math.isfinite(weight) and -1 <= weight <= 0):
        raise ConfigError(name, weight, "a number from -1 to 0: what is above the budget loses")
    worth = accuracies(np.atleast_1d(accuracy))
    price = costs(np.atleast_1d(cost))
    return worth, price, costs(np.atleast_1d(budget), "budget")

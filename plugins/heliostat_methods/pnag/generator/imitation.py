"""A generator taught what is best among all that was evaluated, for any budget.

Policy gradient alone follows the evaluator's errors away from what was evaluated. So a generator
that is to answer also learns to say, for a budget drawn between the knots, the most accurate
architecture known within it: max E_B log pi(best(B) | B). What it says between such architectures
is its own. Own design; the authors' code has no such step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.descent.adam import Adam
from heliostat_methods.pnag.generator.architecture_generator import ArchitectureGenerator
from heliostat_methods.pnag.generator.budget_embedding import draw_budgets
from heliostat_methods.pnag.spaces.measures import accuracies, costs, same_length
from heliostat_methods.pnag.spaces.space import Archs


@dataclass(frozen=True)
class Imitation:
    """Settings: steps, budgets drawn in each, and Adam's rate, which falls to a tenth."""

    steps: int = 600
    budgets: int = 32
    rate: float = 1e-2

    def __post_init__(self) -> None:
        for name, least in (("steps", 0), ("budgets", 1)):
            if getattr(self, name) < least:
                raise ConfigError(name, getattr(self, name), f"an integer, at least {least}")
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise ConfigError("rate", self.rate, "a number above 0")

    def rate_in(self, step: int) -> float:
        """Return the rate of a step, counted from 0."""
        return self.rate * (1 - 0.9 * step / max(self.steps - 1, 1))


def train_imitation(
    generator: ArchitectureGenerator, archs: Archs, accuracy: ArrayLike, cost: ArrayLike,
    settings: Imitation, rng: np.random.Generator,
) -> float:  # fmt: skip
    """Train a generator in place on architectures (n, decisions) with accuracy and cost (n,).

    For a budget that nothing fits it learns the cheapest. Returns the mean log-probability of what
    it was to say in the last step, 0 without steps. Raises DataError for no architectures.
    """
    worth, price = accuracies(accuracy), costs(cost)
    same_length(accuracy=worth, cost=price)
    if len(price) == 0:
        raise DataError("cost: no architecture known, expected one at least to learn from")
    knots = generator.budget.knots
    # where the best one changes, which a draw never hits
    changes = np.clip(price[staircase(worth, price)], knots[0], knots[-1])
    optimiser = Adam(generator.parameters())
    said = 0.0
    for step in range(settings.steps):
        drawn = draw_budgets(knots, settings.budgets, rng, "continuous")
        budgets = np.concatenate([drawn, changes])
        targets = archs[best_within(worth, price, budgets)]
        log_prob = generator.log_prob(targets, budgets).mean()
        (-log_prob).backward()  # type: ignore[no-untyped-call]
        optimiser.step(settings.rate_in(step))
        said = float(log_prob.detach())
    return said


def staircase(accuracy: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the places of what is more accurate than all that is cheaper, by rising cost."""
    order = np.lexsort((-accuracy, cost))
    before = np.concatenate([[-np.inf], np.maximum.accumulate(accuracy[order])[:-1]])
    return order[accuracy[order] > before].astype(np.int64)


def best_within(
    accuracy: NDArray[np.float64], cost: NDArray[np.float64], budgets: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the place of the most accurate architecture within each budget (n,).

    The cheapest of equally accurate ones, and the cheapest of all where nothing fits.
    """
    front = staircase(accuracy, cost)
    fitting = np.searchsorted(cost[front], budgets, side="right") - 1
    places: NDArray[np.int64] = front[np.maximum(fitting, 0)]
    return places

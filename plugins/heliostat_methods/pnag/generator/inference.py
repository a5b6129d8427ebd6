"""Architectures for a budget: said by the generator, held against what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.generator.architecture_generator import ArchitectureGenerator
from heliostat_methods.pnag.generator.budget_embedding import one_of
from heliostat_methods.pnag.spaces.measures import costs, finite, same_length
from heliostat_methods.pnag.spaces.moves import row_keys
from heliostat_methods.pnag.spaces.space import Archs

Cost = Callable[[Archs], NDArray[np.float64]]
Score = Callable[[Archs, NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Generated:
    """Different architectures for a budget, the best first.

    `cost` and `feasible` are those of the rows; None where nothing was verified. If nothing said
    fits the budget, the cheapest alone is here, and `feasible` is False.
    """

    archs: Archs
    budget: float
    cost: NDArray[np.float64] | None
    feasible: bool | None
    said: int
    """How many different architectures the generator said."""


def generate(
    generator: ArchitectureGenerator,
    budget: float,
    n: int = 1,
    *,
    mode: Literal["greedy", "sample"] = "greedy",
    verify: bool = True,
    cost: Cost | None = None,
    evaluator: Score | None = None,
    rng: np.random.Generator | None = None,
) -> Generated:
    """Return architectures for a budget: the likeliest choices, or what is left of `n` samples.

    `verify` asks `cost` for each and rejects those above the budget. The rest are in order of
    `evaluator` (a reward, such as `pareto_reward`), or of how likely the generator thinks them; if
    none is left, the cheapest is returned with `feasible = False`. Raises ConfigError for a
    budget outside the knots, for what is missing, and for `n` below 1, or above 1 if greedy.
    """
    one_of("mode", mode, ("greedy", "sample"))
    _check(n, mode, verify, cost, rng)
    budgets = np.full(n, budget, dtype=np.float64)
    with torch.no_grad():
        if mode == "greedy" or rng is None:
            said = generator.greedy(budgets)
        else:
            said = generator.sample(budgets, rng)
    first = _first_places(said.archs)
    archs, budgets = said.archs[first], budgets[first]
    if evaluator is None:
        scores = said.log_prob.cpu().numpy().astype(np.float64)[first]
    else:
        scores = finite(evaluator(archs, budgets), "evaluator")
        same_length(evaluator=scores, architectures=budgets)
    best = np.argsort(-scores, kind="stable")
    if not verify or cost is None:
        return Generated(archs[best], float(budget), None, None, len(archs))
    price = costs(cost(archs))
    same_length(cost=price, architectures=budgets)
    kept = best[price[best] <= budget]
    feasible = len(kept) > 0
    if not feasible:
        kept = np.array([np.argmin(price)])
    return Generated(archs[kept], float(budget), price[kept], feasible, len(archs))


def _check(
    n: int, mode: str, verify: bool, cost: Cost | None, rng: np.random.Generator | None
) -> None:
    if n < 1:
        raise ConfigError("n", n, "an integer, at least 1")
    if mode == "greedy" and n > 1:
        raise ConfigError("n", n, "1, for there is one greedy architecture", 'or mode = "sample"')
    if mode == "sample" and rng is None:
        raise ConfigError("rng", rng, 'a generator to draw from, for mode = "sample"')
    if verify and cost is None:
        raise ConfigError("cost", None, "what architectures cost, to verify them", "verify = False")


def _first_places(archs: Archs) -> list[int]:
    """Return the places of the rows without those that stood before."""
    places: dict[bytes, int] = {}
    for place, key in enumerate(row_keys(archs)):
        places.setdefault(key, place)
    return list(places.values())

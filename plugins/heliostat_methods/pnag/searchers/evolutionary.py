"""Evolution under one budget, as once-for-all networks are searched: the accurate among the cheap.

The best part of each generation are parents; half of the children are mutants, half are crossed
(Cai et al. 2020, arXiv 1908.09791; numbers of its tutorial, read from memory). Where costs are
known beforehand, what exceeds the budget is drawn again; else it comes behind all that fits, the
cheaper first (constraint domination: Deb 2000).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.searchers.asking import Asking
from heliostat_methods.pnag.searchers.generational import Generations
from heliostat_methods.pnag.searchers.searcher import Cost, Known, Searcher, Streams
from heliostat_methods.pnag.spaces.measures import finite_budget
from heliostat_methods.pnag.spaces.moves import crossover, mutate, sample
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace

Order = Callable[[Known, float], NDArray[np.int64]]
"""Places of what is known, the best under a budget first, (n,)."""
REDRAWS = 50
"""Draws of a whole generation before what exceeds the budget is let through."""


@dataclass(frozen=True)
class Evolution:
    """How a generation is bred: sizes, and the probability that a mutant changes a decision."""

    population: int = 100
    parents: float = 0.25
    mutants: float = 0.5
    rate: float = 0.1

    def __post_init__(self) -> None:
        if self.population < 4:
            raise ConfigError("population", self.population, "at least 4")
        for name in ("parents", "mutants", "rate"):
            value = getattr(self, name)
            if not 0 <= value <= 1 or (name == "parents" and value == 0):
                raise ConfigError(name, value, "a part from 0 to 1")


@dataclass(frozen=True)
class Evolutionary:
    """One search under the budget `budget`, a cost."""

    budget: float
    evolution: Evolution = field(default_factory=Evolution)

    def __post_init__(self) -> None:
        finite_budget(self.budget)

    def start(
        self, space: SearchSpace, evaluations: int, streams: Streams, cost: Cost | None = None
    ) -> Searcher:
        """Return the search; the first generation is at most a quarter of the evaluations."""
        breeder = BudgetBreeder(
            space, self.evolution, self.budget, feasible_first, cost, streams("evolution"),
            max(4, evaluations // 4),
        )  # fmt: skip
        return Asking(space, Generations(breeder), streams("fill"))


class BudgetBreeder:
    """Generations under one budget, in an order; parents are kept over generations."""

    def __init__(
        self,
        space: SearchSpace,
        evolution: Evolution,
        budget: float,
        order: Order,
        cost: Cost | None,
        rng: np.random.Generator,
        most: int,
    ) -> None:
        self._space, self._evolution, self._budget = space, evolution, budget
        self._order, self._cost, self._rng = order, cost, rng
        self._size = min(evolution.population, most)
        self._parents: Known | None = None

    def first(self) -> Archs:
        """Return draws that fit the budget, as far as that is known."""
        return self._fitting(lambda count: sample(self._space, count, self._rng), self._size)

    def breed(self, generation: Known) -> Archs:
        """Return children of the best of this generation and of the parents before."""
        pool = generation if self._parents is None else joined(self._parents, generation)
        best = self._order(pool, self._budget)
        kept = best[: max(2, round(self._size * self._evolution.parents))]
        self._parents = Known(pool.archs[kept], pool.accuracy[kept], pool.cost[kept])
        mutants = round(self._size * self._evolution.mutants)
        return np.concatenate(
            [
                self._fitting(self._mutants, mutants),
                self._fitting(self._crossed, self._size - mutants),
            ]
        )

    def _mutants(self, count: int) -> Archs:
        return mutate(self._space, self._drawn(count), self._evolution.rate, self._rng)

    def _crossed(self, count: int) -> Archs:
        return crossover(self._space, self._drawn(count), self._drawn(count), self._rng)

    def _drawn(self, count: int) -> Archs:
        assert self._parents is not None
        archs = self._parents.archs
        return archs[self._rng.integers(0, len(archs), count)]

    def _fitting(self, draw: Callable[[int], Archs], count: int) -> Archs:
        """Return `count` draws; drawn again, while their costs are known and exceed the budget."""
        archs = draw(count)
        for _ in range(REDRAWS if self._cost is not None and count else 0):
            assert self._cost is not None
            over = np.flatnonzero(self._cost(archs) > self._budget)
            if len(over) == 0:
                break
            archs[over] = draw(len(over))
        return archs


def feasible_first(known: Known, budget: float) -> NDArray[np.int64]:
    """Order: what fits the budget by accuracy, then the rest by cost; equal ones as they came."""
    over = known.cost > budget
    return np.lexsort((np.where(over, known.cost, -known.accuracy), over))


def joined(a: Known, b: Known) -> Known:
    """Return both, without what of `b` stands in `a`."""
    same = (b.archs[:, None] == a.archs[None]).all(axis=2).any(axis=1)
    new = np.flatnonzero(~same)
    _, first = np.unique(b.archs[new], axis=0, return_index=True)
    new = new[np.sort(first)]
    return Known(
        np.concatenate([a.archs, b.archs[new]]),
        np.concatenate([a.accuracy, b.accuracy[new]]),
        np.concatenate([a.cost, b.cost[new]]),
    )

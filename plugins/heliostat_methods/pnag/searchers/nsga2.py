"""NSGA-II on architectures: fronts first, then who stands alone (Deb et al. 2002).

Needs no further package; surrogates are searched with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.searchers.acquisition import layers
from heliostat_methods.pnag.searchers.asking import Asking
from heliostat_methods.pnag.searchers.evolutionary import joined
from heliostat_methods.pnag.searchers.generational import Generations
from heliostat_methods.pnag.searchers.searcher import Cost, Known, Searcher, Streams
from heliostat_methods.pnag.spaces.moves import crossover, mutate, sample_distinct
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace


@dataclass(frozen=True)
class NSGA2:
    """Settings; `rate`: probability that a decision changes, by default 1 / decisions."""

    population: int = 40
    crossing: float = 0.9
    rate: float | None = None

    def __post_init__(self) -> None:
        if self.population < 4:
            raise ConfigError("population", self.population, "at least 4")
        for name in ("crossing", "rate"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(name, value, "a probability, from 0 to 1")

    def start(
        self, space: SearchSpace, evaluations: int, streams: Streams, cost: Cost | None = None
    ) -> Searcher:
        """Return the search."""
        breeder = NSGA2Breeder(self, space, streams("nsga2"))
        return Asking(space, Generations(breeder), streams("fill"))


class NSGA2Breeder:
    """Generations by NSGA-II; the population survives beside each of them."""

    def __init__(
        self, recipe: NSGA2, space: SearchSpace, rng: np.random.Generator,
        initial: Archs | None = None,
    ) -> None:  # fmt: skip
        self._recipe, self._space, self._rng = recipe, space, rng
        self._initial = initial
        self.population: Known | None = None

    def first(self) -> Archs:
        """Return the initial population, filled up with draws."""
        given = self._initial
        if given is None:
            return sample_distinct(self._space, self._recipe.population, self._rng)
        missing = max(0, self._recipe.population - len(given))
        return np.concatenate([given, sample_distinct(self._space, missing, self._rng)])

    def breed(self, generation: Known) -> Archs:
        """Return as many children as survive of population and generation."""
        pool = generation if self.population is None else joined(self.population, generation)
        points = np.stack([np.log10(pool.cost), 1 - pool.accuracy], axis=1)
        kept = survivors(points, self._recipe.population)
        self.population = Known(pool.archs[kept], pool.accuracy[kept], pool.cost[kept])
        return self._children(len(kept))

    def _children(self, count: int) -> Archs:
        """Return children of winners of tournaments of two; survivors stand best first."""
        assert self.population is not None
        archs = self.population.archs
        pairs = self._rng.integers(0, len(archs), (2, count, 2)).min(axis=2)
        mothers, fathers = archs[pairs[0]], archs[pairs[1]]
        crossed = crossover(self._space, mothers, fathers, self._rng)
        both = self._rng.random(count) < self._recipe.crossing
        rate = self._recipe.rate
        rate = 1 / len(self._space.decisions) if rate is None else rate
        children = np.where(both[:, None], crossed, mothers).astype(np.int16)
        return mutate(self._space, children, rate, self._rng)


def survivors(points: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return the places of up to `count` points (n, 2), best first: by front, then by crowding."""
    found = np.empty(0, np.int64)
    for layer in layers(points):
        by_room = layer[np.argsort(-crowding(points[layer]), kind="stable")]
        found = np.concatenate([found, by_room[: count - len(found)]])
        if len(found) == count:
            break
    return found


def crowding(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return crowding distances of a front (n, 2) in the order of cost, infinite at its ends."""
    if len(points) < 3:
        return np.full(len(points), np.inf)
    span = np.abs(points[-1] - points[0])
    gaps = np.abs(points[2:] - points[:-2]) / np.where(span > 0, span, 1)
    return np.concatenate([[np.inf], gaps.sum(axis=1), [np.inf]])

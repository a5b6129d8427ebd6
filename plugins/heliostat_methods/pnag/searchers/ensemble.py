"""The default search: several ways to propose, which share each batch by what they gained lately.

Gaussian processes' expected improvement, samples of a generator that knows all budgets, and
children of the front. A share follows the hypervolume that each one's architectures added per
evaluation, with older rounds counting less, and never falls below `least`. Models find what is
likely good; children of the front find what no model would believe in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.generator.budget_embedding import one_of
from heliostat_methods.pnag.searchers.acquisition import staircase
from heliostat_methods.pnag.searchers.asking import Asking
from heliostat_methods.pnag.searchers.candidates import moved, parents
from heliostat_methods.pnag.searchers.generator_proposals import (
    GeneratorProposals,
    GeneratorSettings,
)
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.searcher import Cost, Searcher, Streams
from heliostat_methods.pnag.searchers.surrogate_front import FrontProposals
from heliostat_methods.pnag.spaces.moves import row_keys
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace
from heliostat_search.pareto import hypervolume

Propose = Callable[[Memory, int], Archs]
SOURCES = ("improvement", "generator", "mutation")


@dataclass(frozen=True)
class Ensemble:
    """Settings: `first` random ones, `batch` a round, and how shares follow gains.

    `sources`: which ways take part. `memory`: by how much a round's gain counts in the next one.
    `every`: rounds from one training of the generator to the next; it proposes in these.
    """

    first: int = 30
    batch: int = 10
    sources: tuple[str, ...] = ("improvement", "mutation")
    least: float = 0.35
    memory: float = 0.7
    every: int = 4
    drawn: int = 4000
    generator: GeneratorSettings = field(default_factory=GeneratorSettings)

    def __post_init__(self) -> None:
        for name in ("first", "batch", "drawn"):
            if getattr(self, name) < 2:
                raise ConfigError(name, getattr(self, name), "an integer of at least 2")
        if self.every < 1:
            raise ConfigError("every", self.every, "an integer of at least 1")
        for source in self.sources:
            one_of("sources", source, SOURCES)
        if not self.sources or len(set(self.sources)) < len(self.sources):
            raise ConfigError("sources", self.sources, "different ones of " + ", ".join(SOURCES))
        if not 0 < self.least <= 1 / len(self.sources):
            raise ConfigError("least", self.least, "above 0, at most 1 / sources")
        if not 0 <= self.memory < 1:
            raise ConfigError("memory", self.memory, "from 0 to below 1")

    def start(
        self, space: SearchSpace, evaluations: int, streams: Streams, cost: Cost | None = None
    ) -> Searcher:
        """Return the search; at most a third of the evaluations are the first, random ones."""
        first = max(2, min(self.first, evaluations // 3))
        return Asking(space, _Rounds(self, space, first, streams, cost), streams("fill"))


class Shares:
    """Gain of hypervolume per evaluation of each source, older rounds counting less."""

    def __init__(self, sources: int, memory: float, least: float) -> None:
        self._memory, self._least = memory, least
        self._gain, self._asked = np.zeros(sources), np.zeros(sources)

    def take(self, gained: NDArray[np.float64], asked: NDArray[np.float64]) -> None:
        """Take in what a round gained, and how many each source had asked for; (sources,)."""
        self._gain = self._memory * self._gain + gained
        self._asked = self._memory * self._asked + asked

    def counts(self, total: int, there: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return how many of `total` each source that is there may propose, largest rest first."""
        rate = np.where(there, (self._gain + 1e-12) / (self._asked + 1.0), 0)
        share = np.where(there, self._least, 0)
        share = share + (1 - share.sum()) * rate / rate.sum()
        exact = share * total
        counts = np.floor(exact).astype(np.int64)
        rest = np.argsort(-(exact - counts), kind="stable")[: total - int(counts.sum())]
        counts[rest] += 1
        found: NDArray[np.int64] = counts
        return found


class _Rounds:
    def __init__(
        self,
        recipe: Ensemble,
        space: SearchSpace,
        first: int,
        streams: Streams,
        cost: Cost | None,
    ) -> None:
        self._recipe, self._first = recipe, first
        self._sample, self._move = streams("sample"), streams("move")
        self._ways = [self._way(name, space, streams, cost) for name in recipe.sources]
        self._shares = Shares(len(self._ways), recipe.memory, recipe.least)
        self._asked_by: dict[bytes, int] = {}
        self._done, self._rounds = 0, 0

    def propose(self, count: int, memory: Memory) -> Archs:
        if len(memory) < self._first:
            return memory.unseen(min(count, self._first - len(memory)), self._sample)
        self._credit(memory)
        self._rounds += 1
        there = self._there()
        total = min(count, self._recipe.batch)
        batch = np.empty((0, memory.asked.shape[1]), np.int16)
        wanted = 0
        for place, most in enumerate(self._shares.counts(total, there)):
            # what one source leaves over the next may have
            wanted += int(most)
            if most == 0:
                continue
            asked = self._ways[place](memory, wanted)
            new = memory.fresh(np.concatenate([batch, asked]))[len(batch) : wanted]
            self._asked_by |= dict.fromkeys(row_keys(new), place)
            batch = np.concatenate([batch, new])
        return batch

    def _there(self) -> NDArray[np.bool_]:
        """Return which sources take part in this round, (sources,)."""
        trained = (self._rounds - 1) % self._recipe.every == 0 or len(self._ways) == 1
        return np.array([trained or name != "generator" for name in self._recipe.sources])

    def _credit(self, memory: Memory) -> None:
        """Give each source what its architectures of the last round added, in their order."""
        gained, asked = np.zeros(len(self._ways)), np.zeros(len(self._ways))
        points = memory.points
        low, high = staircase(points).min(axis=0), staircase(points).max(axis=0)
        reference = high + 0.1 * (high - low) + 1e-9
        before = hypervolume(points[: self._done], reference) if self._done else 0.0
        for place in range(self._done, len(memory)):
            after = hypervolume(points[: place + 1], reference)
            source = self._asked_by.get(row_keys(memory.known.archs[place : place + 1])[0])
            if source is not None:
                gained[source] += after - before
                asked[source] += 1
            before = after
        self._shares.take(gained, asked)
        self._done = len(memory)

    def _way(self, name: str, space: SearchSpace, streams: Streams, cost: Cost | None) -> Propose:
        if name == "generator":
            return GeneratorProposals(self._recipe.generator, space, streams, cost)
        if name == "improvement":
            front = FrontProposals(space, "improvement", self._recipe.drawn, cost)
            return lambda memory, count: front(memory, count, self._move)
        return lambda memory, count: moved(
            space, memory.known.archs[parents(memory.points)], 4 * count, self._move
        )

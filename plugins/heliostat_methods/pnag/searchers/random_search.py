"""Random search: architectures drawn alike, none twice; what every other searcher has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heliostat_methods.pnag.searchers.asking import Asking
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.searcher import Cost, Searcher, Streams
from heliostat_methods.pnag.spaces.moves import sample
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace


@dataclass(frozen=True)
class RandomSearch:
    """Draws from the space, without settings."""

    def start(
        self, space: SearchSpace, evaluations: int, streams: Streams, cost: Cost | None = None
    ) -> Searcher:
        """Return a searcher that draws."""
        return Asking(space, Draws(space, streams("sample")), streams("fill"))


class Draws:
    """Proposes as many draws as will be asked for."""

    def __init__(self, space: SearchSpace, rng: np.random.Generator) -> None:
        self._space = space
        self._rng = rng

    def propose(self, count: int, memory: Memory) -> Archs:
        """Return `count` draws, twice as many so that known ones seldom leave a gap."""
        return sample(self._space, 2 * count, self._rng)

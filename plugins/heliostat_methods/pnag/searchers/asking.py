"""One searcher out of anything that proposes: it asks for what is new, and is never stuck.

A `Proposer` may propose what is known already, or nothing; `Asking` leaves out what was asked for
before, lets it try again, and draws at random, counted in `filled`, where it has nothing new.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from heliostat.errors import ConfigError
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.searcher import Known
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace


class Proposer(Protocol):
    """What tells searchers apart: which architectures come next, given what is known."""

    def propose(self, count: int, memory: Memory) -> Archs:
        """Return candidates, best first, (any number, decisions); known ones do no harm.

        `count` is how many will be asked for at most. Fewer mean: evaluate these first.
        """
        ...


class Asking:
    """A `Searcher` that asks for the new ones among what a proposer proposes."""

    def __init__(
        self, space: SearchSpace, proposer: Proposer, rng: np.random.Generator, patience: int = 2
    ) -> None:
        self.memory = Memory(space)
        self.filled = 0
        self._proposer = proposer
        self._rng = rng
        self._patience = patience

    def ask(self, count: int) -> Archs:
        """As `Searcher.ask`. Raises ConfigError for a count below 1, or an ask without a tell."""
        if count < 1:
            raise ConfigError("count", count, "a positive number of architectures")
        memory = self.memory
        for _ in range(self._patience):
            new = memory.fresh(self._proposer.propose(count, memory))[:count]
            if len(new):
                return memory.ask(new)
        drawn = memory.unseen(min(count, 1 + len(memory) // 20), self._rng)
        self.filled += len(drawn)
        return memory.ask(drawn)

    def tell(self, known: Known) -> None:
        """As `Searcher.tell`; DataError for numbers that cannot be, or of something else."""
        self.memory.tell(known)

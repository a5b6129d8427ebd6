"""PNAG: one generator learns the fronts of all budgets at once (Guo et al. 2022, arXiv 2210.07634).

"ours" is active: some random architectures, then rounds in which the generator, trained on what is
known, proposes what is evaluated next. "paper" samples, trains once, and evaluates what comes out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from heliostat.errors import ConfigError
from heliostat_methods.pnag.searchers.asking import Asking
from heliostat_methods.pnag.searchers.generator_proposals import (
    GeneratorProposals,
    GeneratorSettings,
)
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.searcher import Cost, Searcher, Streams
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace

PAPER_FIRST = 0.75
"""The part that is sampled where the generator has one round (the specification's prototype)."""


@dataclass(frozen=True)
class Joint:
    """Settings; `first`: the part of the evaluations that is random, `rounds` share the rest.

    With the generator's `mode = "paper"` three quarters are random and there is one round.
    """

    first: float = 0.25
    rounds: int = 4
    generator: GeneratorSettings = field(default_factory=GeneratorSettings)

    def __post_init__(self) -> None:
        if not 0 < self.first < 1:
            raise ConfigError("first", self.first, "a part of the evaluations, between 0 and 1")
        if self.rounds < 1:
            raise ConfigError("rounds", self.rounds, "at least 1")

    def start(
        self, space: SearchSpace, evaluations: int, streams: Streams, cost: Cost | None = None
    ) -> Searcher:
        """Return the search."""
        paper = self.generator.mode == "paper"
        first = max(2, round((PAPER_FIRST if paper else self.first) * evaluations))
        rounds = 1 if paper else self.rounds
        batch = max(1, -(-(evaluations - first) // rounds))
        proposals = GeneratorProposals(self.generator, space, streams, cost)
        return Asking(space, Rounds(first, batch, proposals, streams), streams("fill"))


class Rounds:
    """Random architectures first, then rounds of a batch."""

    def __init__(
        self, first: int, batch: int, proposals: GeneratorProposals, streams: Streams
    ) -> None:
        self._first, self._batch, self._proposals = first, batch, proposals
        self._sample = streams("sample")

    def propose(self, count: int, memory: Memory) -> Archs:
        """Return what is next."""
        if len(memory) < self._first:
            return memory.unseen(min(count, self._first - len(memory)), self._sample)
        return self._proposals(memory, min(count, self._batch))

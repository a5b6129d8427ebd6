"""The genetic program over loss trees: one population, or islands that exchange their best."""

from __future__ import annotations

from collections.abc import Sequence

from heliostat import Run
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.losses.primitives import PrimitiveTable
from heliostat_methods.evomal.searches.random_trees import RandomTrees
from heliostat_search.strategies.evolution import (
    DoubleTournament,
    Evolution,
    Individual,
    Tree,
    Variation,
)
from heliostat_search.strategies.islands import Ring


class GeneticProgram(RandomTrees):
    """Proposes offspring of the generation before, by tournament, crossover and mutation."""

    def __init__(self, config: EvoMALConfig, table: PrimitiveTable, run: Run) -> None:
        super().__init__(config, table, run)
        self._evolution = Evolution(
            self.nodes,
            self.size,
            DoubleTournament(config.tournament, config.parsimony),
            Variation(
                config.crossover, config.mutation, config.max_height, config.mutation_heights
            ),
            config.elite,
        )
        self._ring = Ring(config.migrate_every, config.migrants)

    def ask(self, generation: int, islands: Sequence[Sequence[Individual]]) -> list[list[Tree]]:
        """Return the trees of a generation; `islands` are those of the one before."""
        if generation == 0:
            return super().ask(generation, islands)
        before = list(islands)
        if self.config.islands > 1:
            before = list(self._ring.after(generation - 1, islands))
        return [self._bred(generation, i, parents) for i, parents in enumerate(before)]

    def _bred(self, generation: int, island: int, parents: Sequence[Individual]) -> list[Tree]:
        rng = self.rng(generation, island)
        trees = self._evolution.ask(parents, rng)
        kept = self.config.elite  # they stay as they are, given ones without an argument too
        return [*trees[:kept], *self.corrected(trees[kept:], rng)]

"""Fresh trees in every generation: random search, and how the genetic program begins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heliostat import Run
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.losses.primitives import PrimitiveTable
from heliostat_search.strategies.evolution import (
    Individual,
    Tree,
    half_and_half,
    primitive_set,
    with_terminals,
)

JOINTS = ("add", "sub", "mul", "div")
"""What joins y and f where a tree lacks one of them (argument correction)."""


class RandomTrees:
    """Proposes trees half of full and half of any height; the first ones are those of `initial`."""

    def __init__(self, config: EvoMALConfig, table: PrimitiveTable, run: Run) -> None:
        arities = {name: table[name].arity for name in table.operators}
        self.nodes = primitive_set("evomal", arities, list(table.terminals))
        self.config, self.run = config, run
        self.size = config.population // config.islands
        self._initial = [parse(text, table).nodes for text in config.initial]

    def ask(self, generation: int, islands: Sequence[Sequence[Individual]]) -> list[list[Tree]]:
        """Return the trees of a generation, island by island; earlier ones do not matter."""
        return [self.fresh(generation, island) for island in range(self.config.islands)]

    def fresh(self, generation: int, island: int) -> list[Tree]:
        """Return the trees of one island; those of the first generation begin with given ones."""
        rng = self.rng(generation, island)
        starts = self._initial[island :: self.config.islands] if generation == 0 else ()
        given = list(starts)[: self.size]
        heights = (self.config.init_min, self.config.init_max)
        drawn = half_and_half(self.nodes, self.size - len(given), heights, rng)
        return [*given, *self.corrected(drawn, rng)]

    def rng(self, generation: int, island: int) -> np.random.Generator:
        """Return the stream from which an island draws its next trees."""
        where = (island,) if self.config.islands > 1 else ()
        return self.run.rng("variation", generation, *where)

    def corrected(self, trees: Sequence[Tree], rng: np.random.Generator) -> list[Tree]:
        """Return the trees, each with a label and an output in it."""
        height = self.config.max_height
        return [with_terminals(self.nodes, tree, ("y", "f"), JOINTS, rng, height) for tree in trees]

"""Genetic programming: selection and variation of typed trees, with an explicit random generator.

DEAP's own operators draw from the process-global `random`, and its typed crossover chooses from a
set of classes, whose order is that of memory addresses, so an equal seed gives another search once
an unrelated class was defined before (DEAP issues 177 and 190). Here types are taken in the order
in which they first occur in the tree. Fitness is minimised and kept beside the tree.

`Evolution` is the whole strategy; its parts can be used apart: ``offspring(pset, population,
count, rng)`` are the trees of a generation, `elite` the fittest individuals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from deap.gp import PrimitiveSetTyped, PrimitiveTree

from heliostat.errors import ConfigError
from heliostat_search.strategies.trees import (
    Heights,
    Tree,
    check_heights,
    choose,
    from_names,
    full,
    half_and_half,
    height,
    primitive_set,
    to_names,
)

__all__ = [
    "DoubleTournament",
    "Evolution",
    "Individual",
    "Tree",
    "Variation",
    "crossover",
    "elite",
    "half_and_half",
    "mutate",
    "offspring",
    "primitive_set",
    "with_terminals",
]


@dataclass(frozen=True)
class Individual:
    """A tree and its fitness (minimised); NaN becomes +inf, since it would win any comparison."""

    tree: Tree
    fitness: float

    def __post_init__(self) -> None:
        fitness = float(self.fitness)
        object.__setattr__(self, "fitness", math.inf if math.isnan(fitness) else fitness)

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.tree)


Population = tuple[Individual, ...]


@dataclass(frozen=True)
class DoubleTournament:
    """Selection by fitness and by size (Luke and Panait 2002, nonparametric parsimony pressure).

    `fitness_size` aspirants, drawn with replacement, compete by fitness. Pairs compete by size:
    the smaller one wins with probability `parsimony_size` / 2, so 1 means no pressure and 2 means
    that the smaller always wins. With `fitness_first` the winners by fitness compete by size,
    otherwise the winners by size compete by fitness.
    """

    fitness_size: int = 4
    parsimony_size: float = 1.0
    fitness_first: bool = False

    def __post_init__(self) -> None:
        if self.fitness_size < 1:
            raise ConfigError("fitness_size", self.fitness_size, "an integer of at least 1")
        if not 1 <= self.parsimony_size <= 2:
            raise ConfigError("parsimony_size", self.parsimony_size, "a number from 1 to 2")

    def select(self, population: Sequence[Individual], rng: np.random.Generator) -> Individual:
        """Return the winner; of aspirants that are equally fit the one drawn first."""
        if len(population) < self.fitness_size:
            raise ConfigError(
                "fitness_size", self.fitness_size, f"at most the population's {len(population)}"
            )
        if self.fitness_first:
            return self._smaller(
                self._fittest([choose(population, rng) for _ in range(self.fitness_size)]),
                self._fittest([choose(population, rng) for _ in range(self.fitness_size)]),
                rng,
            )
        return self._fittest(
            [
                self._smaller(choose(population, rng), choose(population, rng), rng)
                for _ in range(self.fitness_size)
            ]
        )

    @staticmethod
    def _fittest(aspirants: Sequence[Individual]) -> Individual:
        return min(aspirants, key=lambda individual: individual.fitness)

    def _smaller(self, a: Individual, b: Individual, rng: np.random.Generator) -> Individual:
        small, large = (b, a) if b.size < a.size else (a, b)
        chance = 0.5 if small.size == large.size else self.parsimony_size / 2
        return small if rng.random() < chance else large


@dataclass(frozen=True)
class Variation:
    """How an offspring comes about: crossover, or mutation, or else a copy of its parent.

    `crossover` + `mutation` <= 1, the rest is reproduction. An offspring higher than `max_height`
    is replaced by a copy of its (first) parent. `mutation_heights`: least and greatest height of
    the subtree that a mutation puts in.
    """

    crossover: float = 0.70
    mutation: float = 0.25
    max_height: int = 10
    mutation_heights: Heights = (0, 2)

    def __post_init__(self) -> None:
        for name, rate in (("crossover", self.crossover), ("mutation", self.mutation)):
            if not 0 <= rate <= 1:
                raise ConfigError(name, rate, "a rate from 0 to 1")
        if self.crossover + self.mutation > 1 + 1e-9:
            raise ConfigError(
                "crossover + mutation", self.crossover + self.mutation, "at most 1 together"
            )
        check_heights("mutation_heights", self.mutation_heights)
        if self.max_height < 0:
            raise ConfigError("max_height", self.max_height, "an integer of at least 0")

    def apply(
        self, pset: PrimitiveSetTyped, mother: Tree, father: Tree, rng: np.random.Generator
    ) -> Tree:
        """Return one offspring of `mother`; `father` gives a subtree if crossover is drawn."""
        draw = rng.random()
        if draw < self.crossover:
            child, _ = crossover(pset, mother, father, rng)
        elif draw < self.crossover + self.mutation:
            child = mutate(pset, mother, rng, self.mutation_heights)
        else:
            child = mother
        return child if height(pset, child) <= self.max_height else mother


@dataclass(frozen=True)
class Evolution:
    """The genetic program as a strategy: `size` trees a generation, bred from those before.

    The state is the population, empty before the first generation, which is drawn half of full
    trees and half of any height. `elites` fittest ones go over unchanged.
    """

    pset: PrimitiveSetTyped
    size: int
    selection: DoubleTournament = field(default_factory=DoubleTournament)
    variation: Variation = field(default_factory=Variation)
    elites: int = 0
    heights: Heights = (2, 6)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ConfigError("size", self.size, "an integer of at least 1")
        if not 0 <= self.elites <= self.size:
            raise ConfigError("elites", self.elites, f"an integer from 0 to size = {self.size}")
        check_heights("heights", self.heights)

    def start(self) -> Population:
        """Return the state before the first generation."""
        return ()

    def ask(self, state: Sequence[Individual], rng: np.random.Generator) -> list[Tree]:
        """Return the trees of the next generation, the elites first."""
        if not state:
            return half_and_half(self.pset, self.size, self.heights, rng)
        kept = [one.tree for one in elite(state, self.elites)]
        count = self.size - len(kept)
        return [*kept, *offspring(self.pset, state, count, rng, self.selection, self.variation)]

    def tell(
        self, state: Sequence[Individual], trees: Sequence[Tree], values: Sequence[float]
    ) -> Population:
        """Return the population that these trees and what is minimised of each are.

        Raises ConfigError unless there is one value for each tree.
        """
        if len(trees) != len(values):
            raise ConfigError("values", len(values), f"one value for each of {len(trees)} trees")
        return tuple(map(Individual, trees, values))


def crossover(
    pset: PrimitiveSetTyped, a: Tree, b: Tree, rng: np.random.Generator
) -> tuple[Tree, Tree]:
    """Return both trees with one subtree each exchanged, below the roots and of one type.

    The type is drawn from those that both trees have, in the order of first occurrence in `a`,
    then a node of that type in each tree. Trees that share no type come back unchanged.
    """
    first, second = from_names(pset, a), from_names(pset, b)
    places_a, places_b = _places(first), _places(second)
    common = [type_ for type_ in places_a if type_ in places_b]
    if not common:
        return a, b
    type_ = choose(common, rng)
    cut_a = first.searchSubtree(choose(places_a[type_], rng))
    cut_b = second.searchSubtree(choose(places_b[type_], rng))
    first[cut_a], second[cut_b] = second[cut_b], first[cut_a]
    return to_names(first), to_names(second)


def mutate(
    pset: PrimitiveSetTyped, tree: Tree, rng: np.random.Generator, heights: Heights = (0, 2)
) -> Tree:
    """Return the tree with one subtree, the root's included, replaced by a new full one."""
    mutant = from_names(pset, tree)
    place = int(rng.integers(len(mutant)))
    cut = mutant.searchSubtree(place)
    return (*tree[: cut.start], *full(pset, heights, rng, mutant[place].ret), *tree[cut.stop :])


def with_terminals(
    pset: PrimitiveSetTyped,
    tree: Tree,
    pair: tuple[str, str],
    joints: Sequence[str],
    rng: np.random.Generator,
    max_height: int,
) -> Tree:
    """Return the tree, which then holds both terminals of `pair`.

    If one is missing, a random terminal gives way to ``joint(pair)``: a random name of `joints`
    over the pair in random order. Where that would exceed `max_height`, the terminal's parent
    gives way with all below it.
    """
    if max_height < 1:
        raise ConfigError("max_height", max_height, "at least 1, to hold two terminals")
    if all(name in tree for name in pair):
        return tree
    nodes = from_names(pset, tree)
    depths = _depths(nodes)
    place = choose([index for index, node in enumerate(nodes) if node.arity == 0], rng)
    if depths[place] >= max_height:
        place = max(index for index in range(place) if depths[index] < max_height)
    cut = nodes.searchSubtree(place)
    joint = (choose(joints, rng), *(pair if rng.random() < 0.5 else pair[::-1]))
    corrected = (*tree[: cut.start], *joint, *tree[cut.stop :])
    from_names(pset, corrected)
    return corrected


def offspring(
    pset: PrimitiveSetTyped,
    population: Sequence[Individual],
    count: int,
    rng: np.random.Generator,
    selection: DoubleTournament | None = None,
    variation: Variation | None = None,
) -> list[Tree]:
    """Return `count` trees, each from parents of its own that the tournament selects."""
    selection = DoubleTournament() if selection is None else selection
    variation = Variation() if variation is None else variation
    children = []
    for _ in range(count):
        mother, father = selection.select(population, rng), selection.select(population, rng)
        children.append(variation.apply(pset, mother.tree, father.tree, rng))
    return children


def elite(population: Sequence[Individual], count: int) -> list[Individual]:
    """Return the `count` fittest; ties go to the smaller tree, then to the alphabet."""
    return sorted(population, key=lambda one: (one.fitness, one.size, one.tree))[:count]


def _places(tree: PrimitiveTree) -> dict[type, list[int]]:
    places: dict[type, list[int]] = {}
    for position, node in enumerate(tree[1:], 1):
        places.setdefault(node.ret, []).append(position)
    return places


def _depths(tree: PrimitiveTree) -> list[int]:
    depths: list[int] = []
    stack = [0]
    for node in tree:
        depth = stack.pop()
        depths.append(depth)
        stack.extend([depth + 1] * node.arity)
    return depths

"""pymoo's survival with this package's moves, behind one interface: seeded, and free of duplicates.

Imports pymoo, which is optional: imported only when a search with it starts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pymoo.core.evaluator import Evaluator
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.operators.selection.tournament import TournamentSelection
from pymoo.problems.static import StaticProblem

from heliostat_methods.pnag.searchers.searcher import Known
from heliostat_methods.pnag.spaces.moves import crossover, mutate, row_keys, sample_distinct
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace

TRIES = 20


class CanonicalMating:
    """Children of parents that pymoo selects, by our moves, none of them in the population."""

    def __init__(
        self, space: SearchSpace, selection: TournamentSelection, crossing: float, rate: float
    ) -> None:
        self._space, self._selection = space, selection
        self._crossing, self._rate = crossing, rate

    def do(
        self,
        problem: Problem,
        pop: Population,
        n_offsprings: int,
        algorithm: Any = None,
        random_state: np.random.Generator | None = None,
        **kwargs: Any,
    ) -> Population:
        """Return up to `n_offsprings` new ones; pymoo's interface of a mating."""
        assert random_state is not None
        known = set(row_keys(pop.get("X").astype(np.int16)))
        children = np.empty((0, len(self._space.decisions)), np.int16)
        for _ in range(TRIES):
            missing = n_offsprings - len(children)
            if missing == 0:
                break
            places = self._selection(
                problem, pop, missing, n_parents=2, to_pop=False, algorithm=algorithm,
                random_state=random_state,
            )  # fmt: skip
            bred = self._bred(pop.get("X").astype(np.int16)[places], random_state)
            for child, key in zip(bred, row_keys(bred), strict=True):
                if key not in known:
                    known.add(key)
                    children = np.concatenate([children, child[None]])
        return Population.new("X", children)

    def _bred(self, pairs: Archs, rng: np.random.Generator) -> Archs:
        mothers, fathers = pairs[:, 0], pairs[:, 1]
        crossed = crossover(self._space, mothers, fathers, rng)
        children = np.where((rng.random(len(pairs)) < self._crossing)[:, None], crossed, mothers)
        return mutate(self._space, children.astype(np.int16), self._rate, rng)


class PymooBreeder:
    """Generations of an algorithm of pymoo, whose generator is ours."""

    def __init__(self, space: SearchSpace, algorithm: Any, rng: np.random.Generator) -> None:
        most = np.array([len(decision.choices) - 1 for decision in space.decisions])
        self._problem = Problem(n_var=len(most), n_obj=2, xl=np.zeros(len(most)), xu=most)
        self._space, self._rng = space, rng
        self._algorithm = algorithm
        # pymoo makes a generator from its seed; it is replaced before anything is drawn
        algorithm.setup(self._problem, termination=("n_gen", 10**9), seed=0, verbose=False)
        algorithm.random_state = rng

    def first(self) -> Archs:
        """Return the initial population."""
        size = self._algorithm.pop_size
        archs = sample_distinct(self._space, size, self._rng)
        self._asked = Population.new("X", archs)
        self._algorithm.initialization.sampling = self._asked
        self._asked = self._algorithm.ask()
        return self._rows()

    def breed(self, generation: Known) -> Archs:
        """Return pymoo's next population, given log cost and error of the last; or none."""
        objectives = np.stack([np.log10(generation.cost), 1 - generation.accuracy], axis=1)
        if len(self._asked):
            Evaluator().eval(StaticProblem(self._problem, F=objectives), self._asked)
            self._algorithm.tell(infills=self._asked)
        asked = self._algorithm.ask()
        self._asked = Population.new("X", generation.archs[:0]) if asked is None else asked
        return self._rows()

    def _rows(self) -> Archs:
        rows: Archs = self._asked.get("X").astype(np.int16)
        return rows.reshape(-1, len(self._space.decisions))

"""Optuna's NSGA-II and TPE on two objectives: accuracy up, log cost down.

Optuna proposes what it proposed before (its issues 2021, 3400, 5440: by design). Such repeats are
told what they were worth and not counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from heliostat.errors import ConfigError
from heliostat_methods.pnag.searchers.asking import Asking
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.searcher import Cost, Searcher, Streams
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace
from heliostat_search.strategies.bayesian import Optimiser
from heliostat_search.strategies.space import Choice

MOST_REPEATS = 20
"""Repeats and invalid rows in a row after which the sampler is taken for stuck."""


@dataclass(frozen=True)
class OptunaNSGA2:
    """`NSGAIISampler`; `mutation` None is one decision on average."""

    population: int = 50
    crossing: float = 0.9
    mutation: float | None = None
    swapping: float = 0.5
    batch: int = 10

    def start(
        self, space: SearchSpace, evaluations: int, streams: Streams, cost: Cost | None = None
    ) -> Searcher:
        """Return the search."""
        options = {"population_size": self.population, "crossover_prob": self.crossing,
                   "mutation_prob": self.mutation, "swapping_prob": self.swapping}  # fmt: skip
        return _searcher("nsga2", options, self.batch, space, streams)


@dataclass(frozen=True)
class OptunaTPE:
    """`TPESampler`; `startup`: random trials before it models, `candidates`: draws a proposal."""

    startup: int = 10
    candidates: int = 24
    multivariate: bool = False
    batch: int = 1

    def start(
        self, space: SearchSpace, evaluations: int, streams: Streams, cost: Cost | None = None
    ) -> Searcher:
        """Return the search."""
        options = {"n_startup_trials": self.startup, "n_ei_candidates": self.candidates,
                   "multivariate": self.multivariate}  # fmt: skip
        return _searcher("tpe", options, self.batch, space, streams)


def _searcher(
    sampler: Literal["nsga2", "tpe"],
    options: dict[str, Any],
    batch: int,
    space: SearchSpace,
    streams: Streams,
) -> Searcher:
    if batch < 1:
        raise ConfigError("batch", batch, "at least 1")
    seed = int(streams("optuna").integers(0, 2**32))
    return Asking(space, _Trials(space, sampler, options, batch, seed), streams("fill"), 1)


class _Trials:
    """Optuna's study, and which of its trials wait for an answer."""

    def __init__(
        self, space: SearchSpace, sampler: str, options: dict[str, Any], batch: int, seed: int
    ) -> None:
        self._names = [str(place) for place in range(len(space.decisions))]
        dimensions = {
            name: Choice(tuple(range(len(decision.choices))))
            for name, decision in zip(self._names, space.decisions, strict=True)
        }
        self._optimiser = Optimiser(
            dimensions, ("max", "min"), sampler=sampler, seed=seed, options=options
        )
        self._space, self._batch = space, batch
        self._waiting: list[tuple[int, Archs]] = []

    def propose(self, count: int, memory: Memory) -> Archs:
        for number, arch in self._waiting:
            self._answer(number, arch, memory)
        self._waiting = []
        repeats = 0
        while len(self._waiting) < min(count, self._batch) and repeats < MOST_REPEATS:
            number, params = self._optimiser.ask()
            row = np.array([[params[name] for name in self._names]], np.int16)
            arch = self._space.canonical(row)
            if not self._space.valid(row)[0]:
                self._optimiser.tell(number, None)
                repeats += 1
            elif memory.places(arch)[0] >= 0:
                self._answer(number, arch, memory)
                repeats += 1
            else:
                self._waiting.append((number, arch))
        archs = [arch for _, arch in self._waiting]
        return np.concatenate([np.empty((0, len(self._names)), np.int16), *archs])

    def _answer(self, number: int, arch: Archs, memory: Memory) -> None:
        place = int(memory.places(arch)[0])
        known = memory.known
        worth = float(known.accuracy[place]), math.log10(float(known.cost[place]))
        self._optimiser.tell(number, worth)

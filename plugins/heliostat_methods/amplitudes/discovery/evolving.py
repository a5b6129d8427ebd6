"""The loop of both searches: trees are bred, read as candidates, and scored once each.

Breeding is `heliostat_search`'s genetic program over DEAP's typed trees, drawn from one stream that
is handed in; scoring is whoever's ``evaluate_many`` is, in this process or on workers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heliostat_methods.amplitudes.discovery.settings import SearchSettings
from heliostat_search.strategies.evolution import DoubleTournament, Evolution, Variation
from heliostat_search.strategies.trees import Tree, primitive_set

Candidate = tuple[int, ...]
"""A whole number for each name: a power, or a coefficient."""
EvaluateMany = Callable[[list[list[int]]], Sequence[float]]
"""Scores to be minimised, one for each candidate, in their order; inf for what does not count."""


@dataclass(frozen=True)
class Evolved:
    """All candidates scored, in the order in which they came up; the best, and when it came."""

    best: Candidate
    score: float
    generation: int
    generations: int
    scores: Mapping[Candidate, float]


def evolve(
    terminals: Sequence[str], joints: Mapping[str, int], read: Callable[[Tree], Candidate],
    evaluate_many: EvaluateMany, rng: np.random.Generator, settings: SearchSettings,
) -> Evolved:  # fmt: skip
    """Return what a search over trees finds; equal streams give equal searches.

    ``joints``: name of a node -> its arity. ``read``: tree -> candidate; several trees may be the
    same one, which is scored once.
    """
    evolution = Evolution(
        primitive_set("candidates", joints, terminals), settings.population,
        DoubleTournament(settings.tournament, 1.4),
        Variation(settings.crossover, settings.mutation, settings.max_height), elites=2,
        heights=(1, min(4, settings.max_height)),
    )  # fmt: skip
    state, scores = evolution.start(), dict[Candidate, float]()
    best: tuple[float, int, Candidate] | None = None
    found_in = generation = 0
    for generation in range(settings.generations + 1):
        trees = evolution.ask(state, rng)
        candidates = [read(tree) for tree in trees]
        new = [one for one in dict.fromkeys(candidates) if one not in scores]
        if new:
            scores.update(zip(new, _scored(evaluate_many, new), strict=True))
        state = evolution.tell(state, trees, [scores[one] for one in candidates])
        leader = min((scores[one], sum(map(abs, one)), one) for one in candidates)
        if best is None or leader < best:
            best, found_in = leader, generation
        elif generation - found_in >= settings.patience:
            break
    assert best is not None  # there is a first generation
    return Evolved(best[2], best[0], found_in, generation, scores)


def scored_one(evaluate_many: EvaluateMany, candidates: Sequence[Candidate]) -> list[float]:
    """Return the scores of candidates outside of a search."""
    return _scored(evaluate_many, candidates)


def _scored(evaluate_many: EvaluateMany, candidates: Sequence[Candidate]) -> list[float]:
    found = [math.inf if math.isnan(x) else float(x)
             for x in evaluate_many([list(one) for one in candidates])]  # fmt: skip
    if len(found) != len(candidates):
        raise ValueError(
            f"evaluate_many: {len(found)} scores, expected one for each of {len(candidates)} "
            "candidates"
        )
    return found

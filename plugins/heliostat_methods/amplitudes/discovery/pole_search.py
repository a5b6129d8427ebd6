"""Which poles an amplitude has, searched for among named factors.

Along a random line every s_P is linear in t. With the right factors D, f(t) D(t) is a polynomial;
each factor that is missing leaves one more of f D, f D t, f D t^2, .. outside of the polynomials.
That number, the residual rank, guides the search, and 0 is an exact test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heliostat_methods.amplitudes.discovery.evolving import (
    Candidate,
    EvaluateMany,
    evolve,
    scored_one,
)
from heliostat_methods.amplitudes.discovery.settings import SearchSettings
from heliostat_methods.amplitudes.fields.prime import MERSENNE_31
from heliostat_methods.amplitudes.fields.residue_arrays import (
    Integers,
    ResidueArray,
    ResidueArrayField,
)
from heliostat_methods.amplitudes.reconstruction.ansatz import Target
from heliostat_methods.amplitudes.reconstruction.elimination import residual_rank
from heliostat_methods.amplitudes.reconstruction.factored_poles import power_text
from heliostat_methods.amplitudes.reconstruction.invariants import checked_invariant, invariant
from heliostat_methods.amplitudes.reconstruction.sampled_points import (
    distinct_residues,
    random_gram_line,
)


@dataclass(frozen=True)
class PoleScore:
    """A target and candidate factors on one line, as arrays: what scoring needs, to be shared.

    ``parameters`` t and ``values`` f: (points,); ``factors``: (candidates, points); all modulo
    ``prime``. ``growth``: the power of t by which f may grow. ``depth``: how many missing factors
    are told apart.
    """

    prime: int
    parameters: Integers
    values: Integers
    factors: Integers
    growth: int
    depth: int
    size_weight: float

    def residual_rank(self, powers: Sequence[int]) -> int:
        """Return how many factors, ``powers`` of the candidates given, are missing."""
        self._check(powers)
        p, t = self.prime, self.parameters
        column = self.values
        for factor, power in zip(self.factors, powers, strict=True):
            for _ in range(power):
                column = column * factor % p
        degree = sum(powers) + self.growth + self.depth - 1
        grid = [np.ones_like(t)]
        for _ in range(max(degree, self.depth)):
            grid.append(grid[-1] * t % p)
        targets = np.stack([column * one % p for one in grid[: self.depth]], axis=1)
        return residual_rank(np.stack(grid[: degree + 1], axis=1), targets, p)

    def score(self, powers: Sequence[int]) -> float:
        """Return residual rank + size_weight * number of factors."""
        return self.residual_rank(powers) + self.size_weight * sum(powers)

    def score_many(self, candidates: Sequence[Sequence[int]]) -> list[float]:
        """Return the score of each candidate."""
        return [self.score(powers) for powers in candidates]

    def _check(self, powers: Sequence[int]) -> None:
        if len(powers) != len(self.factors):
            raise ValueError(
                f"powers: {len(powers)}, expected one for each of {len(self.factors)} candidates"
            )
        room = self.parameters.size - 2 * self.depth - self.growth
        if min(powers, default=0) < 0 or sum(powers) > room:
            raise ValueError(
                f"powers: {list(powers)}, expected at least 0 and a sum of up to {room}"
            )


def pole_score(
    target: Target, n: int, candidates: Sequence[str], rng: np.random.Generator, *,
    max_power: int = 2, growth: int = 2, depth: int = 12, size_weight: float = 0.02,
    prime: int = MERSENNE_31,
) -> PoleScore:  # fmt: skip
    """Return what scores sets of poles of a target, sampled on a random line.

    ``target(point)``: as in `fit_ansatz`, one that is not 0. ``candidates``: names of s_P.
    ``max_power``: the largest of any candidate that can be scored. ``growth``: the power of t by
    which the target may grow, at least 1 for pions. Raises ValueError naming what is no product of
    n legs, or a target that vanishes.
    """
    if not candidates:
        raise ValueError("candidates: none, expected at least one, such as 's_{0,1}'")
    for i, name in enumerate(candidates):
        checked_invariant(name, n)
        if name in candidates[:i]:
            raise ValueError(f"candidates[{i}]: {name!r} a second time, expected different names")
    check_power(max_power)
    field = ResidueArrayField(prime)
    points = max_power * len(candidates) + 2 * depth + growth
    t = ResidueArray(distinct_residues(prime, rng, points), prime)
    point = random_gram_line(n, field, rng, t)
    values = np.broadcast_to(field.number(target(point)).values, t.values.shape)
    if not values.any():
        raise ValueError("target: 0 at every point of a random line, expected one with poles")
    factors = np.stack([np.broadcast_to(field.number(invariant(name, point)).values,
                                        t.values.shape) for name in candidates])  # fmt: skip
    return PoleScore(prime, t.values, values.copy(), factors, growth, depth, size_weight)


@dataclass(frozen=True)
class FoundPoles:
    """The poles found, name -> power; ``residual_rank`` 0 says that they are all of them.

    ``irreducible``: without any one of them, it is not 0. ``evaluations``: candidates scored.
    """

    powers: dict[str, int]
    score: float
    residual_rank: int
    irreducible: bool
    generation: int
    generations: int
    evaluations: int

    def __str__(self) -> str:
        return " ".join(power_text(name, power) for name, power in self.powers.items()) or "1"


def search_poles(
    evaluate_many: EvaluateMany, candidates: Sequence[str], rng: np.random.Generator,
    settings: SearchSettings | None = None, *, max_power: int = 2,
) -> FoundPoles:  # fmt: skip
    """Return the smallest set of poles that a genetic program over products finds.

    ``evaluate_many``: lists of powers, one for each candidate, -> scores; `PoleScore.score_many`,
    or the same on workers. ``settings.size_weight`` has to be that of the score. ``max_power``: of
    one candidate; a product with more of it counts as one with that. After the search, factors
    that are not needed are taken away one by one. Raises ValueError where no score is finite.
    """
    settings = SearchSettings() if settings is None else settings
    check_power(max_power)
    names = {f"p{i}": i for i in range(len(candidates))}

    def read(tree: Sequence[str]) -> Candidate:
        counts = [0] * len(candidates)
        for node in tree:
            if node in names:
                counts[names[node]] = min(counts[names[node]] + 1, max_power)
        return tuple(counts)

    evolved = evolve(["one", *names], {"times": 2}, read, evaluate_many, rng, settings)
    best, score, more = _reduced(evaluate_many, evolved.best, evolved.score)
    if not math.isfinite(score):
        raise ValueError(f"evaluate_many: {score} for the best candidate, expected a finite score")
    missing = round(score - settings.size_weight * sum(best))
    found = {name: power for name, power in zip(candidates, best, strict=True) if power}
    evaluations = len(evolved.scores) + more
    return FoundPoles(found, score, missing, missing == 0, evolved.generation,
                      evolved.generations, evaluations)  # fmt: skip


def check_power(max_power: int) -> None:
    """Raise ValueError for a largest power below 1."""
    if isinstance(max_power, bool) or not isinstance(max_power, int) or max_power < 1:
        raise ValueError(f"max_power: {max_power!r}, expected at least 1")


def _reduced(
    evaluate_many: EvaluateMany, best: Candidate, score: float
) -> tuple[Candidate, float, int]:
    """Return a candidate, its score and the evaluations, when no factor can go with a gain."""
    evaluations = 0
    while any(best):
        fewer = [(*best[:i], power - 1, *best[i + 1 :]) for i, power in enumerate(best) if power]
        scores = scored_one(evaluate_many, fewer)
        evaluations += len(fewer)
        at = min(range(len(fewer)), key=lambda i: (scores[i], i))
        if scores[at] >= score:
            break
        best, score = fewer[at], scores[at]
    return best, score, evaluations

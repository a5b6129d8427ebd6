"""The same operators by evolution: combinations of derivatives in small whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heliostat_methods.amplitudes.discovery.derivatives import LinearOperator, linear_operator
from heliostat_methods.amplitudes.discovery.evolving import Candidate, EvaluateMany, evolve
from heliostat_methods.amplitudes.discovery.settings import SearchSettings
from heliostat_methods.amplitudes.fields.prime import MERSENNE_31
from heliostat_methods.amplitudes.reconstruction.elimination import rank


@dataclass(frozen=True)
class FoundOperators:
    """Operators that fail no check, the smallest first, none a combination of those before.

    ``score`` and ``failing``: of the best candidate. ``evaluations``: candidates scored.
    """

    operators: tuple[LinearOperator, ...]
    coefficients: tuple[Candidate, ...]
    score: float
    failing: int
    generation: int
    generations: int
    evaluations: int

    def __str__(self) -> str:
        return "; ".join(map(str, self.operators)) or "none"


def search_operators(
    evaluate_many: EvaluateMany, names: Sequence[str], rng: np.random.Generator,
    settings: SearchSettings | None = None,
) -> FoundOperators:  # fmt: skip
    """Return the operators that a genetic program over sums and differences of derivatives finds.

    ``evaluate_many``: lists of coefficients, one for each of ``names``, -> scores;
    `GaugeChecks.score_many`, or the same on workers. ``settings.size_weight`` has to be that of the
    score.
    """
    settings = SearchSettings() if settings is None else settings
    terminals = {f"d{i}": i for i in range(len(names))}

    def read(tree: Sequence[str]) -> Candidate:
        counts = [0] * len(names)
        signs = [1]
        for node in tree:  # in prefix order, so a sign stands on the stack for each branch to come
            sign = signs.pop()
            if node in terminals:
                counts[terminals[node]] += sign
            else:
                signs += [sign if node == "plus" else -sign, sign]
        return _signed(counts)

    evolved = evolve(list(terminals), {"plus": 2, "minus": 2}, read, evaluate_many, rng, settings)

    def failing(one: Candidate) -> float:
        return evolved.scores[one] - settings.size_weight * sum(map(abs, one))

    # half a check: failing ones are counted in whole numbers
    passing = sorted((one for one in evolved.scores if failing(one) < 0.5),
                     key=lambda one: (sum(map(abs, one)), [-x for x in one]))  # fmt: skip
    kept: list[Candidate] = []
    for one in passing:
        if rank(np.array([*kept, one], dtype=np.int64), MERSENNE_31) > len(kept):
            kept.append(one)
    operators = [linear_operator(dict(zip(names, one, strict=True))) for one in kept]
    return FoundOperators(
        tuple(operators), tuple(kept), evolved.score, round(failing(evolved.best)),
        evolved.generation, evolved.generations, len(evolved.scores),
    )  # fmt: skip


def _signed(counts: Sequence[int]) -> Candidate:
    """Return an operator or its negative, whichever has its first coefficient positive."""
    sign = next((1 if x > 0 else -1 for x in counts if x), 1)
    return tuple(sign * x for x in counts)

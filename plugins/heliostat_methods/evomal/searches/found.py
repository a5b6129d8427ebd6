"""What a search hands back: the best losses, and what became of all candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_search.pareto import front

SHOWN = 3
"""Best losses that a result lists for each data set."""
LOOKED_AT = 100
"""Accepted losses among which a short one is looked for."""
STEPS = ("local_search", "rejection", "training")


@dataclass(frozen=True)
class FoundLoss:
    """A scored loss as data, with what a table shows of it; ``error`` is that of its fitness."""

    loss: dict[str, Any]
    formula: str
    latex: str
    prefix: str
    fitness: float
    complexity: int
    generation: int
    error: float | None = None

    def absent(self) -> tuple[str, ...]:
        """Return what is not known."""
        return ("error",) if self.error is None else ()

    @classmethod
    def tree(cls, expression: LossExpression, fitness: float, generation: int) -> FoundLoss:
        """Return the record of an expression."""
        return cls(expression.to_dict(), expression.formula(), expression.to_latex(),
                   expression.to_prefix(), fitness, expression.complexity, generation)  # fmt: skip


@dataclass(frozen=True)
class FoundLosses:
    """The best losses, what became of all candidates, and (complexity, fitness) of the accepted.

    ``shorter`` are accepted losses in order of fitness, among which a short one is looked for;
    ``readable`` is the best one in fewer nodes and digits, ``short`` what to use (``readable``).
    """

    best: list[FoundLoss]
    counts: dict[str, int]
    steps: dict[str, int]
    scored: list[tuple[float, float]] = field(default_factory=list)
    shorter: list[FoundLoss] = field(default_factory=list)
    readable: FoundLoss | None = None
    short: FoundLoss | None = None

    def front(self) -> list[tuple[float, float]]:
        """Return (complexity, fitness) of the candidates that no other beats in both."""
        return [self.scored[i] for i in front(self.scored)] if self.scored else []

    @classmethod
    def best_of(
        cls, losses: Sequence[FoundLoss], counts: dict[str, int], steps: Sequence[int]
    ) -> FoundLosses:
        """Return the record of a search whose every accepted loss is known, fittest first."""
        order = sorted(losses, key=lambda loss: loss.fitness)
        scored = [(float(loss.complexity), loss.fitness) for loss in order]
        return cls(order[:SHOWN], counts, by_phase(steps), scored, order[:LOOKED_AT])


def by_phase(steps: Sequence[int]) -> dict[str, int]:
    """Return the candidate steps spent in local search, rejection and training by name."""
    return dict(zip(STEPS, steps, strict=True))


def added(spent: Sequence[int], more: Sequence[int]) -> list[int]:
    """Return the sums of candidate steps, phase by phase."""
    return [a + b for a, b in zip(spent, more, strict=True)]

"""How far what a search found is from the true front.

Measured in (log10 cost, error), error being 1 - accuracy. Raw cost and the largest of all as the
reference do not tell searches apart: the true front alone then fills nearly the whole box.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.fronts.archive import archive, check_measured
from heliostat_methods.pnag.spaces.exact_front import AdditiveFront
from heliostat_methods.pnag.spaces.space import KnownSpace
from heliostat_search.pareto import hypervolume

MARGIN = 0.1
"""By which the reference lies beyond the front's worst values, as a share of their range."""


@dataclass(frozen=True, eq=False)
class TrueFront:
    """A known front by rising cost: `cost` and `accuracy`, (n,) each."""

    cost: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    def __post_init__(self) -> None:
        check_measured(self.accuracy, self.cost)
        if len(self.cost) == 0:
            raise DataError("a true front needs at least one architecture")

    @property
    def reference(self) -> tuple[float, float]:
        """(log10 cost, error): the front's worst values and 10 % of their range on top.

        A range of nothing counts as 1: a decade of cost, an error of 1.
        """
        points = plane(self.accuracy, self.cost)
        worst, spread = points.max(axis=0), np.ptp(points, axis=0)
        corner = worst + MARGIN * np.where(spread > 0, spread, 1.0)
        return float(corner[0]), float(corner[1])

    @property
    def volume(self) -> float:
        """The hypervolume of the front."""
        return hypervolume(plane(self.accuracy, self.cost), self.reference)

    def fraction(self, accuracy: NDArray[np.float64], cost: NDArray[np.float64]) -> float:
        """Return the share of the front's hypervolume that what was evaluated (n,) reaches."""
        check_measured(accuracy, cost)
        kept = archive(accuracy, cost)
        return hypervolume(plane(accuracy[kept], cost[kept]), self.reference) / self.volume

    def best(self, budget: float) -> float | None:
        """Return the best accuracy of all within a budget of cost, None where nothing fits."""
        place = int(np.searchsorted(self.cost, budget, side="right")) - 1
        return None if place < 0 else float(self.accuracy[place])

    def regret(self, budget: float, accuracy: float) -> float:
        """Return by how much accuracy stays below the best within a budget; 0 at best.

        Raises ConfigError for a budget below the cheapest architecture.
        """
        best = self.best(budget)
        if best is None:
            cheapest = float(self.cost[0])
            raise ConfigError("budget", budget, f"at least {cheapest:g}, the cheapest's cost")
        return best - accuracy


@runtime_checkable
class ExactFront(Protocol):
    """A space too large to list that knows its front."""

    def front(self) -> AdditiveFront:
        """Return the front, with accuracies for scores."""
        ...


def front_of(accuracy: NDArray[np.float64], cost: NDArray[np.float64]) -> TrueFront:
    """Return the front of everything there is, (n,) each."""
    kept = archive(accuracy, cost)
    return TrueFront(cost[kept], accuracy[kept])


def true_front(space: KnownSpace) -> TrueFront:
    """Return the front of a known space; ConfigError for one that neither lists nor knows it."""
    archs = space.everything()
    if archs is not None:
        return front_of(*space.look_up(archs))
    if isinstance(space, ExactFront):
        exact = space.front()
        return TrueFront(exact.costs.astype(np.float64), exact.scores.astype(np.float64))
    raise ConfigError("space", type(space).__name__, "a space that lists its networks or front")


def plane(accuracy: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points (log10 cost, error), (n, 2), both minimised."""
    return np.stack([np.log10(cost), 1 - accuracy], axis=1)

"""Islands: populations that evolve apart and now and then hand on copies of their best.

Island i receives from island i - 1, the first from the last (a ring), so a good tree needs as many
migrations as there are islands to reach all of them, and they keep different trees for a while
(Whitley, Rana and Heckendorn 1999). Nothing is drawn: who leaves, who gives way and who receives
follows from the populations alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heliostat.errors import ConfigError
from heliostat_search.strategies.evolution import Individual, Population


@dataclass(frozen=True)
class Ring:
    """Every ``every`` generations the ``count`` fittest of each island go on to the next one."""

    every: int = 5
    count: int = 1

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError("every", self.every, "an integer of at least 1")
        if self.count < 0:
            raise ConfigError("count", self.count, "an integer of at least 0")

    def due(self, generation: int) -> bool:
        """Return whether there is a migration after ``generation``; never after the initial 0."""
        return generation > 0 and generation % self.every == 0

    def after(
        self, generation: int, islands: Sequence[Sequence[Individual]]
    ) -> tuple[Population, ...]:
        """Return the islands with which the next generation begins."""
        if self.due(generation):
            return migrate(islands, self.count)
        return tuple(tuple(island) for island in islands)


def migrate(islands: Sequence[Sequence[Individual]], count: int) -> tuple[Population, ...]:
    """Return the islands after copies of each one's ``count`` fittest went on along the ring.

    They take the places of the receiver's ``count`` least fit, the fittest that of the least fit;
    all others stay where they are. Fitter means as in ``evolution.elite``, then the earlier place.
    All leave at once, so what arrives in a migration goes on in the next one at the earliest.

    Raises ConfigError unless ``count`` is less than the smallest island: each keeps its own best.
    """
    populations = tuple(tuple(island) for island in islands)
    smallest = min((len(island) for island in populations), default=0)
    if not 0 <= count < max(smallest, 1):
        raise ConfigError(
            "count", count, f"from 0 to {max(smallest - 1, 0)}, less than the smallest island"
        )
    if len(populations) < 2 or count == 0:
        return populations
    orders = [_order(island) for island in populations]
    result = []
    for i, island in enumerate(populations):
        sender, arrived = populations[i - 1], list(island)
        for leaving, place in zip(orders[i - 1][:count], reversed(orders[i]), strict=False):
            arrived[place] = sender[leaving]
        result.append(tuple(arrived))
    return tuple(result)


def _order(island: Population) -> list[int]:
    """Return places, fittest first."""
    return sorted(
        range(len(island)), key=lambda k: (island[k].fitness, island[k].size, island[k].tree)
    )

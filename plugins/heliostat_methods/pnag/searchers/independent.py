"""One search for each of several budgets, with nothing shared: the baseline of a joint search.

All begin from the same random architectures. Each budget then has an equal share of what is left
of the evaluations, and breeds from its own alone; what another one evaluated is answered from
memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from heliostat.errors import ConfigError
from heliostat_methods.pnag.searchers.acquisition import staircase
from heliostat_methods.pnag.searchers.asking import Asking
from heliostat_methods.pnag.searchers.evolutionary import (
    BudgetBreeder,
    Evolution,
    Order,
    feasible_first,
)
from heliostat_methods.pnag.searchers.generational import Generations, Shares
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.searcher import Cost, Known, Searcher, Streams
from heliostat_methods.pnag.spaces.measures import finite_budget
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace


@dataclass(frozen=True)
class Independent:
    """Constrained evolution for `knots` budgets, evenly spaced in log cost on the first front.

    `budgets` in their place where they are given. `first`: the part of the evaluations that are
    random and shared.
    """

    knots: int = 5
    first: float = 0.2
    budgets: tuple[float, ...] = ()
    evolution: Evolution = field(default_factory=Evolution)

    def __post_init__(self) -> None:
        check_knots(self.knots, self.first, self.budgets)

    def start(
        self, space: SearchSpace, evaluations: int, streams: Streams, cost: Cost | None = None
    ) -> Searcher:
        """Return the searches as one."""
        plan = Plan(self.knots, self.first, self.budgets, self.evolution)
        return Asking(
            space, PerBudget(plan, space, evaluations, streams, cost, feasible_first),
            streams("fill"),
        )  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """Budgets, first share and evolution of searches for each of several budgets."""

    knots: int
    first: float
    budgets: tuple[float, ...]
    evolution: Evolution


class PerBudget:
    """Proposes the first sample, then what each budget's evolution asks for in turn."""

    def __init__(
        self,
        plan: Plan,
        space: SearchSpace,
        evaluations: int,
        streams: Streams,
        cost: Cost | None,
        order: Order,
    ) -> None:
        self._plan, self._space, self._cost, self._order = plan, space, cost, order
        self._sample = streams("sample")
        self._streams = streams
        self._first = max(2, round(plan.first * evaluations))
        count = len(plan.budgets) or plan.knots
        self._share = max(1, (evaluations - self._first) // count)
        self._searches: Shares | None = None

    def propose(self, count: int, memory: Memory) -> Archs:
        """Return what is random at first, and then what is next under the budget in turn."""
        if len(memory) < self._first:
            return memory.unseen(min(count, self._first - len(memory)), self._sample)
        if self._searches is None:
            budgets = self._plan.budgets or even_budgets(memory, self._plan.knots)
            breeders = [self._breeder(place, budget, memory.known)
                        for place, budget in enumerate(budgets)]  # fmt: skip
            self._searches = Shares(breeders, self._share)
        return self._searches.propose(count, memory)

    def _breeder(self, place: int, budget: float, known: Known) -> Generations:
        rng = self._streams("evolution", place)
        size = max(4, self._share // 3)
        breeder = BudgetBreeder(
            self._space, self._plan.evolution, budget, self._order, self._cost, rng, size
        )
        return Generations(FromKnown(breeder, known))


class FromKnown:
    """A breeder whose first generation are children of what is known already."""

    def __init__(self, breeder: BudgetBreeder, known: Known) -> None:
        self._breeder, self._known = breeder, known

    def first(self) -> Archs:
        """Return children of what was known."""
        return self._breeder.breed(self._known)

    def breed(self, generation: Known) -> Archs:
        """Return the next generation."""
        return self._breeder.breed(generation)


def even_budgets(memory: Memory, count: int) -> tuple[float, ...]:
    """Return budgets evenly spaced in log cost over the range of the front of what is known."""
    front = staircase(memory.points)[:, 0]
    return tuple(float(10**cost) for cost in np.linspace(front[0], front[-1], count))


def check_knots(knots: int, first: float, budgets: tuple[float, ...]) -> None:
    """Raise ConfigError for fewer than 2 budgets, ones that do not rise, a share not in (0, 1)."""
    if knots < 2:
        raise ConfigError("knots", knots, "at least 2 budgets")
    if not 0 < first < 1:
        raise ConfigError("first", first, "a part of the evaluations, between 0 and 1")
    for budget in budgets:
        finite_budget(budget)
    if len(budgets) == 1 or any(a >= b for a, b in pairwise(budgets)):
        raise ConfigError("budgets", list(budgets), "at least 2 budgets, each above the one before")

"""Search by a scalar reward for each of several budgets: MnasNet's and TuNAS's, without a front.

The baseline "NAS-MO": what trades accuracy for cost is fixed beforehand, and nothing is shared
between budgets. Each is maximised by evolution; the generator under such a reward is `Joint` with
`reward = "mnasnet"` or "tunas" and `budgets = "independent"`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.pnag.generator.budget_embedding import one_of
from heliostat_methods.pnag.generator.rewards import Absolute, mnasnet_reward, tunas_reward
from heliostat_methods.pnag.searchers.asking import Asking
from heliostat_methods.pnag.searchers.evolutionary import Evolution, Order
from heliostat_methods.pnag.searchers.independent import PerBudget, Plan, check_knots
from heliostat_methods.pnag.searchers.searcher import Cost, Known, Searcher, Streams
from heliostat_methods.pnag.spaces.space import SearchSpace


@dataclass(frozen=True)
class Rewarded:
    """`reward`: A (C / B)^w or A + beta |C / B - 1|; the rest as `Independent`."""

    reward: Absolute = "mnasnet"
    weight: float = -0.07
    knots: int = 5
    first: float = 0.2
    budgets: tuple[float, ...] = ()
    evolution: Evolution = field(default_factory=Evolution)

    def __post_init__(self) -> None:
        one_of("reward", self.reward, ("mnasnet", "tunas"))
        check_knots(self.knots, self.first, self.budgets)
        rewarding(self.reward, self.weight)(Known(np.empty((1, 0), np.int16), *_ONE), 1.0)

    def start(
        self, space: SearchSpace, evaluations: int, streams: Streams, cost: Cost | None = None
    ) -> Searcher:
        """Return the searches as one; a reward has no bound to be kept, so costs do not help."""
        plan = Plan(self.knots, self.first, self.budgets, self.evolution)
        order = rewarding(self.reward, self.weight)
        searches = PerBudget(plan, space, evaluations, streams, None, order)
        return Asking(space, searches, streams("fill"))


_ONE = (np.ones(1), np.ones(1))


def rewarding(reward: Absolute, weight: float) -> Order:
    """Return the order by a reward under a budget, the most rewarded first."""
    formula = mnasnet_reward if reward == "mnasnet" else tunas_reward

    def order(known: Known, budget: float) -> NDArray[np.int64]:
        return np.argsort(-formula(known.accuracy, known.cost, budget, weight), kind="stable")

    return order

"""What a run found, as a typed value; `plain` is what a run stores of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class FrontNetwork:
    """One network of the front of all that was evaluated.

    `accuracy`: on validation images, which chose it; `test`: on images that chose nothing, None
    where there are none. `costs`: by quantity, "madds", "params" and "latency" (seconds by the
    table). `measured`: the seconds that it took itself, None where it was not timed.
    """

    text: str
    accuracy: float
    test: float | None
    costs: Mapping[str, float]
    measured: float | None = None


@dataclass(frozen=True)
class Contestant:
    """One searcher: by seed its share of the front's hypervolume, and how that grew.

    `filled`: networks drawn at random where it had nothing new. `counts`, `curve`, `low`, `high`:
    evaluations, and mean share and its interval there. `beside`: the paired difference of the run's
    own searcher from this one, None for itself. `seen_costs`, `seen_accuracies`: what its first
    search evaluated, or some of it, for a picture.
    """

    name: str
    sentence: str
    shares: list[float]
    filled: list[int]
    counts: list[int]
    curve: list[float]
    low: list[float]
    high: list[float]
    beside: Mapping[str, Any] | None
    seen_costs: list[float] = field(default_factory=list)
    seen_accuracies: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What the finished generator says for a budget, in one greedy pass.

    `accuracy`: of the network it says, evaluated. `best`: the best known within the budget.
    """

    budget: float
    text: str
    cost: float
    feasible: bool
    accuracy: float
    best: float | None


@dataclass(frozen=True)
class Retrained:
    """A network by shared weights and trained by itself, on the same validation images."""

    text: str
    shared: float
    alone: float
    cost: float


@dataclass(frozen=True)
class Outcome:
    """A comparison of searchers and what it leaves.

    `known`: whether the front is that of the whole space; else it is of all that was evaluated, and
    shares are shares of that. `evaluated`: different networks in all. `front`: of them, by rising
    cost. `truth`: [cost, accuracy] of the whole space's front by rising cost, where it is known.
    """

    space: str
    size: str
    dataset: str
    images: list[int]
    remarks: list[str]
    quantity: str
    evaluations: int
    seeds: int
    searcher: str
    known: bool
    evaluated: int
    front: list[FrontNetwork]
    contestants: list[Contestant]
    answers: list[Answer]
    retrained: list[Retrained]
    rank_correlation: float | None
    losses: list[float]
    latency_error: float | None
    sentence: str
    truth: list[list[float]] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """Return it as plain data, with what `heliostat ls` and a tuning read at the top."""
        own = next(one for one in self.contestants if one.name == self.searcher)
        regrets = [one.best - one.accuracy for one in self.answers if one.best is not None
                   and one.feasible]  # fmt: skip
        found: dict[str, Any] = {
            "hypervolume": sum(own.shares) / len(own.shares),
            "accuracy": max(one.accuracy for one in self.front),
        }
        if regrets:
            found["regret"] = sum(regrets) / len(regrets)
        return {**asdict(self), **found}

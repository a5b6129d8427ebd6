"""The protocol of a comparison, whoever does the trainings.

1. For each loss a learning rate and a number of steps are chosen on validation data, under seeds
   of their own (``rates``).
2. Each loss is trained under the paired seeds: at the configured rate, at the rate that is best
   after all steps (*equal steps*), and at the rate that is best with early stopping (*each at its
   best*), where every training is measured at its own best checkpoint on validation data.
3. Every contestant is paired with the first one, by seed, in all three ways.

With several splits of the data all of it is done on each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.comparison.contestants import Contestant
from heliostat_methods.evomal.comparison.outcome import (
    Against,
    ComparedLoss,
    Comparison,
    Curve,
    Trivial,
)
from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.learners.training import TrainingConfig
from heliostat_search.trainings.lines import mean_curve
from heliostat_search.trainings.measures import OF_TASK
from heliostat_search.trainings.paired_seeds import OverSeeds, PairedTest, Splits
from heliostat_search.trainings.rates import (
    Stopping,
    TriedRate,
    at_edge,
    best,
    beyond,
    checkpoints,
    stopped,
)
from heliostat_search.trainings.trivial import LABELS, explosion_limit, trivial_measures

Array = npt.NDArray[Any]
Way = Literal["configured", "at_end", "at_best"]
SUFFIX: dict[Way, str] = {"configured": "", "at_end": "_best_rate", "at_best": "_best"}
"""What a row's role ends with, by the way its loss was trained."""


def way_of(role: str) -> Way:
    """Return the way in which a row's loss was trained."""
    ways = sorted(SUFFIX, key=lambda way: -len(SUFFIX[way]))
    return next(way for way in ways if role.endswith(SUFFIX[way]))


@dataclass(frozen=True)
class Plan:
    """How losses are trained and how often; ``rate_seeds`` others choose the rates."""

    training: TrainingConfig
    seeds: int
    factors: tuple[float, ...]
    growths: int
    rate_seeds: int


@dataclass(frozen=True)
class Wanted:
    """One loss to be trained on one split, by their places, under some seeds."""

    split: int
    loss: int
    factor: float
    seeds: tuple[int, ...]
    measured_on: Literal["valid", "both"]


@dataclass(frozen=True)
class Curves:
    """The metric on validation data at the checkpoints (R, K), and all measures on test data.

    ``test`` is (R, K, M) in the order of ``OF_TASK``; empty where it was not wanted.
    """

    valid: Array
    test: Array


Train = Callable[[Sequence[Wanted]], Sequence[Curves]]
"""Does trainings, each measured at ``checkpoints`` of the plan's steps, in the order given."""
Tried = list[TriedRate]


def compared(
    plan: Plan, problems: Sequence[ProblemData], contestants: Sequence[Contestant], train: Train
) -> Comparison:
    """Return the comparison of losses on one data set in one split or several."""
    tried = choose_rates(plan, len(problems), len(contestants), train)
    places = [(s, i) for s in range(len(problems)) for i in range(len(contestants))]
    factors = {(s, i): _factors(contestants[i], tried[s][i]) for s, i in places}
    seeds = tuple(range(plan.seeds))
    wanted = [
        Wanted(s, i, factor, seeds, "both")
        for s, i in places for factor in dict.fromkeys(factors[s, i].values())
    ]  # fmt: skip
    found = {(w.split, w.loss, w.factor): curves
             for w, curves in zip(wanted, train(wanted), strict=True)}  # fmt: skip
    table = _Table(plan, problems, tried)
    for i, one in enumerate(contestants):
        for way in factors[0, i]:
            chosen = [factors[s, i][way] for s in range(len(problems))]
            curves = [found[s, i, factor] for s, factor in enumerate(chosen)]
            table.add(one, _name(one, i), i, way, chosen, curves)
    return table.comparison(contestants)


def choose_rates(plan: Plan, splits: int, losses: int, train: Train) -> list[list[Tried]]:
    """Return the rates tried by split and loss; those of a loss grow until its best lies inside."""
    # Seeds of their own, so that the comparison's seeds do not also choose its rates.
    seeds = tuple(range(plan.seeds, plan.seeds + plan.rate_seeds))
    steps = checkpoints(plan.training.steps)
    tried: list[list[Tried]] = [[[] for _ in range(losses)] for _ in range(splits)]
    asked = [
        Wanted(s, i, factor, seeds, "valid")
        for s in range(splits) for i in range(losses) for factor in plan.factors
    ]  # fmt: skip
    if len(plan.factors) == 1:  # given, so there is nothing to choose but the steps
        only = plan.factors[0]
        return [[[TriedRate(only, 0.0, 0.0, 0.0)] for _ in range(losses)] for _ in range(splits)]
    while asked:
        for one, curves in zip(asked, train(asked), strict=True):
            tried[one.split][one.loss].append(TriedRate.of(one.factor, curves.valid, steps))
        asked = [
            Wanted(s, i, factor, seeds, "valid")
            for s in range(splits) for i in range(losses)
            for factor in beyond(tried[s][i], plan.factors, plan.growths)
        ]  # fmt: skip
    return tried


def _factors(one: Contestant, tried: Tried) -> dict[Way, float]:
    """Return the factor of each way in which a contestant is trained."""
    chosen: dict[Way, float] = {} if one.role == "reference" else {"configured": 1.0}
    return {**chosen, "at_end": best(tried, "at_end").factor,
            "at_best": best(tried, "at_best").factor}  # fmt: skip


def _name(one: Contestant, place: int) -> str:
    return f"reference{place}" if one.role == "reference" else one.role


class _Table:
    """Rows of a comparison as they are made."""

    def __init__(
        self, plan: Plan, problems: Sequence[ProblemData], tried: list[list[Tried]]
    ) -> None:
        self.plan, self.problems, self.tried = plan, problems, tried
        first = problems[0]
        self.metric, self.names = first.metric, OF_TASK[first.task]
        self.splits = Splits(len(problems), len(first.test[1]) / len(first.train[1]))
        self.steps = checkpoints(plan.training.steps)
        self.trivial = [
            trivial_measures(data.task, data.classes, data.train[1], data.test[1])
            for data in problems
        ]
        self.rows: list[ComparedLoss] = []

    def add(
        self, one: Contestant, name: str, place: int, way: Way, factors: Sequence[float],
        curves: Sequence[Curves],
    ) -> None:  # fmt: skip
        """Add the row of one loss trained one way, given its curves by split."""
        column = self.names.index(self.metric)
        measures, kept, exploded = [], [], 0
        for s, curve in enumerate(curves):
            rows = np.arange(len(curve.valid))
            at = stopped(curve.valid) if way == "at_best" else np.full(len(rows), -1)
            measures.append(curve.test[rows, at])
            kept += [self.steps[k] for k in at]
            limit = explosion_limit(self.trivial[s][self.metric])
            exploded += int((~(measures[-1][:, column] <= limit)).sum())
        all_ = np.concatenate(measures)
        said = OverSeeds.of(all_[:, column], self.splits)
        rate = self.plan.training.learning_rate
        stopping: Stopping = "at_best" if way == "at_best" else "at_end"
        edge = way != "configured" and any(
            at_edge(by_loss[place], stopping) for by_loss in self.tried
        )
        self.rows.append(
            ComparedLoss(
                name + SUFFIX[way], one.label, rate * factors[0], said.values, said.diverged,
                said.mean, said.low, said.high,
                _curve(np.concatenate([c.test[:, :, column] for c in curves])),
                rates=tuple(rate * factor for factor in factors), kept=tuple(kept),
                exploded=exploded, edge=edge,
                others={m: tuple(map(float, all_[:, k])) for k, m in enumerate(self.names)
                        if m != self.metric},
            )
        )  # fmt: skip

    def comparison(self, contestants: Sequence[Contestant]) -> Comparison:
        """Return all rows with the paired tests against the first contestant."""
        values = {row.role: row.values for row in self.rows}
        names = [_name(one, i) for i, one in enumerate(contestants)]

        def test(name: str, way: Way) -> PairedTest | None:
            mine, usual = values.get(name + SUFFIX[way]), values.get(names[0] + SUFFIX[way])
            if mine is None or usual is None:
                return None
            return PairedTest.between(mine, usual, self.splits)

        train, batch = len(self.problems[0].train[1]), self.plan.training.batch_size
        return Comparison(
            metric=self.metric,
            seeds=self.plan.seeds,
            steps=self.plan.training.steps,
            curve_steps=self.steps,
            losses=tuple(self.rows),
            tried={name: tuple(tuple(by_loss[i]) for by_loss in self.tried)
                   for i, name in enumerate(names)} if len(self.plan.factors) > 1 else {},
            against=tuple(
                Against(name, one.label, test(name, "configured"), test(name, "at_end"),
                        test(name, "at_best"))
                for name, one in list(zip(names, contestants, strict=True))[1:]
            ),
            trivial=Trivial(
                LABELS[self.problems[0].task],
                {m: float(np.mean([t[m] for t in self.trivial])) for m in self.names},
            ),
            epochs=self.plan.training.steps * min(batch, train) / train,
            splits=self.splits.count,
        )  # fmt: skip


def _curve(curves: Array) -> Curve:
    """Return mean and 95 % interval of curves (R, K) of trainings without an infinite value."""
    mean, low, high = mean_curve(curves)
    return Curve(tuple(mean), tuple(low), tuple(high))

"""Which trials are given up on the way, by what they report at their steps.

A trial is compared with the trials that had been told when it was asked for: its pruner knows what
its sampler knew, and nothing else. That set follows from virtual finish order, so no decision
depends on who was faster, and no trial waits for another one. A trial that reports its last step is
not given up there: its work is done.

Rules as Optuna has them. Median: Golovin et al. 2017, section 3.2. Successive halving without
waiting (ASHA): Li et al. 2020, algorithm 2. Hyperband, here brackets of ASHA: Li et al. 2018.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from heliostat.errors import ConfigError, did_you_mean

PRUNERS: Mapping[str, str] = {
    "none": "every trial comes to its end",
    "median": "gives up what is worse at a step than half of the complete trials were there",
    "asha": "at rungs ever further apart, lets the best part of the trials go on",
    "hyperband": "asha in brackets, the later of which give trials longer before they are judged",
}
"""Pruner: what it does."""


@dataclass
class Course:
    """What one trial reported until now: a number at each of its steps, which rise.

    `losses` are these numbers to be minimised, infinite where one is no number. `of` is the last
    step, as far as the trial says it.
    """

    number: int
    of: int | None = None
    complete: bool = False
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def add(self, step: int, value: float, direction: str, of: int | None) -> bool:
        """Take in a report; False for one that is not after those before it."""
        if self.steps and step <= self.steps[-1]:
            return False
        self.steps.append(step)
        self.values.append(value)
        loss = value if direction == "min" else -value
        self.losses.append(math.inf if math.isnan(loss) else loss)
        self.of = of
        return True

    def at(self, step: int) -> float | None:
        """Return the loss at a step, None where there is none."""
        place = bisect_left(self.steps, step)
        there = place < len(self.steps) and self.steps[place] == step
        return self.losses[place] if there else None

    def reaching(self, step: int) -> float | None:
        """Return the loss of the first report at a step or after it."""
        place = bisect_left(self.steps, step)
        return self.losses[place] if place < len(self.steps) else None


class Pruner(Protocol):
    """Decides at a trial's newest report."""

    @property
    def needs_last_step(self) -> bool:
        """Whether trials have to say their last step, `run.report(step, of=last)`."""
        ...

    def gives_up(self, trial: Course, known: Sequence[Course]) -> bool:
        """Return whether a trial is given up; `known`: those told when it was asked for."""
        ...


@dataclass(frozen=True)
class Median:
    """Gives up a trial whose best loss until a step is above the median of the others' there.

    It needs `startup` complete trials, and spares steps before `first`.
    """

    startup: int = 5
    first: int = 1

    needs_last_step = False

    def gives_up(self, trial: Course, known: Sequence[Course]) -> bool:
        """Return whether a trial is given up."""
        step, best = trial.steps[-1], min(trial.losses)
        complete = [other for other in known if other.complete]
        if step < self.first or len(complete) < self.startup:
            return False
        if math.isinf(best):
            return True
        there = [loss for other in complete if (loss := other.at(step)) is not None]
        return bool(there) and best > statistics.median(there)


@dataclass(frozen=True)
class Halving:
    """At the steps first, first * factor, first * factor^2, ... one trial of `factor` goes on.

    A trial has to be among the best part of those that came to the rung before it and itself;
    while they are fewer than `factor`, it has to be the best.
    """

    first: int = 1
    factor: int = 3
    skipped: int = 0
    """Rungs that are left out at the beginning."""

    needs_last_step = False

    def gives_up(self, trial: Course, known: Sequence[Course]) -> bool:
        """Return whether a trial is given up."""
        step, loss = trial.steps[-1], trial.losses[-1]
        before = trial.steps[-2] if len(trial.steps) > 1 else -1
        rung = self.first * self.factor**self.skipped
        while rung <= step:
            if rung > before:
                others = [found for o in known if (found := o.reaching(rung)) is not None]
                if math.isinf(loss) or not self._goes_on(loss, others):
                    return True
            rung *= self.factor
        return False

    def _goes_on(self, loss: float, others: Sequence[float]) -> bool:
        ranked = sorted([*others, loss])
        return loss <= ranked[max(len(ranked) // self.factor, 1) - 1]


@dataclass(frozen=True)
class Hyperband:
    """Successive halving in brackets; bracket b leaves out the first b rungs.

    A trial's bracket follows from its number; it is compared within it. Brackets get trials in
    proportion to Hyperband's: the more of them are given up, the more there are.
    """

    first: int = 1
    factor: int = 3

    needs_last_step = True

    def gives_up(self, trial: Course, known: Sequence[Course]) -> bool:
        """Return whether a trial is given up."""
        if trial.of is None:
            return False
        weights = self._weights(trial.of)
        bracket = _bracket(trial.number, weights)
        same = [other for other in known if _bracket(other.number, weights) == bracket]
        return Halving(self.first, self.factor, bracket).gives_up(trial, same)

    def _weights(self, last: int) -> list[int]:
        """Return how many trials of a round fall to each bracket (Li et al. 2018, algorithm 1)."""
        count, rung = 1, self.first * self.factor
        while rung <= last:
            count, rung = count + 1, rung * self.factor
        powers = range(count - 1, -1, -1)
        return [math.ceil(count * self.factor**s / (s + 1)) for s in powers]


def make_pruner(name: str, *, startup: int = 5, first: int = 1, factor: int = 3) -> Pruner | None:
    """Return the pruner of that name, None for "none"; raises ConfigError for an unknown one."""
    if name not in PRUNERS:
        raise ConfigError("pruner", name, "a pruner", did_you_mean(name, PRUNERS))
    made: dict[str, Pruner] = {
        "median": Median(startup, first),
        "asha": Halving(first, factor),
        "hyperband": Hyperband(first, factor),
    }
    return made.get(name)


def _bracket(number: int, weights: Sequence[int]) -> int:
    """Return a trial's bracket: van der Corput's sequence spreads them evenly over any stretch."""
    bits = max(number.bit_length(), 1)
    reversed_bits = int(format(number, f"0{bits}b")[::-1], 2)
    place = reversed_bits * sum(weights) >> bits
    for bracket, weight in enumerate(weights):
        place -= weight
        if place < 0:
            return bracket
    return len(weights) - 1

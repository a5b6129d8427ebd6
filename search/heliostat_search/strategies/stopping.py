"""When a search of parameters begins no more trials: its target, its patience, its time.

Rules look at trials in the order in which they are told, which follows from declared costs, and at
recorded times; so a resume comes to the same end. Trials under way then are finished and count:
the trials are those of a search whose budget was that many.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from heliostat.errors import ConfigError


@dataclass(frozen=True)
class StopRules:
    """`seconds` of the run, all starts together; `target` of the first objective; `patience`.

    Patience is a number of trials told one after another of which none was better than all before:
    with several objectives, none that no other dominates.
    """

    seconds: float | None = None
    target: float | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not self.seconds > 0:
            raise ConfigError("seconds", self.seconds, "a positive number of seconds")
        if self.target is not None and not math.isfinite(self.target):
            raise ConfigError("target", self.target, "a finite number")
        if self.patience is not None and self.patience < 1:
            raise ConfigError("patience", self.patience, "a positive number of trials")


@dataclass(frozen=True)
class Stopped:
    """The rule that ended a search (a field of `StopRules`), when `told` trials had been told.

    `trial` is the number of the last of them.
    """

    rule: str
    told: int
    trial: int


class Stopping:
    """The rules of one search, told of its trials one by one."""

    def __init__(self, rules: StopRules, direction: str) -> None:
        self._rules = rules
        target = rules.target
        self._target = target if target is None or direction == "min" else -target
        self._told = self._without = 0
        self._front: list[tuple[float, ...]] = []

    def tell(
        self, trial: int, losses: Sequence[float] | None, seconds: float | None
    ) -> Stopped | None:
        """Take in a trial and return the rule that ends the search here, if one does.

        `losses`: its values, all to be minimised, None where it has none. `seconds`: what the run
        had taken at its end, if that is known.
        """
        rules = self._rules
        self._told += 1
        self._without = 0 if self._improves(losses) else self._without + 1
        rule = ""
        if self._target is not None and losses is not None and losses[0] <= self._target:
            rule = "target"
        elif rules.patience is not None and self._without >= rules.patience:
            rule = "patience"
        elif rules.seconds is not None and seconds is not None and seconds >= rules.seconds:
            rule = "seconds"
        return Stopped(rule, self._told, trial) if rule else None

    def _improves(self, losses: Sequence[float] | None) -> bool:
        if losses is None or math.isinf(losses[0]):
            return False
        new = tuple(losses)
        if any(all(o <= n for o, n in zip(old, new, strict=True)) for old in self._front):
            return False
        kept = [o for o in self._front if not all(n <= x for n, x in zip(new, o, strict=True))]
        self._front = [*kept, new]
        return True

"""Trials of a search of parameters: what each gave, which are best, and how they are kept."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat.errors import PluginError, did_you_mean
from heliostat_search.pareto import front
from heliostat_search.strategies.samplers import losses, quiet
from heliostat_search.strategies.space import Space, to_show
from heliostat_search.strategies.stopping import Stopped

TRIALS_KIND = "trials"
"""The kind of the product that a search leaves; `heliostat export --optuna` reads it."""


Report = tuple[int, float]
"""A step and the number that was reported there."""


@dataclass(frozen=True)
class Trial:
    """One trial: its parameters, and a value for each objective, or why it has none.

    A parameter whose condition does not hold is not among them.
    """

    number: int
    params: dict[str, Any]
    values: tuple[float, ...] | None = None
    failure: str = ""
    pruned: Report | None = None
    """The report at which it was given up."""
    reports: tuple[Report, ...] = ()
    """What a pruner was told of it: the number that is compared, at its steps."""

    @property
    def failed(self) -> bool:
        """Whether it ended in an error."""
        return self.values is None and self.pruned is None


@dataclass(frozen=True)
class Trials:
    """All trials of a search in the order of asking; `objectives` gives "min" or "max" by name."""

    objectives: dict[str, str]
    trials: tuple[Trial, ...]
    stopped: Stopped | None = None
    """The rule that ended the search, None if it came to the end of its budget."""

    @property
    def complete(self) -> list[Trial]:
        """The trials that have values."""
        return [trial for trial in self.trials if trial.values is not None]

    @property
    def defined(self) -> list[Trial]:
        """The trials whose values are all numbers."""
        return [trial for trial in self.complete if not any(map(math.isnan, trial.values or ()))]

    @property
    def undefined(self) -> dict[str, int]:
        """In how many complete trials an objective was no number, of those where it was not."""
        columns = zip(*(trial.values or () for trial in self.complete), strict=True)
        counts = [sum(map(math.isnan, column)) for column in columns]
        return {name: n for name, n in zip(self.objectives, counts, strict=False) if n}

    @property
    def front(self) -> list[Trial]:
        """The trials, by the first objective, whose values are numbers that no other dominates."""
        done = self.defined
        if not done:
            return []
        return [done[i] for i in front([self.losses(trial) for trial in done])]

    @property
    def best(self) -> Trial | None:
        """The first trial that is best in the first objective, None when none has numbers."""
        ranked = sorted(self.defined, key=lambda t: (*self.losses(t), t.number))
        return ranked[0] if ranked else None

    def losses(self, trial: Trial) -> tuple[float, ...]:
        """Return a complete trial's values, all to be minimised; all infinite if one is NaN."""
        return losses(trial.values or (), list(self.objectives.values()))


def read_values(result: Any, names: Sequence[str]) -> tuple[float, ...]:
    """Return the value of each objective in a number, a sequence in that order, or a mapping.

    None, a result that there is not, is NaN: it counts as the worst. Raises PluginError when a name
    is missing or a value is anything else than a number.
    """
    if isinstance(result, Mapping):
        for name in names:
            if name not in result:
                hint = did_you_mean(name, [str(key) for key in result])
                raise PluginError(f"a trial's result has no {name!r}; {hint}")
        values = [result[name] for name in names]
    else:
        values = list(result) if isinstance(result, Sequence | np.ndarray) else [result]
    if len(values) != len(names):
        raise PluginError(f"a trial gave {len(values)} values for {len(names)} objectives")
    values = [math.nan if value is None else value for value in values]
    for name, value in zip(names, values, strict=True):
        if isinstance(value, bool | np.bool_) or not isinstance(
            value, int | float | np.integer | np.floating
        ):
            raise PluginError(f"{name} = {value!r} in a trial's result: expected a number")
    return tuple(float(value) for value in values)


def product_of(found: Trials, space: Space, sampler: str) -> bytes:
    """Return the trials as JSON that needs nothing of this package to be read."""
    from optuna.distributions import distribution_to_json

    with quiet():
        shown = {k: distribution_to_json(d.shown()) for k, d in space.items()}
    content = {
        "sampler": sampler,
        "objectives": [[name, direction] for name, direction in found.objectives.items()],
        "space": shown,
        "stopped": found.stopped and found.stopped.rule,
        "trials": [
            {
                "number": trial.number,
                "params": {
                    k: to_show(d, trial.params[k]) for k, d in space.items() if k in trial.params
                },
                "values": None if trial.values is None else [repr(v) for v in trial.values],
                "failure": trial.failure,
                "pruned": trial.pruned and trial.pruned[0],
                "reports": [[step, repr(value)] for step, value in trial.reports],
            }
            for trial in found.trials
        ],
    }
    return json.dumps(content, indent=1).encode()

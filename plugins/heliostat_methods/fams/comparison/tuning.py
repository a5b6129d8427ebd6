"""Every estimator tuned alike: as many settings, the same split, the same criterion."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliostat import Run
from heliostat_methods.fams.comparison.contestants import Contestant, defaults_of, space_of
from heliostat_methods.fams.comparison.trained import Posed, Seeds, trained
from heliostat_methods.fams.training.measures import Fitted
from heliostat_search.strategies.bayesian import Trial, Trials, minimize_search


@dataclass(frozen=True)
class Tuned:
    """What a tuning chose, its value on validation rows, that of the defaults; or why none.

    `failed`: trials without a number; `lost`: trials that had to do without some blocks.
    """

    contestant: Contestant
    trials: int
    failed: int
    value: float | None
    default: float | None
    passes: float
    lost: int = 0
    refused: str = ""


def tune(posed: Posed, name: str, seeds: Seeds) -> Callable[[Run], Tuned]:
    """Return the search for an estimator's parameters."""
    config = posed.config

    def start(run: Run) -> Tuned:
        space, made = space_of(config, name), dict[tuple[Any, ...], Fitted]()

        def numbers(parameters: Mapping[str, Any]) -> tuple[Any, ...]:
            return tuple(parameters[field] for field in space)

        def trial(parameters: dict[str, Any], sub: Run) -> float:
            judging = posed.judging("valid")
            (fitted,) = trained(posed, Contestant(name, parameters), [seeds], [judging], sub)
            made[numbers(parameters)] = fitted
            return fitted.metrics.get(config.criterion, math.nan)

        run.phase(f"{posed.problem.dataset}: tuning {name}")
        initial = [defaults_of(config, name)]
        found = minimize_search(
            run, trial, space, config.trials, sampler=config.sampler, initial=initial
        )
        # by number: trials end in an order of their own
        ended = [made.get(numbers(one.params)) or _lost(one) for one in found.trials]
        return _chosen(name, found, ended, config.criterion)

    return start


def _lost(trial: Trial) -> Fitted:
    """Return what is left of a trial that ended in an error, such as a task killed for memory."""
    return Fitted({}, f"its training failed: {trial.failure}")


def _chosen(name: str, found: Trials, made: Sequence[Fitted], criterion: str) -> Tuned:
    values = {one.number: one.values[0] for one in found.defined if one.values}
    best = found.best
    refusals = [why for one in made if (why := _refusal(one, criterion))]
    return Tuned(
        contestant=Contestant(name, (found.trials[0] if best is None else best).params),
        trials=len(made),
        failed=len(made) - len(values),
        value=None if best is None else values[best.number],
        default=values.get(0),
        passes=sum(one.passes for one in made),
        lost=sum(bool(one.lost) for one in made),
        refused=[*refusals, "no trial gave a number"][0] if best is None else "",
    )


def _refusal(fitted: Fitted, criterion: str) -> str:
    """Return why a trial has no number, or nothing."""
    if fitted.refused or criterion not in fitted.missing:
        return fitted.refused
    why = fitted.missing[criterion]
    return f"the criterion {criterion} has no value on validation rows: {why}"

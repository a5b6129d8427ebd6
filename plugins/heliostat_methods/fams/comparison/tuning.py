"""Every estimator tuned alike: as many settings, the same split, the same criterion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from heliostat import Run
from heliostat_methods.fams.comparison.contestants import Contestant, defaults_of, space_of
from heliostat_methods.fams.comparison.trained import Posed, Seeds, trained
from heliostat_search.strategies.bayesian import minimize_search


@dataclass(frozen=True)
class Tuned:
    """What a tuning chose, its value on validation rows, that of the defaults; or why none."""

    contestant: Contestant
    trials: int
    failed: int
    value: float | None
    default: float | None
    passes: float
    refused: str = ""


def tune(posed: Posed, name: str, seeds: Seeds) -> Callable[[Run], Tuned]:
    """Return the search for an estimator's parameters."""
    config = posed.config

    def start(run: Run) -> Tuned:
        refusals: list[str] = []
        passes: list[float] = []

        def trial(parameters: dict[str, Any], sub: Run) -> float:
            judging = posed.judging("valid")
            (fitted,) = trained(posed, Contestant(name, parameters), [seeds], [judging], sub)
            passes.append(fitted.passes)
            if fitted.refused:
                refusals.append(fitted.refused)
                return float("nan")
            return fitted.metrics[config.criterion]

        initial = defaults_of(config, name)
        found = minimize_search(
            run, trial, space_of(config, name), config.trials, sampler=config.sampler,
            initial=[initial],
        )  # fmt: skip
        told = {one.number: one.values[0] for one in found.defined if one.values}
        best = found.best
        return Tuned(
            contestant=Contestant(name, initial if best is None else best.params),
            trials=len(found.trials),
            failed=len(found.trials) - len(told),
            value=None if best is None else told[best.number],
            default=told.get(0),
            passes=sum(passes),
            refused=(refusals or ["no trial gave a number"])[0] if best is None else "",
        )

    return start

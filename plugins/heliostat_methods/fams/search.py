"""The search: every estimator tuned alike, then trained with several seeds, then compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from heliostat import ConfigError, Run
from heliostat_methods.fams.comparison.conclusion import concluded
from heliostat_methods.fams.comparison.contestants import FAMS, Contestant
from heliostat_methods.fams.comparison.trained import Posed, Seeds, trained
from heliostat_methods.fams.comparison.tuning import Tuned, tune
from heliostat_methods.fams.config import FAMSConfig
from heliostat_methods.fams.training.measures import Fitted
from heliostat_methods.fams.training.problem import posed
from heliostat_search.devices import refuse_missing_gpu

SEEDS = 2**31
"""Seeds of estimators are below it: more are not taken by all libraries."""


def search(config: FAMSConfig, run: Run) -> dict[str, Any]:
    """Tune, train and compare the estimators of a configuration on its subgroups."""
    refuse_missing_gpu(config.device, run)
    _refuse_other_loss(config, run)
    problem = posed(config, run)
    given = Posed(config, problem, run.share(problem))
    seeds = [_seeds(run, number) for number in range(config.seeds)]
    tuned = run.gather(*(tune(given, name, _seeds(run, "tuning")) for name in config.methods))
    usable = [one for one in tuned if not one.refused]
    fitted = dict(
        zip(
            [one.contestant.name for one in usable],
            run.gather(*(_repeated(given, one.contestant, seeds) for one in usable)),
            strict=True,
        )
    )
    sweep = _sweep(given, tuned, seeds, run)
    return concluded(given, tuned, fitted, sweep).plain()


def _refuse_other_loss(config: FAMSConfig, run: Run) -> None:
    """Raise ConfigError before any work for a loss that is for numbers, not for classes."""
    if config.loss is None:
        return
    tasks = tuple(getattr(run.part("loss", config.loss), "tasks", ("classification",)))
    if "classification" not in tasks:
        raise ConfigError(
            "loss", config.loss.name, "a loss for classification", f"it is for {tasks[0]}"
        )


def _seeds(run: Run, name: int | str) -> Seeds:
    return Seeds(run.seed64("split", name) % SEEDS, run.seed64("training", name) % SEEDS)


def _repeated(
    given: Posed, one: Contestant, seeds: Sequence[Seeds]
) -> Callable[[Run], list[Fitted]]:
    judgings = [given.judging("test", curves=place == 0) for place in range(len(seeds))]
    return lambda run: trained(given, one, seeds, judgings, run)


def _sweep(
    given: Posed, tuned: Sequence[Tuned], seeds: Sequence[Seeds], run: Run
) -> list[tuple[Contestant, list[Fitted]]]:
    """Return the method with other weights of the divergence, all else as it was tuned."""
    asked = [
        Contestant(FAMS, {**one.contestant.parameters, "lam": lam}, f"lambda {lam:g}")
        for one in tuned
        if one.contestant.name == FAMS and not one.refused
        for lam in given.config.lambdas
    ]
    return list(
        zip(asked, run.gather(*(_repeated(given, one, seeds) for one in asked)), strict=True)
    )

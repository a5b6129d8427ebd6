"""The search: a rate chosen for each variant, then paired trainings compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat import Run
from heliostat.contract import Model
from heliostat_methods.gmconv.comparison.concluding import Found, concluded
from heliostat_methods.gmconv.comparison.contestants import contestants
from heliostat_methods.gmconv.comparison.networks import anatomy_of
from heliostat_methods.gmconv.comparison.trained import Posed, trainings, valid_curves
from heliostat_methods.gmconv.config import GMConvConfig
from heliostat_methods.gmconv.found.product import save_networks
from heliostat_methods.gmconv.tasks import Settings
from heliostat_methods.gmconv.training.variant import Variant
from heliostat_search.devices import refuse_missing_gpu
from heliostat_search.supervised.problem import posed
from heliostat_search.trainings.choosing import Choice, choose
from heliostat_search.trainings.rates import checkpoints


def search(config: GMConvConfig, run: Run) -> dict[str, Any]:
    """Tune, train and compare the variants of a configuration on one network."""
    refuse_missing_gpu(config.device, run)
    some = contestants(config)
    loaded = posed(run, config.dataset, config.model, config.fractions, config.metric)
    recipe: Model = run.part("model", config.model)
    anatomies = [anatomy_of(loaded.problem, recipe, variant) for variant in some]
    settings = Settings(
        config.learning_rate, config.momentum, config.weight_decay, config.schedule,
        config.batch_size, config.steps, checkpoints(config.steps), config.receptive_inputs,
    )  # fmt: skip
    given = Posed(config, loaded.problem, run.share(loaded.problem), settings, run.share(settings))
    choices = _choices(given, some, run)
    found = _compared(given, some, choices, run)
    save_networks(given, some, choices, found, run)
    return concluded(given, some, anatomies, choices, found, loaded.remarks).plain()


def _choices(given: Posed, some: Sequence[Variant], run: Run) -> list[Choice]:
    config = given.config
    run.phase(f"{given.problem.name}: choosing rates")

    def valid(asked: Sequence[tuple[int, float]]) -> list[Any]:
        pairs = [(some[i], factor) for i, factor in asked]
        return [valid_curves(one) for one in trainings(given, pairs, given.choosing, False, run)]

    return choose(len(some), given.steps, config.rate_factors, config.rate_growths, valid)


def _compared(
    given: Posed, some: Sequence[Variant], choices: Sequence[Choice], run: Run
) -> list[Found]:
    run.phase(f"{given.problem.name}: comparing")
    asked = [(i, factor) for i, choice in enumerate(choices) for factor in choice.factors]
    pairs = [(some[i], factor) for i, factor in asked]
    found: list[dict[float, Any]] = [{} for _ in some]
    made = trainings(given, pairs, given.paired, True, run)
    for (i, factor), trained in zip(asked, made, strict=True):
        found[i][factor] = trained
    return list(found)

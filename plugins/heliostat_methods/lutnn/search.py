"""The search: dense networks, a rate for each variant, paired fine-tunings compared, timings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from heliostat import Run
from heliostat.contract import Model
from heliostat_methods.lutnn.comparison.concluding import Found, concluded
from heliostat_methods.lutnn.comparison.contestants import (
    contestants,
    refuse_few_rows,
    refuse_unchanged,
)
from heliostat_methods.lutnn.comparison.trained import (
    DenseNetworks,
    Posed,
    dense_networks,
    tunings,
    valid_curves,
)
from heliostat_methods.lutnn.config import LutNNConfig
from heliostat_methods.lutnn.found.product import save_networks
from heliostat_methods.lutnn.kernels.backend import asked_variant
from heliostat_methods.lutnn.tasks import Settings
from heliostat_methods.lutnn.timing import TimingQuestion, time_networks
from heliostat_methods.lutnn.training.accounts import dense_cost
from heliostat_methods.lutnn.training.variant import Variant
from heliostat_search.devices import refuse_missing_gpu
from heliostat_search.supervised.problem import Data, create, posed
from heliostat_search.trainings.choosing import Choice, Chosen, choose
from heliostat_search.trainings.rates import checkpoints


def search(config: LutNNConfig, run: Run) -> dict[str, Any]:
    """Train dense networks, make every variant of them, fine-tune, freeze and compare."""
    refuse_missing_gpu(config.device, run)
    asked_variant()
    some = contestants(config)
    loaded = posed(run, config.dataset, config.model, config.fractions, config.metric)
    recipe: Model = run.part("model", config.model)
    refuse_unchanged(loaded.problem, recipe, some)
    refuse_few_rows(loaded.problem, config.calibration_rows, some)
    settings = Settings(
        config.learning_rate, config.steps, checkpoints(config.steps), config.tuning_rate,
        config.temperature_rate, config.tuning_steps, checkpoints(config.tuning_steps),
        config.weight_decay, config.schedule, config.batch_size, config.calibration_rows,
    )  # fmt: skip
    given = Posed(config, loaded.problem, run.share(loaded.problem), settings, run.share(settings))
    dense = dense_networks(given, run)
    choices = _choices(given, dense, some, run)
    found = _compared(given, dense, some, choices, run)
    save_networks(given, some, choices, found, run)
    _timed(given, dense, some, choices, found, run)
    sample = Data.of(loaded.problem).train.x[:1]
    cost, _ = dense_cost(create(loaded.problem, recipe, 0), sample)
    return concluded(given, dense, cost, some, choices, found, loaded.remarks).plain()


def _choices(given: Posed, dense: DenseNetworks, some: Sequence[Variant], run: Run) -> list[Choice]:
    config = given.config
    run.phase(f"{given.problem.name}: choosing rates")
    trained = [variant for variant in some if variant.trained]

    def valid(asked: Sequence[tuple[int, float]]) -> list[Any]:
        pairs = [(trained[i], factor) for i, factor in asked]
        made = tunings(given, dense, pairs, given.choosing, False, run)
        return [valid_curves(one) for one in made]

    chosen = iter(choose(
        len(trained), given.settings.tuning_at, config.rate_factors, config.rate_growths, valid
    ) if trained else ())  # fmt: skip
    as_it_is = Choice(Chosen(1.0), Chosen(1.0), None, ())
    return [next(chosen) if variant.trained else as_it_is for variant in some]


def _compared(
    given: Posed, dense: DenseNetworks, some: Sequence[Variant], choices: Sequence[Choice],
    run: Run,
) -> list[Found]:  # fmt: skip
    run.phase(f"{given.problem.name}: comparing")
    asked = [(i, factor) for i, choice in enumerate(choices) for factor in choice.factors]
    pairs = [(some[i], factor) for i, factor in asked]
    found: list[dict[float, Any]] = [{} for _ in some]
    made = tunings(given, dense, pairs, given.paired, True, run)
    for (i, factor), tuned in zip(asked, made, strict=True):
        found[i][factor] = tuned
    return list(found)


def _timed(
    given: Posed, dense: DenseNetworks, some: Sequence[Variant], choices: Sequence[Choice],
    found: Sequence[Found], run: Run,
) -> None:  # fmt: skip
    """Time the first variant that looks up and was fine-tuned, beside the dense network."""
    for variant, choice, tuned in zip(some, choices, found, strict=True):
        first = tuned[choice.at_end.factor][0]
        shipped = variant.trained and variant.looks_up and variant.kind != "float_tables"
        if not shipped or first.numbers is None or not first.layers:
            continue
        if not np.isfinite(first.test[-1]).all():
            continue
        run.phase(f"{given.problem.name}: timing")
        lookup, seed = run.share(first.numbers), given.paired[0]
        item = TimingQuestion(
            given.handle, dense.by_seed[seed], lookup, variant,
            tuple((one.name, one.length) for one in first.layers), given.config.timed_batches,
        )  # fmt: skip
        run.observe(time_networks, item, shared=(given.handle, dense.by_seed[seed], lookup))
        return

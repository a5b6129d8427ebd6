"""What a configuration says of each phase: local search, rejection, training and comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from heliostat import Resources
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.phases import ScoreSettings
from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.learners.rejection import RejectionConfig
from heliostat_methods.evomal.learners.training import AugmentedTraining, TrainingConfig
from heliostat_methods.evomal.learners.unrolled import UnrolledConfig
from heliostat_search.devices import device_resources


def score_settings(config: EvoMALConfig) -> ScoreSettings:
    """Return what the scoring tasks need of the configuration."""
    return ScoreSettings(
        primitives=config.table_name,
        local_search=config.local_search,
        weight_noise=config.weight_noise,
        skip_label_free=config.skip_label_free,
        reject=config.reject,
        tuning=tuning_config(config),
        rejection=RejectionConfig(config.filter_samples, config.filter_steps, config.learning_rate),
        training=training_config(config, config.base_steps),
    )


def untuned(config: EvoMALConfig) -> EvoMALConfig:
    """Return the configuration of a search that leaves the weights as they are."""
    return config.model_copy(update={"local_search": False})


def as_given(config: EvoMALConfig) -> ScoreSettings:
    """Return settings that score by partial training alone: no local search and no filter."""
    return score_settings(
        untuned(config).model_copy(update={"reject": "off", "skip_label_free": False})
    )


def tuning_config(config: EvoMALConfig) -> UnrolledConfig:
    """Return the settings of local search."""
    return UnrolledConfig(
        meta_steps=config.meta_steps,
        meta_learning_rate=config.meta_learning_rate,
        inner_steps=config.inner_steps,
        **_sgd(config),
    )


def training_config(config: EvoMALConfig, steps: int) -> TrainingConfig:
    """Return the settings of a training of that many steps."""
    return TrainingConfig(steps=steps, **_sgd(config))


SHORTEST, LONGEST = 1_000, 10_000
"""Steps of a comparison's trainings where no number is given."""


def comparison_steps(config: EvoMALConfig, data: ProblemData) -> int:
    """Return the steps of a comparison's trainings: as given, or by rows and batch."""
    if config.test_steps is not None:
        return config.test_steps
    return steps_of(config.test_epochs, len(data.train[1]), config.batch_size)


def steps_of(epochs: float, rows: int, batch_size: int) -> int:
    """Return the steps that make some passes over the training rows, from 1,000 to 10,000."""
    steps = math.ceil(epochs * rows / min(batch_size, rows))
    return min(max(steps, SHORTEST), LONGEST)


def comparison_training(config: EvoMALConfig, data: ProblemData) -> TrainingConfig:
    """Return the settings of the trainings that compare losses."""
    training = training_config(config, comparison_steps(config, data))
    training = replace(training, drops=config.rate_drops)
    if config.augment is None:
        return training
    plain = {f.name: getattr(training, f.name) for f in fields(training)}
    return AugmentedTraining(**plain, padding=config.augment.padding, flip=config.augment.flip)


def needs(config: EvoMALConfig, problems: Sequence[ProblemData]) -> Resources | None:
    """Return what each task that trains on these problems needs by `device`.

    Closed forms are CPU kernels: for them alone, "auto" takes no GPU from others.
    """
    by_autograd = config.baseline == "ml3" or any(data.hidden is None for data in problems)
    if config.device == "cpu" or (config.device == "auto" and not by_autograd):
        return None
    return device_resources(config.device)


def _sgd(config: EvoMALConfig) -> dict[str, Any]:
    return {
        "learning_rate": config.learning_rate,
        "momentum": config.momentum,
        "nesterov": config.nesterov,
        "weight_decay": config.weight_decay,
        "batch_size": config.batch_size,
    }

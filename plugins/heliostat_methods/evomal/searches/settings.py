"""What a configuration says of each phase: local search, rejection, training and comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from heliostat import Resources
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.learners.rejection import RejectionConfig
from heliostat_methods.evomal.learners.training import AugmentedTraining, TrainingConfig
from heliostat_methods.evomal.learners.unrolled import UnrolledConfig
from heliostat_methods.evomal.tasks import ScoreSettings


def score_settings(config: EvoMALConfig) -> ScoreSettings:
    """Return what the scoring tasks need of the configuration."""
    return ScoreSettings(
        primitives=config.primitives,
        local_search=config.local_search,
        weight_noise=config.weight_noise,
        skip_label_free=config.skip_label_free,
        reject=config.reject,
        tuning=tuning_config(config),
        rejection=RejectionConfig(config.filter_samples, config.filter_steps, config.learning_rate),
        training=training_config(config, config.base_steps),
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


def comparison_training(config: EvoMALConfig) -> TrainingConfig:
    """Return the settings of the trainings that compare losses."""
    training = training_config(config, config.test_steps)
    training = replace(training, drops=config.rate_drops)
    if config.augment is None:
        return training
    plain = {f.name: getattr(training, f.name) for f in fields(training)}
    return AugmentedTraining(**plain, padding=config.augment.padding, flip=config.augment.flip)


def settled(config: EvoMALConfig, problems: Sequence[ProblemData]) -> EvoMALConfig:
    """Return the settings with `device` "cpu" where "auto" would have no use for a GPU.

    Closed forms are CPU kernels; a task that holds a GPU for them would keep others from it.
    """
    by_autograd = config.baseline == "ml3" or any(data.hidden is None for data in problems)
    if config.device != "auto" or by_autograd:
        return config
    return config.model_copy(update={"device": "cpu"})


def needs(config: EvoMALConfig) -> Resources | None:
    """Return what each task that trains needs by `device`."""
    if config.device == "cpu":
        return None
    return Resources(gpus=1, or_cpu=config.device == "auto")


def _sgd(config: EvoMALConfig) -> dict[str, Any]:
    return {
        "learning_rate": config.learning_rate,
        "momentum": config.momentum,
        "nesterov": config.nesterov,
        "weight_decay": config.weight_decay,
        "batch_size": config.batch_size,
    }

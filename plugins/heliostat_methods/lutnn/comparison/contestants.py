"""What is compared: variants with the settings of a configuration, on a network that has any."""

from __future__ import annotations

from heliostat import ConfigError
from heliostat.contract import Model
from heliostat_methods.lutnn.baselines.maddness_trees import LEAVES
from heliostat_methods.lutnn.config import LutNNConfig
from heliostat_methods.lutnn.converting.convert import convertible_layers
from heliostat_methods.lutnn.tasks import calibrating_rows
from heliostat_methods.lutnn.training.variant import Variant
from heliostat_search.supervised.problem import Problem, create


def contestants(config: LutNNConfig) -> list[Variant]:
    """Return what a configuration compares, in its order."""
    return [
        Variant(
            name, config.linear, config.convolution, config.pointwise, config.clusters,
            config.keep, config.keep_first, config.keep_last, config.convert, config.temperature,
        )
        for name in config.variants
    ]  # fmt: skip


def refuse_unchanged(problem: Problem, recipe: Model, some: list[Variant]) -> None:
    """Raise ConfigError where a variant would change no layer of the network."""
    module = create(problem, recipe, 0)
    for variant in some:
        if not variant.looks_up:
            continue
        try:
            names, stay = convertible_layers(module, variant.policy(16_384))
        except ValueError as error:
            raise ConfigError("keep", list(variant.keep), "layers of the model", str(error)) from (
                None
            )
        if not names:
            reasons = "; ".join(f"{one.name}: {one.reason}" for one in stay)
            raise ConfigError(
                "model", problem.model.name, "a network with layers that may become tables",
                reasons or "it has no linear layer and no convolution",
            )  # fmt: skip


def refuse_few_rows(problem: Problem, rows: int, some: list[Variant]) -> None:
    """Raise ConfigError where fewer rows calibrate than a codebook has centroids."""
    found = calibrating_rows(len(problem.train[0]), rows)
    for variant in some:
        needed = max(variant.clusters, LEAVES if variant.kind == "maddness" else 0)
        if variant.looks_up and needed > found:
            raise ConfigError(
                "clusters", variant.clusters, f"at most {found}",
                f"{variant.kind} needs {needed} rows, and calibration has {found} of "
                f"{len(problem.train[0])} training rows",
            )  # fmt: skip

"""What is compared: variants with the settings of a configuration, on a network that has any."""

from __future__ import annotations

from heliostat import ConfigError
from heliostat.contract import Model
from heliostat_methods.lutnn.config import LutNNConfig
from heliostat_methods.lutnn.converting.convert import convertible_layers
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

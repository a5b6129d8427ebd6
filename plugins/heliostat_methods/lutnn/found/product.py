"""A network by table lookup, stored so that it can be built again: to train on, or frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from heliostat import ConfigError, PartRef, Run, registry, stored
from heliostat.contract import Model
from heliostat_methods.lutnn.comparison.concluding import Found
from heliostat_methods.lutnn.comparison.trained import Posed
from heliostat_methods.lutnn.converting.convert import with_lookups
from heliostat_methods.lutnn.converting.freeze import freeze_lut
from heliostat_methods.lutnn.found.parameters import NetworkParameters
from heliostat_methods.lutnn.tasks import Numbers
from heliostat_methods.lutnn.training.variant import Variant
from heliostat_search.supervised.problem import SEEN_BEFORE
from heliostat_search.trainings.choosing import Choice

KIND = "model"


@stored("lutnn.network")
@dataclass(frozen=True, eq=False)
class FoundNetwork:
    """A network of the first paired seed; ``lengths``: V of its layers that look up, by name."""

    model: PartRef
    input_shape: tuple[int, ...]
    classes: int
    variant: Variant
    lengths: tuple[tuple[str, int], ...]
    dataset: str
    metric: str
    test: float
    numbers: Numbers


@dataclass(frozen=True, eq=False)
class NetworkModel:
    """A network of a past run as a model part."""

    found: FoundNetwork
    parameters: NetworkParameters

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network with its numbers: (batch, *input_shape) -> (batch, outputs).

        Raises ConfigError where it was trained for samples or outputs of another number.
        """
        found = self.found
        if int(np.prod(input_shape)) != int(np.prod(found.input_shape)) or outputs != found.classes:
            raise ConfigError(
                "model", f"samples {tuple(input_shape)}, {outputs} outputs",
                f"samples {found.input_shape} and {found.classes} outputs",
                "a network by table lookup is of its own data set",
            )  # fmt: skip
        recipe: Model = registry().build_part("model", found.model)
        dense = recipe.create(input_shape, outputs, generator)
        # Other methods may ask for gradients of gradients, which the fast backward pass has not.
        settings = replace(found.variant.settings, composed=True)
        module = with_lookups(dense, dict(found.lengths), found.variant.clusters, settings)
        module.load_state_dict(
            {name: torch.from_numpy(np.array(part)) for name, part in found.numbers.of.items()}
        )
        return freeze_lut(module) if self.parameters.frozen else module

    @property
    def remark(self) -> str:
        """What is to be known of numbers that were trained before."""
        return SEEN_BEFORE.format(dataset=self.found.dataset)

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> tuple[int, ...] | None:
        """Return None: not a dense network."""
        return None


def build_model(value: Any, parameters: NetworkParameters) -> NetworkModel:
    """Return the model part of a stored product."""
    return NetworkModel(value, parameters)


def save_networks(
    posed: Posed, some: Sequence[Variant], choices: Sequence[Choice], found: Sequence[Found],
    run: Run,
) -> None:  # fmt: skip
    """Save the network of each fine-tuned variant's first paired training after all steps."""
    problem = posed.problem
    column = problem.measures.index(problem.metric)
    for variant, choice, tuned in zip(some, choices, found, strict=True):
        first = tuned[choice.at_end.factor][0]
        if first.numbers is None or not np.isfinite(first.test[-1, column]):
            continue
        lengths = tuple((one.name, one.length) for one in first.layers)
        run.save(
            f"network-{variant.kind}",
            FoundNetwork(
                problem.model, problem.input_shape, problem.classes, variant, lengths,
                problem.name, problem.metric, float(first.test[-1, column]), first.numbers,
            ),
            kind=KIND,
        )  # fmt: skip

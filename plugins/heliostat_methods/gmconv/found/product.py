"""A trained network with its kind of convolutions, stored so that it can be built again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from heliostat import ConfigError, PartRef, Run, registry, stored
from heliostat.contract import Model
from heliostat_methods.gmconv.comparison.concluding import Found
from heliostat_methods.gmconv.comparison.trained import Posed
from heliostat_methods.gmconv.converting.fold import fold_gmconv
from heliostat_methods.gmconv.found.parameters import NetworkParameters
from heliostat_methods.gmconv.training.variant import Variant
from heliostat_search.supervised.problem import SEEN_BEFORE
from heliostat_search.trainings.choosing import Choice

KIND = "model"


@stored("gmconv.network")
@dataclass(frozen=True, eq=False)
class FoundNetwork:
    """A network of the first paired seed: ``numbers`` by name, as its state dict has them."""

    model: PartRef
    input_shape: tuple[int, ...]
    classes: int
    variant: Variant
    dataset: str
    metric: str
    test: float
    numbers: Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class NetworkModel:
    """A network of a past run as a model part."""

    found: FoundNetwork
    parameters: NetworkParameters

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network: (batch, *input_shape) -> (batch, outputs).

        Raises ConfigError where it was trained for samples or outputs of another number.
        """
        found, recipe = self.found, self._recipe()
        if self.parameters.trained and (
            int(np.prod(input_shape)) != int(np.prod(found.input_shape)) or outputs != found.classes
        ):
            raise ConfigError(
                "model", f"samples {tuple(input_shape)}, {outputs} outputs",
                f"samples {found.input_shape} and {found.classes} outputs",
                "trained = false draws the same layers anew",
            )  # fmt: skip
        module = found.variant.converted(recipe.create(input_shape, outputs, generator), generator)
        if self.parameters.trained:
            module.load_state_dict(
                {name: torch.from_numpy(np.array(part)) for name, part in found.numbers.items()}
            )
        if self.parameters.folded and self.parameters.trained:
            module = fold_gmconv(module, skip_dynamic=True).model
        return module

    @property
    def remark(self) -> str | None:
        """What is to be known of numbers that were trained before; None where none are taken."""
        if not self.parameters.trained:
            return None
        return SEEN_BEFORE.format(dataset=self.found.dataset)

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> tuple[int, ...] | None:
        """Return None: not a dense network."""
        return None

    def _recipe(self) -> Model:
        recipe: Model = registry().build_part("model", self.found.model)
        return recipe


def build_model(value: Any, parameters: NetworkParameters) -> NetworkModel:
    """Return the model part of a stored product."""
    return NetworkModel(value, parameters)


def save_networks(
    posed: Posed, some: Sequence[Variant], choices: Sequence[Choice], found: Sequence[Found],
    run: Run,
) -> None:  # fmt: skip
    """Save the network of each variant's first paired training after all steps."""
    problem = posed.problem
    column = problem.measures.index(problem.metric)
    for place, (variant, choice, trained) in enumerate(zip(some, choices, found, strict=True)):
        first = trained[choice.at_end.factor][0]
        test = float(first.test[-1, column])
        if first.network is None or not np.isfinite(test):
            continue
        name = "network" if place == 0 else f"network-{_file_name(variant.label)}"
        run.save(
            name,
            FoundNetwork(
                problem.model, problem.input_shape, problem.classes, variant, problem.name,
                problem.metric, test, first.network,
            ),
            kind=KIND,
        )  # fmt: skip


def _file_name(text: str) -> str:
    """Return a label as a name of a product; 1e-06 and 1e+06 stay apart."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text.replace("e+", "e")).strip("-")

"""Dense networks: linear and logistic regression, and perceptrons with ReLU."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from heliostat.errors import ConfigError
from heliostat_methods.parts.models.shapes import check_outputs

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Mlp:
    """Dense ReLU network; `hidden`: width of each hidden layer. Inputs are flattened."""

    hidden: tuple[int, ...] = (32, 32)

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network for samples of `input_shape`: (batch, *shape) -> (batch, outputs)."""
        from torch import nn  # a second to import, and the widths alone need none of it

        from heliostat_methods.parts.layers import dense

        widths = self.widths(input_shape, outputs)
        layers: list[nn.Module] = [nn.Flatten()]
        for number, (fan_in, fan_out) in enumerate(pairwise(widths)):
            if number:
                layers.append(nn.ReLU())
            layers.append(dense(fan_in, fan_out, generator))
        return nn.Sequential(*layers)

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> tuple[int, ...]:
        """Return all widths, from the inputs over the hidden layers to the outputs."""
        check_outputs(outputs)
        if not input_shape or min(input_shape) < 1:
            raise ConfigError("input_shape", input_shape, "sizes of at least 1")
        return (math.prod(input_shape), *self.hidden, outputs)


@dataclass(frozen=True)
class Linear:
    """Linear regression, or multinomial logistic regression: one dense layer."""

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network for samples of `input_shape`: (batch, *shape) -> (batch, outputs)."""
        return Mlp(()).create(input_shape, outputs, generator)

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> tuple[int, ...]:
        """Return the number of inputs and of outputs."""
        return Mlp(()).widths(input_shape, outputs)

"""Base networks: recipes that make freshly initialised torch modules which emit logits.

Weights are Xavier-uniform (Glorot and Bengio 2010), biases zero, all drawn from the generator that
is passed in: torch's global random state is neither read nor changed. A recipe is a value, equal
recipes with equal generators give equal networks. Parameters come layer by layer from the input
on, weight before bias.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from heliostat.errors import ConfigError

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
        _check_outputs(outputs)
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


@dataclass(frozen=True)
class LeNet5:
    """LeNet-5 (LeCun et al. 1998) with tanh and average pooling, 6-16-120-84-C.

    Takes grey images of 28 x 28, as (1, 28, 28), (28, 28) or flattened (784,); padded by 2 on each
    side, since the original saw 32 x 32. 61,706 parameters for 10 classes.
    """

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network: (batch, *input_shape) -> (batch, outputs)."""
        _check_outputs(outputs)
        if input_shape not in ((1, 28, 28), (28, 28), (784,)):
            raise ConfigError(
                "model",
                "lenet5",
                "grey images of 28 x 28, such as mnist5k",
                f"the data have samples of shape {tuple(input_shape)}; mlp takes any shape",
            )
        from torch import nn

        from heliostat_methods.parts.layers import convolution, dense

        return nn.Sequential(
            nn.Flatten(),
            nn.Unflatten(1, (1, 28, 28)),
            convolution(1, 6, generator, padding=2),
            nn.Tanh(),
            nn.AvgPool2d(2),
            convolution(6, 16, generator),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            dense(16 * 5 * 5, 120, generator),
            nn.Tanh(),
            dense(120, 84, generator),
            nn.Tanh(),
            dense(84, outputs, generator),
        )

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> None:
        """Return None: not a dense ReLU network."""
        return None


def _check_outputs(outputs: int) -> None:
    if outputs < 1:
        raise ConfigError("outputs", outputs, "an integer of at least 1")

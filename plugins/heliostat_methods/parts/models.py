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

import torch
from torch import nn

from heliostat.errors import ConfigError


@dataclass(frozen=True)
class Mlp:
    """Dense ReLU network; `hidden`: width of each hidden layer. Inputs are flattened."""

    hidden: tuple[int, ...] = (32, 32)

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> nn.Module:
        """Return the network for samples of `input_shape`: (batch, *shape) -> (batch, outputs)."""
        widths = self.widths(input_shape, outputs)
        layers: list[nn.Module] = [nn.Flatten()]
        for number, (fan_in, fan_out) in enumerate(pairwise(widths)):
            if number:
                layers.append(nn.ReLU())
            layers.append(_dense(fan_in, fan_out, generator))
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
        return nn.Sequential(
            nn.Flatten(),
            nn.Unflatten(1, (1, 28, 28)),
            _convolution(1, 6, generator, padding=2),
            nn.Tanh(),
            nn.AvgPool2d(2),
            _convolution(6, 16, generator),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            _dense(16 * 5 * 5, 120, generator),
            nn.Tanh(),
            _dense(120, 84, generator),
            nn.Tanh(),
            _dense(84, outputs, generator),
        )

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> None:
        """Return None: not a dense ReLU network."""
        return None


def _dense(fan_in: int, fan_out: int, generator: torch.Generator) -> nn.Module:
    return _initialised(_empty(nn.Linear, fan_in, fan_out), generator)


def _convolution(
    channels: int, filters: int, generator: torch.Generator, padding: int = 0
) -> nn.Module:
    return _initialised(_empty(nn.Conv2d, channels, filters, 5, padding=padding), generator)


def _empty(layer: type[nn.Module], *sizes: int, **options: int) -> nn.Module:
    # Called directly, the constructor would draw from torch's global random state.
    made: nn.Module = nn.utils.skip_init(layer, *sizes, **options)  # type: ignore[no-untyped-call]
    return made


def _initialised(layer: nn.Module, generator: torch.Generator) -> nn.Module:
    nn.init.xavier_uniform_(layer.get_parameter("weight"), generator=generator)
    nn.init.zeros_(layer.get_parameter("bias"))
    return layer


def _check_outputs(outputs: int) -> None:
    if outputs < 1:
        raise ConfigError("outputs", outputs, "an integer of at least 1")

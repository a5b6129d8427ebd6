"""A layer part in place of a depthwise convolution."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.layout import BlockShape


class Layer(Protocol):
    """A recipe for one layer, as parts of kind "layer" are."""

    def create(self, input_shape: tuple[int, ...], generator: torch.Generator) -> nn.Module:
        """Return a freshly initialised layer; all randomness comes from `generator`."""
        ...


class PartLayer(nn.Module):
    """A part's layer on (middle, height, width), then the block's stride by average pooling.

    A layer that makes the smaller size itself is left as it is. One that keeps statistics of its
    own is evaluated with what it kept. Raises ConfigError for an output of another shape.
    """

    def __init__(
        self, name: str, layer: Layer, middle: int, shape: BlockShape, generator: torch.Generator
    ) -> None:
        super().__init__()
        wanted = (middle, *shape.size)
        self.layer = layer.create(wanted, generator)
        found = self._shape_of_output(wanted)
        small = (middle, *shape.size_out)
        if found not in (wanted, small):
            sizes = f"{wanted}" if small == wanted else f"{wanted} or {small}"
            raise ConfigError(
                f"layer {name}", found, f"outputs of shape {sizes} for inputs of {wanted}",
                "in place of a depthwise convolution a layer keeps channels and size",
            )  # fmt: skip
        self.stride = shape.stride if found != small else 1

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output at the size that the block gives."""
        y: Tensor = self.layer(x)
        return F.avg_pool2d(y, self.stride, self.stride, ceil_mode=True) if self.stride > 1 else y

    @torch.no_grad()
    def _shape_of_output(self, wanted: tuple[int, ...]) -> tuple[int, ...]:
        training = self.layer.training
        output = self.layer.eval()(torch.zeros(2, *wanted))
        self.layer.train(training)
        return tuple(output.shape[1:]) if output.shape[:1] == (2,) else tuple(output.shape)

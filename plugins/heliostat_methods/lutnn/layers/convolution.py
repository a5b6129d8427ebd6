"""A convolution by table lookup, to train."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from heliostat_methods.lutnn.kernels.packing import Search
from heliostat_methods.lutnn.layers.frozen import FrozenLutConv2d
from heliostat_methods.lutnn.layers.geometry import (
    Geometry,
    checked_images,
    padded_to,
    unbatched,
)
from heliostat_methods.lutnn.layers.settings import LutSettings
from heliostat_methods.lutnn.layers.trainable import LutLayer


class LutConv2d(LutLayer):
    """A `nn.Conv2d` whose patches, in pieces of V numbers, are looked up.

    Rows are ordered (channel, kernel row, kernel column); by default V is the number of taps, so
    that each codebook is a channel's patch. Groups are not supported. `from_convolution` makes one
    of a plain convolution.
    """

    def __init__(
        self,
        convolution: nn.Conv2d,
        length: int | None = None,
        clusters: int = 16,
        *,
        pad: bool = False,
        settings: LutSettings | None = None,
    ) -> None:
        if convolution.groups != 1:
            raise ValueError(f"groups: {convolution.groups}, expected 1")
        geometry = Geometry.of(convolution)
        features = convolution.in_channels * geometry.taps
        length = geometry.taps if length is None else length
        padding = padded_to(features, length, pad, "in_channels x kernel =")
        super().__init__(
            (features + padding) // length, clusters, length, convolution.out_channels,
            convolution.bias is not None, settings or LutSettings(),
            device=convolution.weight.device, dtype=convolution.weight.dtype,
        )  # fmt: skip
        self.in_channels, self.out_channels = convolution.in_channels, convolution.out_channels
        self.geometry, self.padding = geometry, padding
        with torch.no_grad():
            flat = convolution.weight.reshape(self.out_channels, features)
            self.weight.copy_(functional.pad(flat, (0, padding)).T.reshape(self.weight.shape))
            if self.bias is not None and convolution.bias is not None:
                self.bias.copy_(convolution.bias)
        self.learn_as(convolution)

    @classmethod
    def from_convolution(
        cls,
        layer: nn.Conv2d,
        length: int | None = None,
        clusters: int = 16,
        *,
        pad: bool = False,
        settings: LutSettings | None = None,
    ) -> LutConv2d:
        """Return a layer with the weights of a plain one; its centroids are still to be set."""
        return cls(layer, length, clusters, pad=pad, settings=settings)

    def rows(self, x: Tensor) -> Tensor:
        """Return patches of images (B, C, H, W) as rows (B H' W', C V)."""
        rows = self.geometry.rows(checked_images(x, self.in_channels))
        return functional.pad(rows, (0, self.padding)) if self.padding else rows

    def forward(self, input: Tensor) -> Tensor:
        """Return (B, M, H', W'): values of nearest centroids, the gradient of a soft choice."""
        images = checked_images(input, self.in_channels)
        found = self.lookup(self.rows(images))
        return unbatched(self.geometry.images(found, images.shape[0], *images.shape[2:]), input)

    def freeze(self, search: Search = "float", input_scale: float | None = None) -> FrozenLutConv2d:
        """Return the layer for inference: int8 tables and centroids, no weights.

        ``search="int8"`` compares in integers and needs ``input_scale``, the step of a quantised
        input. Raises ValueError where centroids were never set.
        """
        return FrozenLutConv2d(
            self.in_channels, self.geometry, self.frozen_numbers(search, input_scale)
        )

    def shipped(self) -> nn.Module:
        """Return the form that inference runs: frozen, or this layer while it is dense."""
        return self.freeze().eval() if self.ready else self

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Return those of an image (C, H, W): a search, an addition a codebook and output."""
        codebooks, clusters, length = self.centroids.shape
        high, wide = self.geometry.size(*input_shape[1:])
        return high * wide * codebooks * (clusters * length + self.out_channels)

    def extra_repr(self) -> str:
        """Return the sizes as torch shows them."""
        codebooks, clusters, length = self.centroids.shape
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.geometry.kernel_size}, "
            f"stride={self.geometry.stride}, codebooks={codebooks}, clusters={clusters}, "
            f"length={length}, bias={self.bias is not None}"
        )

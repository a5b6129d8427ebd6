"""Layers for inference: centroids and int8 tables, no weights; looked up by the kernel.

What is stored are plain tensors, by name: ``centroids`` (C, K, V) float32, ``tables`` (C, K, M)
int8, ``scale`` () or (M,) and ``bias`` (M,) float32, ``input_scale`` (), 0 without an int8 search.
The kernel's layouts are made of them when a layer is built or loaded. There is no gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from heliostat_methods.lutnn.kernels import ops
from heliostat_methods.lutnn.kernels.packing import PATCH, PackedLayer, Search, pack
from heliostat_methods.lutnn.layers.geometry import (
    Geometry,
    checked_images,
    rows_of,
    unbatched,
)


@dataclass(frozen=True, eq=False)
class FrozenNumbers:
    """What a frozen layer is made of; ``search="int8"`` needs the step of a quantised input."""

    centroids: Tensor
    tables: Tensor
    scale: Tensor
    bias: Tensor | None = None
    search: Search = "float"
    input_scale: float | None = None


class FrozenLut(nn.Module):
    """What frozen layers share: their numbers, and the same in the kernel's layouts."""

    centroids: Tensor
    tables: Tensor
    scale: Tensor
    bias: Tensor | None
    input_scale: Tensor

    def __init__(self, numbers: FrozenNumbers) -> None:
        super().__init__()
        self.search: Search = numbers.search
        for name in ("centroids", "tables", "scale", "bias"):
            self.register_buffer(name, getattr(numbers, name))
        self.register_buffer("input_scale", torch.tensor(float(numbers.input_scale or 0.0)))
        self.packed = self._pack()
        self.register_load_state_dict_post_hook(_packed_again)  # type: ignore[no-untyped-call]

    @property
    def out_features(self) -> int:
        """M."""
        return int(self.tables.shape[2])

    def _pack(self) -> PackedLayer:
        step = float(self.input_scale)
        return pack(
            self.centroids, self.tables, self.scale, self.bias, search=self.search,
            input_scale=step if step > 0 else None,
        )  # fmt: skip

    def _apply(self, fn: Any, recurse: bool = True) -> FrozenLut:
        # Numbers stay what the kernel takes, whatever a model is cast or moved to.
        del fn, recurse
        return self

    def extra_repr(self) -> str:
        """Return the sizes as torch shows them."""
        codebooks, clusters, length = self.centroids.shape
        return (
            f"outputs={self.out_features}, codebooks={codebooks}, clusters={clusters}, "
            f"length={length}, search={self.search!r}"
        )


class FrozenLutLinear(FrozenLut):
    """A linear layer by table lookup for inference, (..., D) -> (..., M), on the CPU."""

    def __init__(self, in_features: int, numbers: FrozenNumbers) -> None:
        super().__init__(numbers)
        self.in_features = in_features
        self.padding = self.packed.in_features - in_features

    def forward(self, input: Tensor) -> Tensor:
        """Return (..., M) in the type of the inputs."""
        rows = rows_of(input, self.in_features, self.padding)
        found = ops.linear(rows, self.packed).to(input.dtype)
        return found.reshape(*input.shape[:-1], self.out_features)


class FrozenLutConv2d(FrozenLut):
    """A convolution by table lookup for inference, on the CPU; 3x3 ones are not unfolded."""

    def __init__(self, in_channels: int, geometry: Geometry, numbers: FrozenNumbers) -> None:
        super().__init__(numbers)
        self.in_channels, self.geometry = in_channels, geometry
        self.padding = self.packed.in_features - in_channels * geometry.taps

    def forward(self, input: Tensor) -> Tensor:
        """Return (B, M, H', W') in the type of the inputs."""
        images = checked_images(input, self.in_channels)
        simple = self.geometry.simple
        if simple is not None and self.packed.length == PATCH:
            self.geometry.size(*images.shape[2:])  # says what is too small
            found = ops.conv3x3(images, self.packed, stride=simple[0], padding=simple[1])
        else:
            rows = functional.pad(self.geometry.rows(images), (0, self.padding))
            found = self.geometry.images(
                ops.linear(rows, self.packed), images.shape[0], *images.shape[2:]
            )
        return unbatched(found.to(input.dtype), input)


def _packed_again(module: nn.Module, keys: Any) -> None:
    assert isinstance(module, FrozenLut)
    module.packed = module._pack()

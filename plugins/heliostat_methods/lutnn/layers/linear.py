"""A linear layer by table lookup, to train."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from heliostat_methods.lutnn.codebooks.soft_assignment import Distance
from heliostat_methods.lutnn.codebooks.tables import TableScale
from heliostat_methods.lutnn.kernels.packing import Search
from heliostat_methods.lutnn.layers.frozen import FrozenLutLinear
from heliostat_methods.lutnn.layers.geometry import padded_to, rows_of
from heliostat_methods.lutnn.layers.settings import TEMPERATURE, LutSettings
from heliostat_methods.lutnn.layers.trainable import LutLayer, checked_bias


class LutLinear(LutLayer):
    """y = sum_c T[c, nearest centroid of piece c] + bias for inputs (..., D), as `nn.Linear`.

    ``length`` is V, ``clusters`` K. A new layer draws its weights and refuses to run until its
    centroids are set; `from_linear` and `from_tensors` make one that runs. Raises ValueError where
    V does not divide D, unless ``pad``.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        length: int = 16,
        clusters: int = 16,
        pad: bool = False,
        settings: LutSettings | None = None,
        generator: torch.Generator | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        padding = padded_to(in_features, length, pad, "in_features")
        codebooks = (in_features + padding) // length
        super().__init__(
            codebooks, clusters, length, out_features, bias, settings or LutSettings(),
            device=device, dtype=dtype,
        )  # fmt: skip
        self.in_features, self.out_features, self.padding = in_features, out_features, padding
        self.reset_weight(in_features, generator)

    @classmethod
    def from_tensors(
        cls,
        centroids: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        *,
        temperature: float = TEMPERATURE,
        distance: Distance = "euclidean",
        table_scale: TableScale = "per_layer",
        settings: LutSettings | None = None,
    ) -> LutLinear:
        """Return a layer of centroids (C, K, V), weights (C, V, M) and a bias (M,).

        ``settings`` replaces the three before it.
        """
        if centroids.dim() != 3 or 0 in centroids.shape:
            raise ValueError(f"centroids: shape {tuple(centroids.shape)}, expected (C, K, V)")
        codebooks, clusters, length = centroids.shape
        if weight.dim() != 3 or weight.shape[:2] != (codebooks, length):
            raise ValueError(
                f"weight: shape {tuple(weight.shape)}, expected ({codebooks}, {length}, M)"
            )
        outputs = weight.shape[2]
        checked_bias(bias, outputs)
        layer = cls(
            codebooks * length, outputs, bias is not None, length=length, clusters=clusters,
            settings=settings or LutSettings(temperature, distance, table_scale),
            device=weight.device, dtype=weight.dtype,
        )  # fmt: skip
        layer.set_centroids(centroids)
        with torch.no_grad():
            layer.weight.copy_(weight)
            if layer.bias is not None and bias is not None:
                layer.bias.copy_(bias)
        return layer

    @classmethod
    def from_linear(
        cls,
        layer: nn.Linear,
        length: int = 16,
        clusters: int = 16,
        *,
        pad: bool = False,
        settings: LutSettings | None = None,
    ) -> LutLinear:
        """Return a layer with the weights of a plain one; its centroids are still to be set."""
        made = cls(
            layer.in_features, layer.out_features, layer.bias is not None, length=length,
            clusters=clusters, pad=pad, settings=settings, device=layer.weight.device,
            dtype=layer.weight.dtype, generator=torch.Generator(layer.weight.device),
        )  # fmt: skip
        with torch.no_grad():
            rows = functional.pad(layer.weight, (0, made.padding)).T  # (D, M)
            made.weight.copy_(rows.reshape(made.weight.shape))
            if made.bias is not None:
                made.bias.copy_(layer.bias)
        made.learn_as(layer)
        return made

    def rows(self, x: Tensor) -> Tensor:
        """Return inputs (..., D) as rows (N, C V)."""
        return rows_of(x, self.in_features, self.padding)

    def forward(self, input: Tensor) -> Tensor:
        """Return (..., M): the value of the nearest centroids, the gradient of a soft choice."""
        return self.lookup(self.rows(input)).reshape(*input.shape[:-1], self.out_features)

    def freeze(self, search: Search = "float", input_scale: float | None = None) -> FrozenLutLinear:
        """Return the layer for inference: int8 tables and centroids, no weights.

        ``search="int8"`` compares in integers and needs ``input_scale``, the step of a quantised
        input. Raises ValueError where centroids were never set.
        """
        return FrozenLutLinear(self.in_features, self.frozen_numbers(search, input_scale))

    def shipped(self) -> nn.Module:
        """Return the form that inference runs: frozen, or this layer while it is dense."""
        return self.freeze().eval() if self.ready else self

    def extra_repr(self) -> str:
        """Return the sizes as torch shows them."""
        codebooks, clusters, length = self.centroids.shape
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"codebooks={codebooks}, clusters={clusters}, length={length}, "
            f"bias={self.bias is not None}"
        )

"""Linear and convolution layers by MADDNESS, for inference: hash trees, then sums of int8 entries.

Source: Blalock and Guttag 2021, "Multiplying matrices without multiplying", arXiv 2106.10860.
Tables are rounded to the nearest step and summed exactly, as LUT-NN's are; the paper's averaging
of 8-bit sums, which makes them faster and less exact, is left out.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from heliostat_methods.lutnn.baselines.maddness_prototypes import learned_prototypes
from heliostat_methods.lutnn.baselines.maddness_trees import (
    LEAVES,
    HashTrees,
    encode,
    learned_trees,
)
from heliostat_methods.lutnn.codebooks.tables import (
    TableScale,
    check_table_scale,
    quantised_tables_of,
)
from heliostat_methods.lutnn.finite import NotFiniteError
from heliostat_methods.lutnn.layers.geometry import Geometry, checked_images, unbatched


class MaddnessLinear(nn.Module):
    """A linear layer of D inputs and M outputs by four comparisons a codebook and table lookup.

    ``tables`` is (C, 16, M) int8, ``scale`` what one step of them is worth, () or (M,); ``bias`` is
    (M,) or None. Nothing of it is trained (Blalock and Guttag 2021, arXiv 2106.10860).
    """

    split_idxs: Tensor
    thresholds: Tensor
    tables: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(
        self, trees: HashTrees, tables: Tensor, scale: Tensor, bias: Tensor | None = None
    ) -> None:
        super().__init__()
        self.in_features = trees.in_features
        self.register_buffer("split_idxs", trees.split_idxs)
        self.register_buffer("thresholds", trees.thresholds)
        self.register_buffer("tables", tables)
        self.register_buffer("scale", scale.detach().float())
        self.register_buffer("bias", None if bias is None else bias.detach().float().clone())

    @classmethod
    def from_inputs(
        cls, inputs: Tensor, weight: Tensor, bias: Tensor | None = None, *, codebook_length: int,
        ridge: float = 1.0, table_scale: TableScale = "per_layer",
    ) -> Self:  # fmt: skip
        """Return a layer learned from inputs (N, D), of a dense one's weight (M, D) and bias (M,).

        V = ``codebook_length`` inputs make a codebook; ``ridge`` is `learned_prototypes`'s and
        ``table_scale`` `quantised_tables_of`'s (Blalock and Guttag 2021, arXiv 2106.10860). Raises
        ValueError naming the argument.
        """
        _check(inputs, weight, bias, codebook_length)
        check_table_scale(table_scale)
        rows = inputs.detach().cpu()
        trees = learned_trees(rows, rows.shape[1] // codebook_length)
        prototypes = learned_prototypes(rows, encode(trees, rows), ridge)
        tables, scale = quantised_tables_of(
            prototypes @ weight.detach().cpu().double().T, table_scale
        )
        return cls(trees, tables, scale, bias).to(weight.device)

    @property
    def trees(self) -> HashTrees:
        """The codebooks' trees."""
        return HashTrees(self.split_idxs, self.thresholds, self.in_features)

    @property
    def codebooks(self) -> int:
        """C."""
        return int(self.tables.shape[0])

    @property
    def out_features(self) -> int:
        """M."""
        return int(self.tables.shape[2])

    def sums(self, codes: Tensor) -> Tensor:
        """Return the whole sums (N, M) float32 of the table entries that codes (N, C) name.

        They are exact in any order, for they stay below 2^24 up to C = 132104.
        """
        first = torch.arange(self.codebooks, device=codes.device) * LEAVES
        entries = self.tables.reshape(-1, self.out_features).float()
        found: Tensor = functional.embedding_bag(codes.long() + first, entries, mode="sum")
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (..., M) float32 of inputs (..., D)."""
        if x.dim() == 0 or x.shape[-1] != self.in_features:
            width = x.shape[-1] if x.dim() else 0
            raise ValueError(f"x: {width} features, expected the layer's {self.in_features}")
        codes = encode(self.trees, x.reshape(-1, self.in_features))
        found = self.sums(codes) * self.scale
        if self.bias is not None:
            found = found + self.bias
        return found.reshape(*x.shape[:-1], self.out_features)

    def extra_repr(self) -> str:
        """Return the sizes, for ``print(module)``."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"codebooks={self.codebooks}, bias={self.bias is not None}"
        )


class MaddnessConv2d(nn.Module):
    """A convolution of one group by `MaddnessLinear` of its unfolded images.

    Inputs of a window are ordered by channel, row, column; D = C_in kh kw (Blalock and Guttag 2021,
    arXiv 2106.10860).
    """

    def __init__(self, linear: MaddnessLinear, geometry: Geometry) -> None:
        super().__init__()
        self.linear, self.geometry = linear, geometry

    @classmethod
    def from_convolution(
        cls, convolution: nn.Conv2d, inputs: Tensor, *, codebook_length: int | None = None,
        ridge: float = 1.0, table_scale: TableScale = "per_layer",
    ) -> Self:  # fmt: skip
        """Return a layer learned from images (B, C_in, H, W) for a convolution's weight and bias.

        All B H' W' windows are learned from, so they have to fit in memory. A codebook is one
        channel's window, V = kh kw, unless ``codebook_length`` is given; the rest is
        `MaddnessLinear.from_inputs`'s (Blalock and Guttag 2021, arXiv 2106.10860). Raises
        ValueError naming the argument.
        """
        if convolution.groups != 1:
            raise ValueError(f"convolution: {convolution.groups} groups, expected 1")
        images = checked_images(inputs.detach(), convolution.in_channels, "inputs")
        geometry = Geometry.of(convolution)
        linear = MaddnessLinear.from_inputs(
            geometry.rows(images),
            convolution.weight.flatten(1),
            convolution.bias,
            codebook_length=geometry.taps if codebook_length is None else codebook_length,
            ridge=ridge,
            table_scale=table_scale,
        )
        return cls(linear, geometry)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (B, M, H', W') float32 of images (B, C_in, H, W)."""
        images = checked_images(x, self.linear.in_features // self.geometry.taps)
        rows = self.linear(self.geometry.rows(images.detach().float()))
        return unbatched(self.geometry.images(rows, images.shape[0], *images.shape[2:]), x)

    def extra_repr(self) -> str:
        """Return where the windows lie, for ``print(module)``."""
        return repr(self.geometry)


def _check(inputs: Tensor, weight: Tensor, bias: Tensor | None, codebook_length: int) -> None:
    if inputs.dim() != 2:
        raise ValueError(f"inputs: shape {tuple(inputs.shape)}, expected (N, D)")
    features = inputs.shape[1]
    if codebook_length < 1 or features % codebook_length:
        raise ValueError(
            f"codebook_length: {codebook_length}, expected a divisor of the {features} features"
        )
    if weight.dim() != 2 or weight.shape[1] != features:
        raise ValueError(f"weight: shape {tuple(weight.shape)}, expected (M, {features})")
    if bias is not None and tuple(bias.shape) != (len(weight),):
        raise ValueError(f"bias: shape {tuple(bias.shape)}, expected ({len(weight)},)")
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and not bool(torch.isfinite(value).all()):
            raise NotFiniteError(f"{name}: finite numbers are expected")

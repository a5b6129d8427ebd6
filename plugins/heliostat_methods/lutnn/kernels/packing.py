"""A frozen layer in the kernel's layouts: centroids by lanes, and the int8 tables in two orders.

A search compares the LANES = 16 centroids of a codebook in the lanes of one vector. Fewer centroids
are padded with lanes of infinite norm, which never win. Sums of table entries are taken in one of
two ways, each with its order of the same numbers: `rows` gives 64 outputs of one code side by side
(few tokens, or short vectors), `quads` the 4 x 16 entries of four codebooks for one output, the 64
bytes that one permutation looks up for 16 tokens (AVX-512).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from heliostat_methods.lutnn.finite import NotFiniteError
from heliostat_methods.lutnn.kernels.layer_view import LayerView, address

Search = Literal["float", "int8"]
LANES = 16
"""Centroids of a codebook in the compiled kernel."""
OUTPUT_BLOCK = 64
"""Outputs are padded to a multiple of it."""
PATCH = 9
"""V of a 3x3 convolution."""
LAYOUT_VERSION = 1
"""Goes up when a packed tensor means something else than before."""
_LARGEST_OFFSET = 2.0**26
_NEVER = 2**27 - 1
"""An int8 score above all others: norm and product below it are at most 2^26 each."""


@dataclass(frozen=True, eq=False)
class PackedLayer:
    """A layer of C codebooks of K centroids of length V, with M outputs, ready for the kernel.

    L is K padded to 16, larger K stays and runs in torch only; P is M padded to a multiple of 64.
    """

    centroids: Tensor
    """(C, V, L) float32."""
    half_norms: Tensor
    """(C, L) float32, half of the squared norms; infinite in padded lanes."""
    rows: Tensor
    """(P/64, C, L, 64) int8, the tables, with the sign bits of even outputs turned.

    As unsigned bytes these are 128 higher than the entries: the kernel's sums want them so.
    """
    quads: Tensor | None
    """(P/4, ceil(C/4), 4, 64) int8, the tables once more; None where L is not 16."""
    scale: Tensor
    """(P,) float32, what one step of the tables is worth."""
    bias: Tensor
    """(P,) float32."""
    clusters: int
    """K."""
    out_features: int
    """M."""
    search: Search = "float"
    centroids_int8: Tensor | None = None
    """(C, ceil(V/4), 16, 4) int8, negated; with search="int8" alone. V = 9 has a quarter a row."""
    offsets_int8: Tensor | None = None
    """(C, 16) int32, the norms in steps of the int8 product, corrected for inputs above 0."""
    inverse_input_scale: float = 0.0
    """Steps of a quantised input in one unit, rounded to float32."""

    @cached_property
    def codebooks(self) -> int:
        """C."""
        return int(self.centroids.shape[0])

    @cached_property
    def length(self) -> int:
        """V, the inputs of one codebook."""
        return int(self.centroids.shape[1])

    @cached_property
    def lanes(self) -> int:
        """L."""
        return int(self.centroids.shape[2])

    @cached_property
    def in_features(self) -> int:
        """D = C V."""
        return self.codebooks * self.length

    @cached_property
    def native(self) -> bool:
        """Whether the compiled kernel can run it."""
        return self.lanes == LANES

    @cached_property
    def int8_by_lane(self) -> Tensor:
        """The int8 search's centroids (C, V, 16), negated, as float64 for torch's products."""
        assert self.centroids_int8 is not None
        by_lane = self.centroids_int8.transpose(2, 3).reshape(self.codebooks, -1, LANES)
        return by_lane[:, _places(self.length)].double()

    @cached_property
    def view(self) -> LayerView:
        """The layer as C sees it; its addresses hold as long as the layer's tensors live."""
        return LayerView(
            self.codebooks, self.length, self.out_features, address(self.centroids),
            address(self.half_norms), address(self.rows), address(self.quads),
            address(self.scale), address(self.bias), address(self.centroids_int8),
            address(self.offsets_int8), self.inverse_input_scale, int(self.search == "int8"),
        )  # fmt: skip

    @cached_property
    def float_rows(self) -> Tensor:
        """The tables as (C L, M) float32, for torch's sums; made when first used."""
        by_code = self.rows.permute(1, 2, 0, 3).reshape(self.codebooks * self.lanes, -1)
        return _turned(by_code)[:, : self.out_features].float()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what holds addresses: a copy makes its own."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def pack(
    centroids: Tensor, tables: Tensor, scale: Tensor | float, bias: Tensor | None = None, *,
    search: Search = "float", input_scale: float | None = None,
) -> PackedLayer:  # fmt: skip
    """Return a layer of centroids (C, K, V) and int8 tables (C, K, M) in the kernel's layouts.

    ``scale`` is a number, or (M,) for one an output; ``bias`` is (M,). ``search="int8"`` compares
    in integers and needs ``input_scale``, the size of one step of a quantised input, as
    `calibrated_scale` gives it. Raises ValueError naming the argument.
    """
    _check(centroids, tables, scale, bias, search, input_scale)
    codebooks, clusters, length = centroids.shape
    outputs = tables.shape[2]
    lanes = max(LANES, clusters)
    padded = -(-outputs // OUTPUT_BLOCK) * OUTPUT_BLOCK
    by_lane = torch.zeros(codebooks, length, lanes)
    by_lane[:, :, :clusters] = centroids.detach().float().transpose(1, 2)
    half_norms = torch.full((codebooks, lanes), math.inf)
    half_norms[:, :clusters] = by_lane[:, :, :clusters].double().square().sum(1).mul(0.5).float()
    entries = torch.zeros(codebooks, lanes, padded, dtype=torch.int8)
    entries[:, :clusters, :outputs] = tables
    rows = _turned(entries).reshape(codebooks, lanes, -1, OUTPUT_BLOCK).permute(2, 0, 1, 3)
    integer = (
        _int8_search(by_lane, half_norms, clusters, float(input_scale))
        if search == "int8" and input_scale is not None
        else {}
    )
    return PackedLayer(
        by_lane, half_norms, rows.contiguous(), _quads(entries) if lanes == LANES else None,
        _padded(scale, outputs, padded), _padded(0.0 if bias is None else bias, outputs, padded),
        clusters, outputs, search, **integer,
    )  # fmt: skip


def calibrated_scale(inputs: Tensor) -> float:
    """Return the step of a quantised input that reaches the largest of some inputs, max|x|/127."""
    largest = float(inputs.detach().abs().max()) if inputs.numel() else 0.0
    if not math.isfinite(largest):
        raise NotFiniteError("inputs: calibration needs finite numbers")
    return largest / 127 if largest > 0 else 1.0


def _turned(entries: Tensor) -> Tensor:
    """Return entries with the sign bits of even outputs turned; twice gives them back."""
    turned = entries.clone()
    turned[..., ::2] ^= -128
    return turned


def _quads(entries: Tensor) -> Tensor:
    codebooks, lanes, padded = entries.shape
    groups = -(-codebooks // 4)
    full = torch.zeros(groups * 4, lanes, padded, dtype=torch.int8)
    full[:codebooks] = entries
    by_group = full.reshape(groups, 4 * lanes, padded // 4, 4)
    return by_group.permute(2, 0, 3, 1).contiguous()


def _padded(values: Tensor | float, outputs: int, padded: int) -> Tensor:
    full = torch.zeros(padded)
    full[:outputs] = torch.as_tensor(values, dtype=torch.float32).detach()
    return full


def _places(length: int) -> Tensor:
    """Return where the V inputs of a piece stand among its quarters of four.

    A 3x3 patch has a quarter for each row, as it can be read from an image.
    """
    places = torch.arange(length)
    return places + places // 3 if length == PATCH else places


def _int8_search(
    by_lane: Tensor, half_norms: Tensor, clusters: int, input_scale: float
) -> dict[str, Any]:
    codebooks, length, lanes = by_lane.shape
    largest = by_lane.double().abs().amax((1, 2))
    step = torch.where(largest > 0, largest / 127, 1.0)
    quantised = -(by_lane.double() / step[:, None, None]).round()
    quarters, used = -(-length // 4), _places(length)
    full = torch.zeros(codebooks, quarters * 4, lanes, dtype=torch.int8)
    full[:, used] = quantised.to(torch.int8)
    norms = half_norms[:, :clusters].double() / (step * input_scale)[:, None]
    offsets = torch.full((codebooks, lanes), _NEVER, dtype=torch.int32)
    # An input of 0 is stored as 128: what that adds to each product is taken off here.
    correction = 128 * full.long().sum(1)[:, :clusters]
    offsets[:, :clusters] = (norms.clamp(max=_LARGEST_OFFSET).round().long() - correction).int()
    return {
        "centroids_int8": full.reshape(codebooks, quarters, 4, lanes).transpose(2, 3).contiguous(),
        "offsets_int8": offsets,
        "inverse_input_scale": float(torch.tensor(1 / input_scale, dtype=torch.float32)),
    }


def _check(
    centroids: Tensor, tables: Tensor, scale: Tensor | float, bias: Tensor | None, search: str,
    input_scale: float | None,
) -> None:  # fmt: skip
    if centroids.dim() != 3 or 0 in centroids.shape:
        raise ValueError(f"centroids: shape {tuple(centroids.shape)}, expected (C, K, V)")
    if not bool(torch.isfinite(centroids).all()):
        raise NotFiniteError("centroids: finite numbers are expected")
    codebooks, clusters, length = centroids.shape
    if not 2 <= clusters <= 256:
        raise ValueError(f"centroids: K = {clusters} of a codebook, expected 2 to 16 for the "
                         "compiled kernel and at most 256 in torch")  # fmt: skip
    if tables.dtype != torch.int8:
        raise ValueError(f"tables: {tables.dtype}, expected torch.int8")
    if tables.dim() != 3 or tables.shape[:2] != (codebooks, clusters) or tables.shape[2] == 0:
        raise ValueError(
            f"tables: shape {tuple(tables.shape)}, expected ({codebooks}, {clusters}, M)"
        )
    outputs = tables.shape[2]
    for name, value in (("scale", torch.as_tensor(scale)), ("bias", bias)):
        allowed = [(outputs,), ()] if name == "scale" else [(outputs,)]
        if value is not None and tuple(value.shape) not in allowed:
            raise ValueError(f"{name}: shape {tuple(value.shape)}, expected ({outputs},)")
        if value is not None and not bool(torch.isfinite(value).all()):
            raise ValueError(f"{name}: finite numbers are expected")
    if search not in ("float", "int8"):
        raise ValueError(f"search: {search!r}, expected 'float' or 'int8'")
    if search == "int8":
        if input_scale is None or not (input_scale > 0 and math.isfinite(input_scale)):
            raise ValueError(f"input_scale: {input_scale}, expected a positive number for "
                             "search='int8'")  # fmt: skip
        if clusters > LANES or length > 4096:
            raise ValueError(f"search: 'int8' needs K <= {LANES} and V <= 4096, not K = {clusters} "
                             f"and V = {length}")  # fmt: skip

"""The kernel as operators of torch, so that exported and compiled models keep it.

Called eagerly a layer goes to the kernel directly; where torch traces, it becomes an operator whose
arguments are the packed layer's tensors. `linear` and `conv3x3` choose.
"""

from __future__ import annotations

import torch
from torch import Tensor

from heliostat_methods.lutnn.kernels.convolution import lut_conv3x3
from heliostat_methods.lutnn.kernels.linear import lut_linear
from heliostat_methods.lutnn.kernels.packing import PackedLayer, Search


def linear(x: Tensor, packed: PackedLayer) -> Tensor:
    """Return `lut_linear`, as an operator where torch traces."""
    if _traced():
        return torch.ops.heliostat_lutnn.linear(x, *_arguments(packed))  # type: ignore[no-any-return]
    return lut_linear(x, packed)


def conv3x3(x: Tensor, packed: PackedLayer, *, stride: int = 1, padding: int = 1) -> Tensor:
    """Return `lut_conv3x3`, as an operator where torch traces."""
    if _traced():
        found = torch.ops.heliostat_lutnn.conv3x3(x, *_arguments(packed), stride, padding)
        return found  # type: ignore[no-any-return]
    return lut_conv3x3(x, packed, stride=stride, padding=padding)


def _traced() -> bool:
    """Return whether torch records what is called, in any of its ways."""
    return (
        torch.compiler.is_compiling()
        or torch._C._get_tracing_state() is not None
        or torch._C._len_torch_dispatch_stack() > 0
    )


@torch.library.custom_op("heliostat_lutnn::linear", mutates_args=())
def _linear(
    x: Tensor, centroids: Tensor, half_norms: Tensor, rows: Tensor, quads: Tensor | None,
    scale: Tensor, bias: Tensor, clusters: int, outputs: int, search: str,
    centroids_int8: Tensor | None, offsets_int8: Tensor | None, inverse_input_scale: float,
) -> Tensor:  # fmt: skip
    return lut_linear(x, _packed(
        centroids, half_norms, rows, quads, scale, bias, clusters, outputs, search,
        centroids_int8, offsets_int8, inverse_input_scale,
    ))  # fmt: skip


@_linear.register_fake
def _(
    x: Tensor, centroids: Tensor, half_norms: Tensor, rows: Tensor, quads: Tensor | None,
    scale: Tensor, bias: Tensor, clusters: int, outputs: int, search: str,
    centroids_int8: Tensor | None, offsets_int8: Tensor | None, inverse_input_scale: float,
) -> Tensor:  # fmt: skip
    return x.new_empty(x.shape[0], outputs, dtype=torch.float32)


@torch.library.custom_op("heliostat_lutnn::conv3x3", mutates_args=())
def _conv3x3(
    x: Tensor, centroids: Tensor, half_norms: Tensor, rows: Tensor, quads: Tensor | None,
    scale: Tensor, bias: Tensor, clusters: int, outputs: int, search: str,
    centroids_int8: Tensor | None, offsets_int8: Tensor | None, inverse_input_scale: float,
    stride: int, padding: int,
) -> Tensor:  # fmt: skip
    packed = _packed(
        centroids, half_norms, rows, quads, scale, bias, clusters, outputs, search,
        centroids_int8, offsets_int8, inverse_input_scale,
    )  # fmt: skip
    return lut_conv3x3(x, packed, stride=stride, padding=padding)


@_conv3x3.register_fake
def _(
    x: Tensor, centroids: Tensor, half_norms: Tensor, rows: Tensor, quads: Tensor | None,
    scale: Tensor, bias: Tensor, clusters: int, outputs: int, search: str,
    centroids_int8: Tensor | None, offsets_int8: Tensor | None, inverse_input_scale: float,
    stride: int, padding: int,
) -> Tensor:  # fmt: skip
    high, wide = ((n + 2 * padding - 3) // stride + 1 for n in x.shape[2:])
    return x.new_empty(x.shape[0], outputs, high, wide, dtype=torch.float32)


def _arguments(packed: PackedLayer) -> tuple[Tensor | int | float | str | None, ...]:
    return (
        packed.centroids, packed.half_norms, packed.rows, packed.quads, packed.scale, packed.bias,
        packed.clusters, packed.out_features, packed.search, packed.centroids_int8,
        packed.offsets_int8, packed.inverse_input_scale,
    )  # fmt: skip


def _packed(
    centroids: Tensor, half_norms: Tensor, rows: Tensor, quads: Tensor | None, scale: Tensor,
    bias: Tensor, clusters: int, outputs: int, search: str, centroids_int8: Tensor | None,
    offsets_int8: Tensor | None, inverse_input_scale: float,
) -> PackedLayer:  # fmt: skip
    kind: Search = "int8" if search == "int8" else "float"
    return PackedLayer(
        centroids, half_norms, rows, quads, scale, bias, clusters, outputs, kind, centroids_int8,
        offsets_int8, inverse_input_scale,
    )  # fmt: skip

"""A packed layer as the compiled kernel sees it: sizes and addresses, `struct Layer` in C."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from heliostat_methods.lutnn.kernels.packing import PackedLayer


class LayerView(ctypes.Structure):
    """The fields of `struct Layer` in lut_kernel.cpp, in its order."""

    _fields_ = (
        ("codebooks", ctypes.c_int64),
        ("length", ctypes.c_int64),
        ("outputs", ctypes.c_int64),
        ("centroids", ctypes.c_size_t),
        ("half_norms", ctypes.c_size_t),
        ("rows", ctypes.c_size_t),
        ("quads", ctypes.c_size_t),
        ("scale", ctypes.c_size_t),
        ("bias", ctypes.c_size_t),
        ("centroids_int8", ctypes.c_size_t),
        ("offsets_int8", ctypes.c_size_t),
        ("inverse_input_scale", ctypes.c_float),
        ("int8_search", ctypes.c_int32),
    )


def view_of(packed: PackedLayer) -> LayerView:
    """Return the view of a layer; its addresses hold as long as the layer's tensors live."""

    def address(tensor: torch.Tensor | None) -> int:
        return 0 if tensor is None else tensor.data_ptr()

    return LayerView(
        packed.codebooks, packed.length, packed.out_features,
        address(packed.centroids), address(packed.half_norms), address(packed.rows),
        address(packed.quads), address(packed.scale), address(packed.bias),
        address(packed.centroids_int8), address(packed.offsets_int8),
        packed.inverse_input_scale, int(packed.search == "int8"),
    )  # fmt: skip

"""A packed layer as the compiled kernel sees it: sizes and addresses, `struct Layer` in C."""

from __future__ import annotations

import ctypes

from torch import Tensor


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


def address(tensor: Tensor | None) -> int:
    """Return where a tensor's numbers begin, as long as it lives; 0 for none."""
    return 0 if tensor is None else tensor.data_ptr()

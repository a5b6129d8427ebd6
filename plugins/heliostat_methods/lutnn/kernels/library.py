"""The compiled kernel: its functions, their fallbacks in torch, and the CPU levels it is built for.

A function takes the packed layer and tensors, and their sizes after them: C reads addresses and
sizes, the fallback the tensors themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from ctypes import byref, c_int32, c_int64, c_void_p
from pathlib import Path
from typing import Any

from torch import Tensor

from heliostat_methods.lutnn.kernels import fallback
from heliostat_methods.lutnn.kernels.packing import PackedLayer
from heliostat_search.compiled import Function, NativeLibrary, Variant


class _Layer:
    """An argument that is a packed layer."""

    @staticmethod
    def from_param(packed: PackedLayer) -> Any:
        return byref(packed.view)


class _Data:
    """An argument that is a tensor, by its address."""

    @staticmethod
    def from_param(tensor: Tensor) -> Any:
        return c_void_p(tensor.data_ptr())


def _linear(packed: PackedLayer, x: Tensor, _xs: int, _n: int, y: Tensor, *_: int | None) -> int:
    y.copy_(fallback.linear(packed, x))
    return 0


def _encode(
    packed: PackedLayer, x: Tensor, _xs: int, _n: int, codes: Tensor, *_: int | None
) -> int:
    codes.copy_(fallback.encode(packed, x))
    return 0


def _convolution(
    packed: PackedLayer, x: Tensor, _b: int, _h: int, _w: int, stride: int, padding: int, y: Tensor,
    *_: int | None,
) -> int:  # fmt: skip
    y.copy_(fallback.convolution(packed, x, stride, padding))
    return 0


def _function(fallback: Callable[..., int], *arguments: Any) -> Function:
    return Function((_Layer, *arguments), c_int32, fallback)


_FLAGS = ("-Wno-psabi", "-pthread")
_TEAM = (c_void_p, c_int64)
"""`threads.parallel()`, and how many threads."""
LIBRARY = NativeLibrary(
    "LUT-NN",
    source=Path(__file__).with_name("lut_kernel.cpp"),
    functions={
        "lut_linear": _function(_linear, _Data, *[c_int64] * 2, _Data, c_int64, *_TEAM),
        "lut_encode": _function(_encode, _Data, *[c_int64] * 2, _Data, *_TEAM),
        "lut_conv3x3": _function(_convolution, _Data, *[c_int64] * 5, _Data, *_TEAM),
    },
    variants=(
        Variant(
            "AVX-512 VBMI",
            needs=("avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vbmi",
                   "avx512_vbmi2", "avx512_vnni"),
            flags=_FLAGS,
        ),
        Variant("AVX2", needs=("avx2", "fma"), flags=_FLAGS),
        Variant("NEON", needs=("asimd",), flags=_FLAGS),
        Variant("scalar", flags=_FLAGS),
    ),
)  # fmt: skip

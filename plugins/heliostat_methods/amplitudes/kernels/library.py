"""The compiled source `ym_kernel.c`: one library for a dimension, a metric and a kind of number.

Its functions take arrays, by address; so do their fallbacks, which numba compiles.
"""

from __future__ import annotations

from ctypes import c_int32, c_int64, c_uint64, c_void_p
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from heliostat_methods.amplitudes.kernels.inputs import Array
from heliostat_search.compiled import Function, NativeLibrary, Variant

Kind = Literal["real", "complex", "modular"]
NEEDS = {"AVX-512": ("avx2", "fma", "avx512f"), "AVX2": ("avx2", "fma"), "NEON": ("asimd",),
         "scalar": ()}  # fmt: skip
"""What a variant needs of the CPU."""


class _Data:
    """An argument that is an array, by its address, or None."""

    @staticmethod
    def from_param(array: Array | None) -> Any:
        return c_void_p(None if array is None else array.ctypes.data)


def _floats_by_numba(
    plus: int, _points: int, _n: int, order: Array, k: Array, e: Array, found: Array,
    sizes: Array | None,
) -> int:  # fmt: skip
    from heliostat_methods.amplitudes.kernels.numba_floats import amplitudes

    # an array either way: None would be another type, and compile all of it once more
    parts = found.view(np.float64).reshape(len(found), e.itemsize // 8)
    amplitudes(plus, order, k, e, parts, np.empty(0) if sizes is None else sizes)
    return 0


def _residues_by_numba(plus: int, _points: int, _n: int, prime: int, *arrays: Any) -> int:
    from heliostat_methods.amplitudes.kernels.numba_residues import amplitudes

    amplitudes(plus, prime, *arrays)
    return 0


@cache
def library(kind: Kind, dimension: int, plus: int) -> NativeLibrary:
    """Return the library of a kind of number, a dimension and a number of positive signs."""
    flags = (f"-D{kind.upper()}", f"-DDIMENSION={dimension}", f"-DPLUS={plus}", "-Wno-psabi")
    sizes, data = (c_int64, c_int64), (_Data,) * 5
    functions = (
        {"ym_amplitudes_mod": Function(
            (*sizes, c_uint64, *data), c_int32, partial(_residues_by_numba, plus))}
        if kind == "modular"
        else {"ym_amplitudes": Function(
            (*sizes, *data), c_int32, partial(_floats_by_numba, plus))}
    )  # fmt: skip
    return NativeLibrary(
        f"amplitudes ({kind}, D = {dimension})",
        source=Path(__file__).with_name("ym_kernel.c"),
        functions=functions,
        variants=tuple(Variant(name, needs, flags) for name, needs in NEEDS.items()),
    )

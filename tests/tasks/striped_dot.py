"""A scalar product of two vectors in C: for AVX-512, for AVX2, scalar, and in Python."""

from __future__ import annotations

import sys
from ctypes import c_double, c_int, c_size_t
from pathlib import Path
from typing import Any

import numpy as np
from numpy.ctypeslib import ndpointer

from heliostat_search.compiled import Function, NativeLibrary, Variant

SOURCE = Path(__file__).with_name("striped_dot.c")
VECTOR = ndpointer(np.float64, ndim=1, flags="C_CONTIGUOUS")
# GNU C fuses a product with a sum where the CPU can, and rounds once where the others round twice.
AVX512 = Variant("AVX-512", needs=("avx512f", "fma"), flags=("-std=gnu11",))
AVX2 = Variant("AVX2", needs=("avx2", "fma"), flags=("-std=gnu11",))
SCALAR = Variant("scalar")


def slow_dot(a: Any, b: Any, n: int) -> float:
    stripes = [0.0] * 8
    for i in range(n):
        stripes[i % 8] += float(a[i]) * float(b[i])
    return sum_in_order(stripes)


def sum_in_order(numbers: list[float]) -> float:
    total = 0.0
    for x in numbers:  # from Python 3.12 on, sum() compensates
        total += x
    return total


def declared(**changes: Any) -> NativeLibrary:
    """The library, not yet loaded, with some fields changed."""
    fields: dict[str, Any] = {
        "name": "striped dot",
        "source": SOURCE,
        "functions": {
            "striped_dot": Function((VECTOR, VECTOR, c_size_t), c_double, slow_dot),
            "register_bits": Function((), c_int, lambda: 0),
        },
        "variants": (AVX512, AVX2, SCALAR),
    }
    return NativeLibrary(**{**fields, **changes})


def example(n: int = 1003) -> tuple[Any, Any, int]:
    rng = np.random.default_rng(n)
    return rng.standard_normal(n), rng.standard_normal(n), n


if __name__ == "__main__":
    kernels = declared().load(cache_dir=Path(sys.argv[1]))
    print(kernels["striped_dot"](*example()).hex(), kernels.sentence)

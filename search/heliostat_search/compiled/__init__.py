"""Compiled code of methods, built when first used and cached; imports the core, and numba lazily.

`numba_kernels`: numba functions, stored under a fingerprint of all code that is part of them;
`notice`: a line when compiling takes long.
`native`: a C or C++ source, built by the system's compiler for this CPU, with a pure fallback.
`building`: one shared library in the cache. `compiler`: its command. `cpu_features`: what may run.
"""

from heliostat_search.compiled.cpu_features import cpu_features
from heliostat_search.compiled.native import FALLBACK, Function, Kernels, NativeLibrary, Variant
from heliostat_search.compiled.numba_kernels import NumbaKernels

__all__ = [
    "FALLBACK",
    "Function",
    "Kernels",
    "NativeLibrary",
    "NumbaKernels",
    "Variant",
    "cpu_features",
]

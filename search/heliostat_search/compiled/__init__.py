"""Compiled code of methods, built when first used and cached; imports the core, and numba lazily.

`numba_kernels`: numba functions, stored under a fingerprint of all code that is part of them.
"""

from heliostat_search.compiled.numba_kernels import NumbaKernels

__all__ = ["NumbaKernels"]

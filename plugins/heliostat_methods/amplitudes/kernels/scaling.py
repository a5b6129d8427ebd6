"""Momenta and polarisations brought near 1 by powers of two, which round nothing.

An amplitude of n legs is of degree 4 - n in the momenta and of degree 1 in each polarisation, so it
is known from that of the scaled ones; on the way no sum then leaves the range of doubles unless
the kinematics themselves are that uneven. Source: derived (units of the recursion).
"""

from __future__ import annotations

import numpy as np

from heliostat_methods.amplitudes.kernels.inputs import Array


def near_one(x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Return an array whose largest part along some axes is near 1, and the exponents of two."""
    top = np.maximum(np.abs(x.real), np.abs(x.imag)).max(axes)
    exponents = np.clip(np.frexp(top)[1] - 1, -1023, 1022)  # 2^-1023 is no normal number
    scale = np.ldexp(1.0, -exponents)
    return x * np.expand_dims(scale, axes), exponents.astype(np.int64)

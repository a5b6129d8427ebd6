"""Colour-ordered Yang-Mills tree amplitudes at many points, compiled: floats and residues.

>>> import numpy as np
>>> from heliostat_methods.amplitudes.kernels import ym_amplitudes
>>> momenta = np.array([[[1, 1, 0, 0], [1, -1, 0, 0], [-1, 0, -1, 0], [-1, 0, 1, 0]]])
>>> polarisations = np.array([[[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1]]])
>>> ym_amplitudes(momenta, polarisations)
array([1.5])

`yang_mills`: the door for floats. `ward_identity`: how far a float can be trusted. `finite_field`:
the door for residues modulo a prime. `biadjoint`: scalars of two orders. `backend`: what runs, and
why.
`library`: the compiled source `ym_kernel.c` and its variants, one library a dimension.
`numba_floats` and `numba_residues`: the same where there is no compiler, the floats by the
instructions of `fused`. `plain_numpy`: the same without anything compiled.
`inputs`: what may be given; `scaling`: the same near 1. `reference`: the amplitude by Feynman
rules, another way to the same numbers.
"""

from heliostat_methods.amplitudes.kernels.backend import Backend, backend
from heliostat_methods.amplitudes.kernels.biadjoint import bas_amplitudes
from heliostat_methods.amplitudes.kernels.finite_field import ym_amplitudes_mod
from heliostat_methods.amplitudes.kernels.ward_identity import amplitude_errors, ward_residuals
from heliostat_methods.amplitudes.kernels.yang_mills import ym_amplitudes

__all__ = [
    "Backend",
    "amplitude_errors",
    "backend",
    "bas_amplitudes",
    "ward_residuals",
    "ym_amplitudes",
    "ym_amplitudes_mod",
]

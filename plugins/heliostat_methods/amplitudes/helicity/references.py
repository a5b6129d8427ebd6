"""Which reference spinors polarisations take: any gives the same amplitude, not the same rounding.

The components of e+ = sqrt2 |q>[k| / <qk> grow without bound where q is nearly parallel to lambda,
as |q| |lambda~| / |<qk>|; terms of an n-point amplitude have n of them, and cancel. With q =
(-conj(lambda_1), conj(lambda_0)) of the leg itself |<qk>| = |q| |lambda|, so that e is as small as
can be. For real momenta that q is the leg with its direction reversed; e has length 1 and no time
component: Coulomb gauge. Source: derived.
"""

from __future__ import annotations

import numpy as np

from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.kinematics.spinors import Array, Reference, Spinors, bracket


def default_reference(spinors: Spinors) -> Reference:
    """Return a leg's own smallest polarisation, or for residues the first spinor that does."""
    if spinors.prime is None:
        return opposite(spinors.angle), opposite(spinors.square)
    q = _apart(spinors)
    return q, q


def opposite(spinor: Array) -> Array:
    """Return (-conj(s_1), conj(s_0)), whose bracket with s is as large as can be."""
    return np.stack([-spinor[..., 1].conj(), spinor[..., 0].conj()], axis=-1)


def _apart(spinors: Spinors) -> Array:
    """Return (1, t), (points, 2), with the smallest t >= 2 that is parallel to no leg's spinor."""
    assert spinors.prime is not None
    all_of_them = np.concatenate([spinors.angle, spinors.square], axis=1)
    found = np.zeros((spinors.points, 2), np.int64)
    left = np.arange(spinors.points)
    for t in range(2, spinors.prime):
        q = np.array([1, t], np.int64)
        parallel = np.any(bracket(q, all_of_them[left], spinors.prime) == 0, axis=1)
        found[left[~parallel]] = q
        left = left[parallel]
        if not len(left):
            return found
    raise InvalidPoint(f"point {left[0]}: every reference spinor modulo {spinors.prime} is a leg's")

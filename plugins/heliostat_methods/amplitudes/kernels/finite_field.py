"""Yang-Mills tree amplitudes at many points, in residues modulo a prime."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.amplitudes.kernels.backend import kernels
from heliostat_methods.amplitudes.kernels.inputs import (
    metric_of,
    odd_prime,
    residues,
    same_shape,
)


def ym_amplitudes_mod(
    momenta: ArrayLike,
    polarisations: ArrayLike,
    prime: int,
    *,
    metric: Sequence[int] | None = None,
    using: str | None = None,
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Return the colour-ordered amplitudes modulo a prime, and where they exist.

    ``momenta`` and ``polarisations``: (points, n, D) whole numbers 0 to p-1, which satisfy modulo p
    what `ym_amplitudes` says. ``prime``: odd and below 2^31; whether it is prime is the caller's
    to know. ``metric``: D signs, (+, -, ..., -) unless given; in D = 4, (+, -, +, -) has null
    vectors |k>[k| from rational spinors. ``using``: as there.

    Returns residues (points,) uint64, with the conventions of `ym_amplitudes` and exact whatever
    runs, and regular (points,) bool: False, with residue 0, where k_P^2 = 0 modulo p for a word P
    of 2 to n-2 legs.

    Raises ValueError naming the argument. Source: as `ym_amplitudes`, derived.
    """
    p = odd_prime(prime)
    k, e = residues("momenta", momenta, p), residues("polarisations", polarisations, p)
    same_shape(k, e)
    points, n, dimension = k.shape
    signs = metric_of(metric, dimension)
    run = kernels("modular", dimension, signs.plus, using)["ym_amplitudes_mod"]
    found, regular = np.empty(points, np.uint64), np.empty(points, np.bool_)
    if run(points, n, p, signs.order, k, e, found, regular):
        raise MemoryError(f"no memory for the currents of {n} legs in {dimension} dimensions")
    return found, regular

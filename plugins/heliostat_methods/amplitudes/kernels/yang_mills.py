"""Yang-Mills tree amplitudes at many points, in doubles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.amplitudes.kernels.backend import kernels
from heliostat_methods.amplitudes.kernels.inputs import (
    Array,
    Metric,
    floats,
    metric_of,
    same_shape,
)
from heliostat_methods.amplitudes.kernels.library import Kind


def ym_amplitudes(
    momenta: ArrayLike,
    polarisations: ArrayLike,
    *,
    metric: Sequence[int] | None = None,
    using: str | None = None,
) -> Array:
    """Return the colour-ordered amplitudes A(0, 1, ..., n-1) of massless gluons.

    ``momenta``: (points, n, D) float64, incoming, k.k = 0, their sum 0; taken as they are, the last
    leg's is not looked at (`ward_residuals` tells where one is wrong). ``polarisations``:
    (points, n, D), float64 or complex128 (not conjugated), e.k = 0. ``metric``: D signs,
    (+, -, ..., -) unless given. ``using``: "AVX-512", "AVX2", "NEON", "scalar", "numba" or "numpy";
    else `HELIOSTAT_AMPLITUDES`, else the best that runs here. All but "numpy" give the same bits.

    Returns (points,), float64 for real polarisations and complex128 otherwise, in units of
    momentum^(4-n). Plane waves are exp(k.x) without factors i, the three-vertex is
    (X.Y)(k_X - k_Y) + ..., and A = s_P A_P.e for P all legs but the last, s_P = k_P^2 / 2: in D = 4
    the MHV amplitude is 2^((n-4)/2) <ij>^4 / (<01><12>...<n-1,0>) for e^+ = sqrt2 |q>[k| / <qk>.
    NaN where k_P^2 is exactly 0 for a word P of 2 to n-2 legs; near that it is large and inexact.

    External scalars are gluons polarised along components beyond the momenta's: D + f components,
    momenta 0 in the last f, flavour a's scalars polarised along component D + a. With the sign +1
    there A is that of Yang-Mills-scalar; with -1, each pair of one flavour adds a factor -1.

    Raises ValueError naming the argument. Source: Berends-Giele currents in Lorenz gauge, in the
    cubic form with field strengths of Mafra and Schlotterer (derived; docs/methods/amplitudes.md).
    """
    k = floats("momenta", momenta)
    e = floats("polarisations", polarisations, may_be_complex=True)
    same_shape(k, e)
    return evaluated(k, e, metric_of(metric, k.shape[2]), using)


def evaluated(
    momenta: NDArray[np.float64],
    polarisations: Array,
    metric: Metric,
    using: str | None,
    sizes: NDArray[np.float64] | None = None,
) -> Array:
    """Return the amplitudes of checked arrays; ``sizes`` gets those of the terms they sum."""
    points, n, dimension = momenta.shape
    kind: Kind = "complex" if polarisations.dtype.kind == "c" else "real"
    run = kernels(kind, dimension, metric.plus, using)["ym_amplitudes"]
    found = np.empty(points, polarisations.dtype)
    if run(points, n, metric.order, momenta, polarisations, found, sizes):
        raise MemoryError(f"no memory for the currents of {n} legs in {dimension} dimensions")
    return found

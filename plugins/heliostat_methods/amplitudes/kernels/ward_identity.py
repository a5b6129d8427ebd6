"""How far an amplitude can be trusted: what is left of it when a polarisation is a momentum.

A(e_i -> k_i) is 0, so what a computation leaves is its error. As a fraction of the terms that are
summed it shows kinematics that break their constraints; in the amplitude's own unit it estimates
how much of the amplitude was lost to cancelling terms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.amplitudes.kernels.inputs import (
    Array,
    Metric,
    floats,
    metric_of,
    refused,
    same_shape,
)
from heliostat_methods.amplitudes.kernels.scaling import near_one
from heliostat_methods.amplitudes.kernels.yang_mills import evaluated

Reals = NDArray[np.float64]


def ward_residuals(
    momenta: ArrayLike,
    polarisations: ArrayLike,
    *,
    leg: int | None = None,
    metric: Sequence[int] | None = None,
    using: str | None = None,
) -> Reals:
    """Return the largest |A(e_i -> k_i)| over legs i, as a fraction of the terms that it sums.

    Arguments as for `ym_amplitudes`; ``leg`` 0 to n-1 asks for one leg, in a n-th of the time.

    Returns (points,), a pure number: about 1e-15 where the kinematics are right, 1e-5 to 1 where
    momenta or polarisations break their constraints (e_i.k_i is seen by the other legs alone), NaN
    where an amplitude is. The unit: A is a sum over the n-2 splits of P = (0, ..., n-2) and over
    components, and the terms are |2 s_P A_P, one split| |e_{n-1}| / 2 added up, a complex number
    counting as |re| + |im|. It is not relative to A itself, which may vanish; so it says nothing
    of how much A is smaller than its terms: `amplitude_errors` does.

    Raises ValueError naming the argument. Source: derived (gauge invariance of A).
    """
    k, e, signs = _checked(momenta, polarisations, metric)
    k, e = near_one(k, (1, 2))[0], near_one(e, (2,))[0]  # a fraction, whatever the scale
    worst = np.zeros(len(k))
    for _, left, sizes in _longitudinal(k, e, signs, leg, using):
        with np.errstate(invalid="ignore", divide="ignore"):
            # nothing to sum leaves nothing
            fraction = np.where((left == 0) & (sizes == 0), 0.0, left / sizes)
        worst = np.maximum(worst, fraction)  # keeps NaN
    return worst


def amplitude_errors(
    momenta: ArrayLike,
    polarisations: ArrayLike,
    *,
    leg: int | None = None,
    metric: Sequence[int] | None = None,
    using: str | None = None,
) -> Reals:
    """Return an estimate of the rounding error of each amplitude, in the amplitude's unit.

    Arguments as for `ward_residuals`. Returns (points,): the largest |A(e_i -> k_i)| |e_i| / |k_i|
    over legs, norms Euclidean; NaN where an amplitude is. At MHV amplitudes of 6 to 12 legs the
    true error was 0.7 times that in the median and below 7 times that at 99 of 100 points. Divided
    by |A| it says which points to compute again in more digits.

    Raises ValueError naming the argument. Source: derived (gauge invariance of A); the factor is
    measured.
    """
    k, e, signs = _checked(momenta, polarisations, metric)
    worst = np.zeros(len(k))
    for i, left, _ in _longitudinal(k, e, signs, leg, using):
        momentum, size = (np.linalg.norm(x[:, i], axis=-1) for x in (k, e))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            error = np.where((left == 0) & (momentum == 0), 0.0, left * (size / momentum))
        worst = np.maximum(worst, error)
    return worst


def _checked(
    momenta: ArrayLike, polarisations: ArrayLike, metric: Sequence[int] | None
) -> tuple[Reals, Array, Metric]:
    k = floats("momenta", momenta)
    e = floats("polarisations", polarisations, may_be_complex=True)
    same_shape(k, e)
    return k, e, metric_of(metric, k.shape[2])


def _longitudinal(
    k: Reals, e: Array, signs: Metric, leg: int | None, using: str | None
) -> Iterator[tuple[int, Reals, Reals]]:
    """Yield a leg, |A| with its momentum for its polarisation, and the size of A's terms."""
    points, n, _ = k.shape
    if leg is not None and (not isinstance(leg, (int, np.integer)) or leg not in range(n)):
        raise refused("leg", leg, f"None or a leg from 0 to {n - 1}")
    sizes = np.empty(points)
    for i in range(n) if leg is None else (leg,):
        longitudinal = e.copy()
        longitudinal[:, i] = k[:, i]
        yield i, np.abs(evaluated(k, longitudinal, signs, using, sizes)), sizes

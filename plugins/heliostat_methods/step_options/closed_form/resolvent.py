"""Solutions of (s + H) psi = 0 for a staircase potential, by their logarithmic slopes.

H = -1/2 d^2/dz^2 + V(z). The resolvent is 2 psi_L(z) psi_R(z') / Wronskian of the solutions that
decay on the left and on the right; carried as psi'/psi and log psi, nothing grows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.step_options.contracts.validation import Vector

Complex = NDArray[np.complex128]


def resolvent(
    s: ArrayLike, z: ArrayLike, z_next: ArrayLike, breaks: Vector, rates: Vector
) -> Complex:
    """Return <z| (s + H)^-1 |z'>, broadcast over all three; s off the spectrum of -H.

    breaks: (m,) increasing. rates: (m + 1,), the potential V from the lowest region upwards.
    """
    s, z, z_next = np.broadcast_arrays(
        np.asarray(s, complex), np.asarray(z, float), np.asarray(z_next, float)
    )
    low, high = np.minimum(z, z_next), np.maximum(z, z_next)
    left, _ = logarithmic_slope(s, low, breaks, rates, from_left=True)
    right, log_low = logarithmic_slope(s, low, breaks, rates, from_left=False)
    _, log_high = logarithmic_slope(s, high, breaks, rates, from_left=False)
    return np.asarray(2 / (left - right) * np.exp(log_high - log_low))


def logarithmic_slope(
    s: Any, z: Any, breaks: Vector, rates: Vector, from_left: bool
) -> tuple[Any, Any]:
    """Return psi'/psi at z of the solution that decays on that side, and log psi (right one).

    log psi is relative to the value at the highest barrier; only decaying factors are formed.
    """
    kappa = [np.sqrt(2 * (s + v)) for v in rates]
    n = len(breaks)
    region = np.searchsorted(breaks, z)
    if from_left:
        slope: Any = kappa[0] + 0 * z
        for i in range(n):
            inside = region > i
            width = np.where(inside, np.minimum(z, breaks[i + 1] if i + 1 < n else np.inf)
                             - breaks[i], 0.0)  # fmt: skip
            slope = np.where(inside, _through(slope, kappa[i + 1], width)[0], slope)
        return slope, None
    slope = -kappa[n]
    log = np.where(region == n, -kappa[n] * (z - breaks[n - 1]), 0)
    for i in range(n - 1, -1, -1):
        inside = region <= i
        low = np.maximum(z, breaks[i - 1]) if i > 0 else z
        width = np.where(inside, breaks[i] - low, 0.0)
        new, growth = _through(-slope, kappa[i], width)
        slope = np.where(inside, -new, slope)
        log = np.where(inside, log + growth, log)
    return slope, log


def _through(slope: Any, kappa: Any, width: Any) -> tuple[Any, Any]:
    """Carry psi'/psi over `width` in the direction of growth: new slope, log of the growth."""
    far = np.exp(-2 * kappa * width)
    plus, minus = (1 + slope / kappa) / 2, (1 - slope / kappa) / 2
    size = plus + minus * far
    return kappa * (plus - minus * far) / size, kappa * width + np.log(size)

"""How a step's weight depends on where it begins: derivatives in z of W(z, z') for one fixed z.

Only the first step of a path begins at the spot, so likelihood-ratio Greeks need these. In Laplace
space the kernel's derivatives are products with logarithmic slopes, and its second one follows from
the equation itself, d^2 k/dz^2 = 2 (s + V) k: no table is differenced. Any number of barriers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heliostat import stored
from heliostat_methods.step_options.closed_form.inversion import LaplaceInverter
from heliostat_methods.step_options.closed_form.resolvent import logarithmic_slope
from heliostat_methods.step_options.contracts.validation import Vector

REACH = 6.5
"""Longer steps (probability 1e-10) take the values at this length: k / phi has lost its digits."""
POINTS = 8192
"""Evenly spaced; those where a step ends at a barrier are added."""


@stored("step_options.first_step")
@dataclass(frozen=True)
class FirstStep:
    """Values at steps d = z' - z in [-REACH, REACH], linear between them, all (n,).

    `weight` W; `by_start` dW/dz; `shifted` (d/dz + d/dz') W; `by_start_twice` d^2 W / dz^2;
    `shifted_by_start` d/dz of `shifted`.
    """

    d: Vector
    weight: Vector
    by_start: Vector
    shifted: Vector
    by_start_twice: Vector
    shifted_by_start: Vector

    @classmethod
    def build(cls, breaks: tuple[float, ...], rates: tuple[float, ...], z: float) -> FirstStep:
        """Return the values for breaks and z in units of vol sqrt(dt) and rates per step."""
        walls, potentials = np.array(breaks), np.array(rates)
        walls_at = walls[np.abs(walls - z) < REACH] - z  # kinks of the derivatives
        d = np.unique(np.concatenate([np.linspace(-REACH, REACH, POINTS), walls_at]))
        s, w = LaplaceInverter("hyperbola", 18).points(1.0)
        shift = max(0.0, -min(rates))
        potential = rates[int(np.searchsorted(breaks, z))]
        start = np.array([z])
        found = np.zeros((5, len(d)))
        up = d >= 0.0
        for s_n, w_n in zip(s + shift, w * math.exp(shift), strict=True):
            left, _ = logarithmic_slope(s_n, start, walls, potentials, from_left=True)
            right, log = logarithmic_slope(s_n, start, walls, potentials, from_left=False)
            left_1, _ = logarithmic_slope(s_n, z + d, walls, potentials, from_left=True)
            right_1, log_1 = logarithmic_slope(s_n, z + d, walls, potentials, from_left=False)
            step = np.where(up, log_1 - log, log - log_1)
            k = w_n * 2 / np.where(up, left - right, left_1 - right_1) * np.exp(step)
            at_start, at_end = np.where(up, left, right), np.where(up, right_1, left_1)
            terms = (k, at_start * k, at_end * k, 2 * (s_n + potential) * k, at_start * at_end * k)
            for row, term in zip(found, terms, strict=True):
                row += term.real
        k, k0, k1, k00, k01 = found * (math.sqrt(2 * math.pi) * np.exp(d * d / 2))
        w0 = k0 - d * k
        w1 = k1 + d * k
        w00 = k00 - (d * d - 1) * k - 2 * d * w0
        w01 = k01 + d * (d * k + w0) - k - d * w1
        return cls(d, k, w0, w0 + w1, w00, w00 + w01)

    def at(self, values: Vector, d: Vector) -> Vector:
        """Return one of the functions at steps d (n,)."""
        return np.asarray(np.interp(d, self.d, values))

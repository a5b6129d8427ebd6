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
from heliostat_methods.step_options.contracts.validation import Vector
from heliostat_methods.step_options.weights.lines import FIRST_LINE, SCALE, LineSolutions

REACH = 9.0
"""Longer steps do not occur; they take the values at this length."""
POINTS = 12_288
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
        walls = np.array(breaks)
        walls_at = walls[np.abs(walls - z) < REACH] - z  # kinks of the derivatives
        d = np.unique(np.concatenate([np.linspace(-REACH, REACH, POINTS), walls_at]))
        ends = z + d
        for wall in walls:  # a step that ends on a barrier does so exactly
            ends[np.abs(ends - wall) < 1e-12 * (1.0 + abs(wall))] = wall
        found, length, common = np.zeros((5, len(d))), np.abs(d), 0.0
        for g in range(math.ceil((REACH - FIRST_LINE - 1) / 2) + 1):
            c = FIRST_LINE + 2 * g
            at = np.flatnonzero((length <= c + 1) & ((length > c - 1) | (g == 0)))
            solved = LineSolutions.of(np.append(ends[at], z), breaks, rates, c + 1, c)
            common = solved.common
            if solved.part[-1] < 0:
                break  # knocked out where it begins
            alive = solved.part[:-1] == solved.part[-1]
            left, right, log = solved.left[0], -solved.right[0], solved.log[0]
            squares = 2 * float(solved.potential[solved.region[-1]])
            up = d[at] >= 0.0
            for n, a in enumerate(solved.lines[0]):
                l0, r0, l1, r1 = left[n, -1], right[n, -1], left[n, :-1], right[n, :-1]
                step = np.where(up, log[n, :-1] - log[n, -1], log[n, -1] - log[n, :-1])
                power = 0.5 * (a - length[at]) ** 2 + step
                k = SCALE * a * 2 / np.where(up, l0 - r0, l1 - r1) * np.exp(power) * alive
                start, end = np.where(up, l0, r0), np.where(up, r1, l1)
                terms = (k, start * k, end * k, (a * a + squares) * k, start * end * k)
                for row, term in zip(found, terms, strict=True):
                    row[at] += term.real
        k, k0, k1, k00, k01 = found * math.exp(-common)
        w0 = k0 - d * k
        w1 = k1 + d * k
        w00 = k00 - (d * d - 1) * k - 2 * d * w0
        w01 = k01 + d * (d * k + w0) - k - d * w1
        return cls(d, k, w0, w0 + w1, w00, w00 + w01)

    def at(self, values: Vector, d: Vector) -> Vector:
        """Return one of the functions at steps d (n,)."""
        return np.asarray(np.interp(d, self.d, values))

"""Weights of steps straight from the resolvent: any number of barriers, any length of the step.

W(z, z') phi(d), d = |z' - z|, is the inverse Laplace transform of 2 psi_L psi_R / Wronskian. On a
line Re a = c near d, a = sqrt(2 s), the integrand is e^{(a - d)^2 / 2} times something that neither
grows nor turns, so the trapezoidal rule converges at once and W has 13 digits however far the step
goes. Solutions are carried as logarithmic slopes and as logarithms less those of a free particle.
A rate of infinity is a wall; only what lies between the same two walls is connected.

z in units of vol sqrt(dt), rates per step.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.step_options.arithmetic.compilation import compiled, inlined
from heliostat_methods.step_options.contracts.validation import Vector

Complex = NDArray[np.complex128]
NODES, SPACING = 18, 0.5
"""The trapezoidal rule on a line, for |c - d| <= 1 (the first line: for all d < 4)."""
FIRST_LINE = 3.0
"""Singularities lie on Re a = 0; the rule's error is e^{-2 pi c / SPACING}."""

SCALE = SPACING / math.pi * math.sqrt(2 * math.pi)
BELL: Vector = np.exp(-(((np.arange(NODES) + 0.5) * SPACING) ** 2) / 2)


@inlined
def _rise(x: Any) -> Any:
    """1 - e^{-x}, also for small x."""
    e, half = math.exp(-x.real), math.sin(0.5 * x.imag)
    return complex(-math.expm1(-x.real) + 2.0 * e * half * half, e * math.sin(x.imag))


@compiled("void(c16[::1],f8[::1],i8[::1],f8[::1],f8[::1],i8,i8,c16[:,::1],c16[:,::1],c16[:,::1])")
def _solve(nodes: Any, z: Any, region: Any, breaks: Any, potential: Any, first: int, last: int,
           left: Any, right: Any, log: Any) -> None:  # fmt: skip
    """Fill psi_L'/psi_L, -psi_R'/psi_R and log psi_R + a z, each (nodes, n).

    Regions first .. last lie between walls, or reach to infinity where they are the outermost.
    In a region psi = A e^{kappa w} + B e^{-kappa w}, w from the edge where its slope is known;
    there `plus` = 1 + B / A and `minus` = 1 - B / A have no cancellation, and a wall has (0, 2).
    """
    m = breaks.shape[0]
    plus_l, minus_l = np.empty(m + 1, np.complex128), np.empty(m + 1, np.complex128)
    plus_r, minus_r = np.empty(m + 1, np.complex128), np.empty(m + 1, np.complex128)
    start, kappa = np.zeros(m + 1, np.complex128), np.empty(m + 1, np.complex128)
    for k in range(nodes.shape[0]):
        a = nodes[k]
        for i in range(first, last + 1):
            kappa[i] = cmath.sqrt(a * a + 2.0 * potential[i])
        plus_l[first], minus_l[first] = 0.0, 2.0
        for i in range(first, last):
            slope = kappa[i]
            if i > 0:
                q = _rise(2.0 * kappa[i] * (breaks[i] - breaks[i - 1]))
                f = 1.0 - q
                slope = kappa[i] * (minus_l[i] * f + q) / (plus_l[i] * f + q)
            total = kappa[i + 1] + slope
            plus_l[i + 1], minus_l[i + 1] = 2.0 * kappa[i + 1] / total, 2.0 * slope / total
        plus_r[last], minus_r[last], start[last] = 0.0, 2.0, 0.0
        for i in range(last, first, -1):
            slope, at_edge = kappa[i], 0.0 + 0.0j
            if i < m:
                width = breaks[i] - breaks[i - 1]
                q = _rise(2.0 * kappa[i] * width)
                f = 1.0 - q
                size = plus_r[i] * f + q
                slope = kappa[i] * (minus_r[i] * f + q) / size
                at_edge = start[i] + 2.0 * potential[i] / (kappa[i] + a) * width + cmath.log(size)
            total = kappa[i - 1] + slope
            plus_r[i - 1], minus_r[i - 1] = 2.0 * kappa[i - 1] / total, 2.0 * slope / total
            start[i - 1] = at_edge - cmath.log(plus_r[i - 1])
        for j in range(z.shape[0]):
            i = region[j]
            if i < first or i > last:
                continue
            less = 2.0 * potential[i] / (kappa[i] + a)
            if i == 0:
                left[k, j] = kappa[i]
            else:
                q = _rise(2.0 * kappa[i] * (z[j] - breaks[i - 1]))
                f = 1.0 - q
                size = plus_l[i] * f + q
                # on a wall psi vanishes: the slope is infinite and the weight zero
                left[k, j] = kappa[i] * (minus_l[i] * f + q) / (size if size != 0.0 else 1e-300)
            if i == m:
                right[k, j] = kappa[i]
                log[k, j] = -less * (z[j] - breaks[m - 1])
            else:
                width = breaks[i] - z[j]
                q = _rise(2.0 * kappa[i] * width)
                f = 1.0 - q
                size = plus_r[i] * f + q
                size = size if size != 0.0 else 1e-300 + 0.0j
                right[k, j] = kappa[i] * (minus_r[i] * f + q) / size
                log[k, j] = start[i] + less * width + cmath.log(size)


@compiled("void(f8[::1],i8[::1],f8[::1],c16[:,:,::1],c16[:,:,::1],f8[:,:,::1],f8[::1],f8[::1],"
          "i8,i8,i8,i8,f8[:,::1])")  # fmt: skip
def _pair(z: Any, part: Any, charge: Any, low_end: Any, high_end: Any, size: Any, centres: Any,
          bell: Any, low: int, high: int, low_next: int, high_next: int,
          out: Any) -> None:  # fmt: skip
    """Fill out[i, j] with the weight between points low + i and low_next + j.

    Steps beyond the last line, which no path takes, get the weight of a straight one.
    """
    groups, same = centres.shape[0], low == low_next and high == high_next
    for i in range(low, high):
        for j in range(low_next, high_next):
            if same and j < i:
                out[i - low, j - low_next] = out[j - low, i - low_next]
                continue
            if part[i] != part[j] or part[i] < 0:
                out[i - low, j - low_next] = 0.0
                continue
            s, t = (i, j) if z[i] <= z[j] else (j, i)
            d = z[t] - z[s]
            g = max(math.ceil(0.5 * (d - centres[0] - 1.0)), 0)
            if g >= groups:
                out[i - low, j - low_next] = math.exp(-(charge[t] - charge[s]) / d)
                continue
            gap, total = centres[g] - d, 0.0
            turn = complex(math.cos(0.25 * gap), math.sin(0.25 * gap))
            each = turn * turn
            for k in range(bell.shape[0]):
                factor = bell[k] * math.exp(0.5 * gap * gap + size[g, k, t] - size[g, k, s])
                total += factor * (turn * low_end[g, k, s] * high_end[g, k, t]).real
                turn *= each
            out[i - low, j - low_next] = total


@dataclass(frozen=True)
class LineSolutions:
    """Solutions at points z (n,) on the lines that steps between them need.

    `left`, `right`: psi_L'/psi_L and -psi_R'/psi_R, `log`: log psi_R + a z, all (lines, NODES, n);
    `centres` (lines,): c of each; `part` (n,): between which walls a point lies, -1 behind one.
    `common`: the lowest rate, a factor that is not in the others.
    """

    z: Vector
    centres: Vector
    left: Complex
    right: Complex
    log: Complex
    part: Any
    region: Any
    potential: Vector
    breaks: Vector
    common: float

    @classmethod
    def of(cls, z: Vector, breaks: tuple[float, ...], rates: tuple[float, ...],
           longest: float, shortest: float = 0.0) -> LineSolutions:  # fmt: skip
        """Return solutions for steps of length shortest .. longest."""
        z = np.ascontiguousarray(z, dtype=np.float64)
        walls, charges = np.array(breaks, dtype=np.float64), np.array(rates, dtype=np.float64)
        finite = np.isfinite(charges)
        common = float(charges[finite].min()) if finite.any() else 0.0
        potential = np.where(finite, charges - common, 0.0)
        region = np.searchsorted(walls, z).astype(np.int64)
        # a point on a barrier belongs to the side that is alive
        on = np.isin(z, walls) & ~finite[region]
        region = np.where(on, np.minimum(region + 1, len(walls)), region)
        first = max(math.floor((shortest - FIRST_LINE) / 2), 0)
        last = max(math.ceil((longest - FIRST_LINE - 1) / 2), first)
        centres = np.asarray(FIRST_LINE + 2.0 * np.arange(first, last + 1), dtype=np.float64)
        a = centres[:, None] + 1j * (np.arange(NODES) + 0.5) * SPACING
        shape = (len(centres), NODES, len(z))
        left, right = np.ones(shape, complex), np.ones(shape, complex)
        log = np.zeros(shape, complex)
        part = np.full(len(z), -1, np.int64)
        for number, (low, high) in enumerate(_components(finite)):
            part[(region >= low) & (region <= high)] = number
            for g in range(len(centres)):
                _solve(a[g], z, region, walls, potential, low, high, left[g], right[g], log[g])
        return cls(z, centres, left, right, log, part, region, potential, walls, common)

    @property
    def lines(self) -> Complex:
        """The nodes a, (lines, NODES)."""
        return np.asarray(self.centres[:, None] + 1j * (np.arange(NODES) + 0.5) * SPACING)

    @property
    def front(self) -> Complex:
        """What a weight is besides its exponential, at its lower end, (lines, NODES, n)."""
        return np.asarray(SCALE * 2 * self.lines[:, :, None] / (self.left + self.right))

    @cached_property
    def ends(self) -> tuple[Complex, Complex, Vector]:
        """Factors of a weight at its lower and its upper end, and logarithms of their size."""
        turn, size = np.exp(1j * self.log.imag), np.ascontiguousarray(self.log.real)
        return np.ascontiguousarray(self.front * np.conj(turn)), turn, size

    def weights(self, rows: tuple[int, int], columns: tuple[int, int]) -> Vector:
        """Return W between points rows[0] .. rows[1] - 1 and columns[0] .. columns[1] - 1."""
        out = np.empty((rows[1] - rows[0], columns[1] - columns[0]))
        _pair(self.z, self.part, self.charge, *self.ends, self.centres, BELL, *rows, *columns, out)
        return out * math.exp(-self.common)

    @cached_property
    def charge(self) -> Vector:
        """The integral of the rates from the lowest barrier to each point."""
        steps = np.diff(self.breaks, prepend=self.breaks[0])
        edges = np.cumsum(steps * self.potential[:-1])
        i = np.maximum(self.region - 1, 0)
        return np.asarray(edges[i] + (self.z - self.breaks[i]) * self.potential[self.region])


def _components(finite: Any) -> list[tuple[int, int]]:
    """Return the runs of regions between walls, as (first, last)."""
    found: list[tuple[int, int]] = []
    for i, alive in enumerate(finite):
        if not alive:
            continue
        if found and found[-1][1] == i - 1:
            found[-1] = (found[-1][0], i)
        else:
            found.append((i, i))
    return found


def exact_weights(
    z: Vector, z_next: Vector, breaks: tuple[float, ...], rates: tuple[float, ...]
) -> Vector:
    """Return W(z, z') for all pairs of z (n,) and z_next (m,), to about 1e-13."""
    points = np.concatenate([np.atleast_1d(z), np.atleast_1d(z_next)]).astype(np.float64)
    n = np.size(z)
    d = np.abs(points[:n, None] - points[None, n:])
    found = LineSolutions.of(points, breaks, rates, float(d.max()), float(d.min()))
    return found.weights((0, n), (n, len(points)))

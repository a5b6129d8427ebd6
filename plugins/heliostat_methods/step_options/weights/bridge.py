"""The exact short-time kernel: what a step costs a path, given where it begins and ends.

W(z, z') = E[exp(-theta * fraction of the step below 0) | z -> z'] with z in units of vol sqrt(dt)
and theta = rate * dt. One table for each theta serves every model, since z scales out.

Same side, c = |z + z'|: W = base + e^{-2 z z'} D(c), base = 1 above and e^{-theta} below.
Opposite sides, u above and v below: W = X(u, v), where D(c) + base = X(c, 0) resp. X(0, c).
X phi(u + v) is the inverse Laplace transform of 2 / (a + b) e^{-a u - b v}, a = sqrt(2 s),
b = sqrt(2 (s + theta)): separable in u and v at each node, so tables cost milliseconds. On a line
Re a = c near u + v the integrand is a Gaussian in Im a times something smooth, the trapezoidal rule
converges at once, and dividing by phi(u + v) costs no digits.

D is one polynomial of degree 21 in (c - s) / (c + s), 1e-12 for every theta: no look-up, so the
weights of paths that stay on a side vectorise. X needs a table with cells equal within octaves of
x + c0, c0 near the width of the boundary layer 1 / sqrt(2 theta); the bits of the float give the
cell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.step_options.arithmetic.compilation import (
    bits,
    compiled,
    fma,
    from_bits,
    inlined,
)
from heliostat_methods.step_options.arithmetic.elementary import exponential
from heliostat_methods.step_options.contracts.validation import Vector, number

FAR = 12.0
"""Reach of the table of X. Longer steps, of a volatility near zero, count as straight ones."""
_END = 12.5
"""Largest c of D: for larger ones e^{-2 z z'} D(c) < 1e-16 for steps shorter than 8.7."""
_CELL_BITS = 3  # 8 cells in an octave
_SHIFT = 52 - _CELL_BITS
_MANTISSA = (1 << _SHIFT) - 1
_ONE_BITS = 0x3FF0000000000000
DEGREE = 5
LINE_DEGREE = 21
_LINES = np.arange(3.0, 26.0, 2.0)
_NODES, _SPACING = 18, 0.5
"""Lines Re a = const of the inversion, each for c = u + v within 1 (the first: for all c < 4)."""


@inlined
def cell_of(x: float, low: int) -> tuple[int, float]:
    """Return the cell of x > 0 and the place in it, 0 <= t < 1; `low` is the first cell's code."""
    n = bits(x)
    cell = (n >> _SHIFT) - low
    t = from_bits(((n & _MANTISSA) << _CELL_BITS) | _ONE_BITS) - 1.0
    return cell, t


def cell_code(x: float) -> int:
    """Return the code of the cell that x > 0 lies in."""
    return int(np.float64(x).view(np.int64)) >> _SHIFT


def cell_edges(start: float, far: float) -> Vector:
    """Return the edges of all cells from `start` (a power of two) past `far`."""
    low, high = cell_code(start), cell_code(far) + 1
    codes = np.arange(low, high + 1, dtype=np.int64) << _SHIFT
    return codes.view(np.float64)


@compiled("void(c16[:,:,::1],c16[:,:,::1],f8[::1],f8[::1],f8[::1],f8[:,::1])")
def _fill(left: Any, right: Any, u: Any, v: Any, ends: Any, out: Any) -> None:
    """Sum over the nodes of the line that suits c = u + v, in their order."""
    for i in range(u.shape[0]):
        for j in range(v.shape[0]):
            c = u[i] + v[j]
            g = 0
            while g < ends.shape[0] and c > ends[g]:
                g += 1
            total = 0.0
            for n in range(left.shape[2]):
                total += (left[g, i, n] * right[g, j, n]).real
            out[i, j] = total * math.exp(0.5 * c * c) * 2.5066282746310002


def opposite_sides(u: ArrayLike, v: ArrayLike, theta: float) -> Vector:
    """Return X(u, v) on the grid u (n,) x v (m,), to about 1e-14."""
    u = np.ascontiguousarray(u, dtype=np.float64)
    v = np.ascontiguousarray(v, dtype=np.float64)
    a = _LINES[:, None] + 1j * (np.arange(_NODES) + 0.5) * _SPACING
    b = np.sqrt(a * a + 2 * theta)
    weight = _SPACING / np.pi * a * np.exp(a * a / 2)
    left = (weight * 2 / (a + b))[:, None, :] * np.exp(-a[:, None, :] * u[None, :, None])
    right = np.exp(-b[:, None, :] * v[None, :, None])
    out = np.empty((len(u), len(v)))
    ends = (_LINES[1:] + _LINES[:-1]) / 2
    _fill(np.ascontiguousarray(left), np.ascontiguousarray(right), u, v, ends, out)
    return out


@dataclass(frozen=True)
class BridgeWeightTable:
    """Weights of one theta = rate * dt >= 0, or inf for a knock-out; accurate to 1e-9.

    `W(z, z')` and its derivatives come from `weight`; compiled kernels read the arrays: `line`
    (2 sides, LINE_DEGREE + 1) coefficients of D, highest first, `plane` (points in u, points in v)
    values of X.
    """

    theta: float
    line: Vector = field(repr=False)
    plane: Vector = field(repr=False)
    start: tuple[float, float]
    """c0 of u and of v, powers of two."""
    reach: tuple[float, float]
    """Largest u and v in `plane`; X is below 1e-11 for larger v."""
    maps: tuple[tuple[float, float, float], ...]
    """s, factor and offset of the polynomial's argument on each side."""

    @classmethod
    def build(cls, theta: float) -> BridgeWeightTable:
        """Return the table of a theta; built once in a process."""
        if theta == math.inf:
            # D = -1 above and 0 below, X = 0: the same kernels serve a knock-out
            line = np.zeros((2, LINE_DEGREE + 1))
            line[0, -1] = -1.0
            return cls(theta, line, np.zeros((6, 6)), (1.0, 1.0), (-1.0, -1.0), ((1.0,) * 3,) * 2)
        return _table(number("theta", theta, least=0))

    def weight(self, z: ArrayLike, z_next: ArrayLike) -> Vector:
        """Return W(z, z') for broadcast arrays in units of vol sqrt(dt)."""
        return np.asarray(self._all(z, z_next)[0])

    def shifted(self, z: ArrayLike, z_next: ArrayLike) -> Vector:
        """Return (d/dz + d/dz') W: what moving the whole path does to the weight."""
        return np.asarray(self._all(z, z_next)[1])

    def _all(self, z: ArrayLike, z_next: ArrayLike) -> Vector:
        z, z_next = np.broadcast_arrays(np.asarray(z, float), np.asarray(z_next, float))
        out = np.empty((3, z.size))
        weights(np.ravel(z).astype(float), np.ravel(z_next).astype(float), self.theta,
                self.line, self.plane, self.numbers, out)  # fmt: skip
        return out.reshape((3, *z.shape))

    @property
    def numbers(self) -> Vector:
        """What compiled kernels need beside the arrays: c0, first cells, reach, e^-theta, theta."""
        return np.array([
            self.start[0], self.start[1], cell_code(self.start[0]), cell_code(self.start[1]),
            self.reach[0], self.reach[1], math.exp(-self.theta), *self.maps[0], *self.maps[1],
            self.theta,
        ])  # fmt: skip


@lru_cache(maxsize=64)
def _table(theta: float) -> BridgeWeightTable:
    layer = 1 / math.sqrt(2 * theta) if theta > 0 else 1.0
    start = 2.0 ** math.floor(math.log2(min(0.5, layer)))
    # X falls like e^{-v sqrt(2 theta)} on short steps and like e^{-theta v / (u + v)} on long ones
    far_v = min(FAR, max(30 * layer, 260 / theta)) if theta > 0 else FAR
    edges_u, edges_v = cell_edges(start, FAR + start), cell_edges(start, far_v + start)
    plane = opposite_sides(_points(edges_u) - start, _points(edges_v) - start, theta)
    line, maps = np.zeros((2, LINE_DEGREE + 1)), []
    angle = np.pi * (np.arange(LINE_DEGREE + 1) + 0.5) / (LINE_DEGREE + 1)
    nodes = np.sort(np.cos(angle))
    zero = np.zeros(1)
    for side, base in ((0, 1.0), (1, math.exp(-theta))):
        # below, the scale follows the boundary layer; both choices were found by search
        s = 4.0 if side == 0 else min(4.0, 16 * layer)
        top = (_END - s) / (_END + s)
        factor, offset = 2 / (top + 1), (1 - top) / (top + 1)
        t = (nodes - offset) / factor
        c = np.maximum(s * (1 + t) / (1 - t), 0.0)
        q = opposite_sides(c, zero, theta)[:, 0] if side == 0 else (
            opposite_sides(zero, c, theta)[0])  # fmt: skip
        series = np.polynomial.chebyshev.chebfit(nodes, q - base, LINE_DEGREE)
        found = np.polynomial.chebyshev.cheb2poly(series)  # without zeros at the end
        line[side, LINE_DEGREE + 1 - len(found) :] = found[::-1]
        maps.append((s, factor, offset))
    reach = (float(edges_u[-1] - start) * (1 - 1e-12), float(edges_v[-1] - start) * (1 - 1e-12))
    return BridgeWeightTable(theta, line, plane, (start, start), reach, tuple(maps))


def _points(edges: Vector) -> Vector:
    inner = np.arange(DEGREE) / DEGREE
    points = (edges[:-1, None] + inner * np.diff(edges)[:, None]).ravel()
    return np.concatenate([points, edges[-1:]])


@inlined
def lagrange(t: float) -> tuple[float, float, float, float, float, float]:
    """Lagrange polynomials of six equally spaced points on [0, 1]."""
    x = 5.0 * t
    a, b, c, d, e = x - 1.0, x - 2.0, x - 3.0, x - 4.0, x - 5.0
    ab, de = a * b, d * e
    xa = x * a
    return (
        -ab * c * de / 120.0,
        x * b * c * de / 24.0,
        -xa * c * de / 12.0,
        xa * b * de / 12.0,
        -xa * b * c * e / 24.0,
        xa * b * c * d / 120.0,
    )


@inlined
def lagrange_slopes(t: float) -> tuple[float, float, float, float, float, float]:
    """Derivatives of `lagrange` in t."""
    x = 5.0 * t
    a, b, c, d, e = x - 1.0, x - 2.0, x - 3.0, x - 4.0, x - 5.0
    return (
        -(b * c * d * e + a * c * d * e + a * b * d * e + a * b * c * e + a * b * c * d) / 24.0,
        5 * (b * c * d * e + x * c * d * e + x * b * d * e + x * b * c * e + x * b * c * d) / 24,
        -5 * (a * c * d * e + x * c * d * e + x * a * d * e + x * a * c * e + x * a * c * d) / 12,
        5 * (a * b * d * e + x * b * d * e + x * a * d * e + x * a * b * e + x * a * b * d) / 12,
        -5 * (a * b * c * e + x * b * c * e + x * a * c * e + x * a * b * e + x * a * b * c) / 24,
        (a * b * c * d + x * b * c * d + x * a * c * d + x * a * b * d + x * a * b * c) / 24.0,
    )  # fmt: skip


@inlined
def crossing_weight(u: float, v: float, plane: Any, n: Any) -> float:
    """X(u, v) from the table."""
    if v > n[5]:
        return 0.0
    if u > n[4]:
        return math.exp(-n[13] * v / (u + v))
    i, s = cell_of(u + n[0], int(n[2]))
    j, t = cell_of(v + n[1], int(n[3]))
    a = lagrange(s)
    b = lagrange(t)
    p = plane[i * DEGREE : i * DEGREE + 6, j * DEGREE : j * DEGREE + 6]
    total = 0.0
    for k in range(6):
        row = p[k]
        inner = row[0] * b[0]
        inner = fma(row[1], b[1], inner)
        inner = fma(row[2], b[2], inner)
        inner = fma(row[3], b[3], inner)
        inner = fma(row[4], b[4], inner)
        inner = fma(row[5], b[5], inner)
        total = fma(a[k], inner, total)
    return total


@inlined
def same_side(z: float, z_next: float, line: Any, n: Any) -> float:
    """W for z z' > 0 from the polynomial: no branch, so that loops over paths vectorise."""
    above = z > 0
    # both polynomials are evaluated and one is chosen: coefficients by side would be gathered
    below, s0, s1, f0, f1, o0, o1 = n[6], n[7], n[10], n[8], n[11], n[9], n[12]
    base = 1.0 if above else below
    s = s0 if above else s1
    c = min(abs(z + z_next), _END)
    x = (c - s) / (c + s) * (f0 if above else f1) + (o0 if above else o1)
    up, down = line[0, 0], line[1, 0]
    for k in range(1, 22):
        up, down = fma(up, x, line[0, k]), fma(down, x, line[1, k])
    d = up if above else down
    return fma(exponential(-2.0 * z * z_next), d, base)


@inlined
def weight_and_slopes(z: float, z_next: float, theta: float, line: Any, plane: Any,
                      n: Any) -> tuple[float, float, float]:  # fmt: skip
    """Return W, (d/dz + d/dz') W and dW/dz."""
    if theta == math.inf:
        if z <= 0 or z_next <= 0:
            return 0.0, 0.0, 0.0
        e = math.exp(-2.0 * z * z_next)
        return -math.expm1(-2.0 * z * z_next), 2.0 * (z + z_next) * e, 2.0 * z_next * e
    if z * z_next > 0:
        side = 0 if z > 0 else 1
        base = 1.0 if z > 0 else n[6]
        sign = 1.0 if z > 0 else -1.0
        s, factor = n[7 + 3 * side], n[8 + 3 * side]
        c = min(abs(z + z_next), _END)
        x = (c - s) / (c + s) * factor + n[9 + 3 * side]
        d, slope = line[side, 0], 0.0
        for k in range(1, 22):
            slope = slope * x + d
            d = d * x + line[side, k]
        slope *= sign * factor * 2.0 * s / ((c + s) * (c + s))
        e = math.exp(-2.0 * z * z_next)
        by_z = e * (slope - 2.0 * z_next * d)
        both = 2.0 * e * (slope - (z + z_next) * d)
        return base + e * d, both, by_z
    u, v = max(z, z_next), -min(z, z_next)
    if v > n[5]:
        return 0.0, 0.0, 0.0
    i, s = cell_of(min(u, n[4]) + n[0], int(n[2]))
    j, t = cell_of(v + n[1], int(n[3]))
    hi = from_bits(((i + int(n[2])) + 1) << _SHIFT) - from_bits((i + int(n[2])) << _SHIFT)
    hj = from_bits(((j + int(n[3])) + 1) << _SHIFT) - from_bits((j + int(n[3])) << _SHIFT)
    a, b, da, db = lagrange(s), lagrange(t), lagrange_slopes(s), lagrange_slopes(t)
    value, by_u, by_v = 0.0, 0.0, 0.0
    for k in range(6):
        for l in range(6):
            x = plane[i * DEGREE + k, j * DEGREE + l]
            value += a[k] * b[l] * x
            by_u += da[k] * b[l] * x
            by_v += a[k] * db[l] * x
    by_u /= hi
    by_v /= hj
    both = by_u - by_v  # up: u grows, v shrinks
    return value, both, by_u if z > z_next else -by_v


@compiled("void(f8[::1],f8[::1],f8,f8[:,::1],f8[:,::1],f8[::1],f8[:,::1])")
def weights(z: Any, z_next: Any, theta: float, line: Any, plane: Any, n: Any, out: Any) -> None:
    """Write W, (d/dz + d/dz') W and dW/dz of each pair into the rows of `out`."""
    for i in range(z.shape[0]):
        out[0, i], out[1, i], out[2, i] = weight_and_slopes(z[i], z_next[i], theta, line, plane, n)

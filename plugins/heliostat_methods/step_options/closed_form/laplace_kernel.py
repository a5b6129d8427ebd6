"""The compiled solver: one pass over the regions gives price, delta and gamma by Laplace inversion.

In Laplace space the price solves sigma^2/2 U'' + nu U' - (s + V) U = -f piecewise. In a region U is
P + A e^{lm (y - lo)} + B e^{lp (y - hi)} with lm < 0 < lp, so that no exponential grows. From the
left and from the right an affine relation U' = Y U + c is carried to every breakpoint; the two
together give U and U' there, then A and B, then U, U', U'' anywhere, with no bump.

Inversion: the hyperbola of Weideman and Trefethen 2007. Its nodes scale with 1 / T, so e^{z T} is a
table. All loops run over the nodes with real and imaginary parts in separate rows, which is what
vectorises; each sum is taken in the order of the nodes.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from heliostat_methods.step_options.arithmetic.compilation import compiled, inlined
from heliostat_methods.step_options.arithmetic.elementary import cosine_sine, exponential

# columns of `contracts`
_T, _RATE, _NU, _VOL, _K, _C1_LOW, _C0_LOW, _C1_HIGH, _C0_HIGH = range(9)
COLUMNS = 9


@cache
def hyperbola(nodes: int) -> tuple[Any, Any]:
    """Return (z_j T, h / (pi i) e^{z_j T} z'_j T) for j < nodes: contour points and weights."""
    h = 1.081792140 / nodes
    scale = 4.492075287 * nodes
    angle = 1.172104229
    u = (np.arange(nodes) + 0.5) * h
    z = scale * (1 + np.sin(1j * u - angle))
    derivative = 1j * scale * np.cos(1j * u - angle)
    return z, h / (np.pi * 1j) * np.exp(z) * derivative


@inlined
def _divide(a: complex, b: complex) -> complex:
    d = 1.0 / (b.real * b.real + b.imag * b.imag)
    return complex((a.real * b.real + a.imag * b.imag) * d, (a.imag * b.real - a.real * b.imag) * d)


@inlined
def _exp(z: complex) -> complex:
    e = exponential(z.real)
    c, s = cosine_sine(z.imag)
    return complex(e * c, e * s)


@inlined
def _root(z: complex) -> complex:
    """The square root with a positive real part."""
    x, y = z.real, z.imag
    r = math.sqrt(x * x + y * y)
    a = math.sqrt(0.5 * (r + abs(x)))
    b = 0.5 * abs(y) / a
    real = a if x >= 0 else b
    imag = b if x >= 0 else a
    return complex(real, imag if y >= 0 else -imag)


@compiled("void(f8[::1],f8[::1],f8[::1],f8[:,::1],c16[::1],c16[::1],f8[:,:,:,::1],f8[:,::1])")
def _solve(p: Any, q: Any, points: Any, source: Any, z: Any, w: Any, work: Any, terms: Any) -> None:
    """Fill `work` with lm, lp, P1, P0, A, B of every region and node.

    p: the contract's row. q: rates of the regions. points: breakpoints. source: (regions, 2).
    work: (10, 2, regions, nodes), the second axis is real and imaginary part.
    """
    M, N = points.shape[0], z.shape[0]
    T, nu, vol = p[_T], p[_NU], p[_VOL]
    s2 = vol * vol
    i2 = 1.0 / s2
    lowest = 0.0
    for i in range(M + 1):
        lowest = max(lowest, -q[i])
    shift = max(0.0, nu + 0.5 * s2) + lowest
    growth = nu + 0.5 * s2
    iT = 1.0 / T
    factor = exponential((shift - p[_RATE]) * T) * iT
    for j in range(N):
        terms[6, j] = w[j].real * factor
        terms[7, j] = w[j].imag * factor
    LM, LP, P1, P0, YL, CL, U, D, A, B = range(10)
    for i in range(M + 1):
        v, c1, c0 = q[i] + shift, source[i, 0], source[i, 1]
        for j in range(N):
            sv = z[j] * iT + v
            d = _root(nu * nu + 2.0 * s2 * sv)
            lp = (d - nu) * i2
            lm = (-nu - d) * i2
            p1 = _divide(complex(c1, 0.0), sv - growth)
            p0 = _divide(complex(c0, 0.0), sv)
            work[LM, 0, i, j], work[LM, 1, i, j] = lm.real, lm.imag
            work[LP, 0, i, j], work[LP, 1, i, j] = lp.real, lp.imag
            work[P1, 0, i, j], work[P1, 1, i, j] = p1.real, p1.imag
            work[P0, 0, i, j], work[P0, 1, i, j] = p0.real, p0.imag
    # from the left: relation U' = Y U + c at point i, kept in row i
    for i in range(M):
        e_hi = math.exp(points[i])
        width = points[i] - points[i - 1] if i > 0 else 0.0
        e_lo = math.exp(points[i - 1]) if i > 0 else 0.0
        for j in range(N):
            lp = complex(work[LP, 0, i, j], work[LP, 1, i, j])
            d_hi = complex(work[P1, 0, i, j], work[P1, 1, i, j]) * e_hi
            p_hi = d_hi + complex(work[P0, 0, i, j], work[P0, 1, i, j])
            if i == 0:
                Y = lp
                c = d_hi - lp * p_hi
            else:
                lm = complex(work[LM, 0, i, j], work[LM, 1, i, j])
                d_lo = complex(work[P1, 0, i, j], work[P1, 1, i, j]) * e_lo
                p_lo = d_lo + complex(work[P0, 0, i, j], work[P0, 1, i, j])
                Y0 = complex(work[YL, 0, i - 1, j], work[YL, 1, i - 1, j])
                c0_ = complex(work[CL, 0, i - 1, j], work[CL, 1, i - 1, j])
                em, ep = _exp(lm * width), _exp(-lp * width)
                one = _divide(complex(1.0, 0.0), lm - Y0)
                al = -ep * (lp - Y0) * one
                be = (Y0 * p_lo + c0_ - d_lo) * one
                Y = _divide(lp + lm * em * al, 1.0 + al * em)
                c = d_hi + lm * em * be - Y * (p_hi + be * em)
            work[YL, 0, i, j], work[YL, 1, i, j] = Y.real, Y.imag
            work[CL, 0, i, j], work[CL, 1, i, j] = c.real, c.imag
    # from the right: relation at point i - 1 in row i of A, B (which wait for their values)
    for i in range(M, 0, -1):
        e_lo = math.exp(points[i - 1])
        width = points[i] - points[i - 1] if i < M else 0.0
        e_hi = math.exp(points[i]) if i < M else 0.0
        for j in range(N):
            lm = complex(work[LM, 0, i, j], work[LM, 1, i, j])
            d_lo = complex(work[P1, 0, i, j], work[P1, 1, i, j]) * e_lo
            p_lo = d_lo + complex(work[P0, 0, i, j], work[P0, 1, i, j])
            if i == M:
                Y = lm
                c = d_lo - lm * p_lo
            else:
                lp = complex(work[LP, 0, i, j], work[LP, 1, i, j])
                d_hi = complex(work[P1, 0, i, j], work[P1, 1, i, j]) * e_hi
                p_hi = d_hi + complex(work[P0, 0, i, j], work[P0, 1, i, j])
                Y0 = complex(work[A, 0, i + 1, j], work[A, 1, i + 1, j])
                c0_ = complex(work[B, 0, i + 1, j], work[B, 1, i + 1, j])
                em, ep = _exp(lm * width), _exp(-lp * width)
                one = _divide(complex(1.0, 0.0), lp - Y0)
                al = -em * (lm - Y0) * one
                be = (Y0 * p_hi + c0_ - d_hi) * one
                Y = _divide(lm + lp * ep * al, 1.0 + al * ep)
                c = d_lo + lp * ep * be - Y * (p_lo + be * ep)
            work[A, 0, i, j], work[A, 1, i, j] = Y.real, Y.imag
            work[B, 0, i, j], work[B, 1, i, j] = c.real, c.imag
    # both relations meet: U and U' at point i
    for i in range(M):
        for j in range(N):
            Yl = complex(work[YL, 0, i, j], work[YL, 1, i, j])
            cl = complex(work[CL, 0, i, j], work[CL, 1, i, j])
            Yr = complex(work[A, 0, i + 1, j], work[A, 1, i + 1, j])
            cr = complex(work[B, 0, i + 1, j], work[B, 1, i + 1, j])
            u = _divide(cr - cl, Yl - Yr)
            d = Yl * u + cl
            work[U, 0, i, j], work[U, 1, i, j] = u.real, u.imag
            work[D, 0, i, j], work[D, 1, i, j] = d.real, d.imag
    # and the amplitudes: A decays from the lower end of a region, B from the upper one
    for i in range(M + 1):
        e_lo = math.exp(points[i - 1]) if i > 0 else 0.0
        e_hi = math.exp(points[i]) if i < M else 0.0
        inner = 0 < i < M
        for j in range(N):
            lm = complex(work[LM, 0, i, j], work[LM, 1, i, j])
            lp = complex(work[LP, 0, i, j], work[LP, 1, i, j])
            p1 = complex(work[P1, 0, i, j], work[P1, 1, i, j])
            p0 = complex(work[P0, 0, i, j], work[P0, 1, i, j])
            one = _divide(complex(1.0, 0.0), lp - lm)
            a, b = 0j, 0j
            if i > 0:
                u = complex(work[U, 0, i - 1, j], work[U, 1, i - 1, j]) - p1 * e_lo - p0
                d = complex(work[D, 0, i - 1, j], work[D, 1, i - 1, j]) - p1 * e_lo
                a = (lp * u - d) * one if inner else u
            if i < M:
                u = complex(work[U, 0, i, j], work[U, 1, i, j]) - p1 * e_hi - p0
                d = complex(work[D, 0, i, j], work[D, 1, i, j]) - p1 * e_hi
                b = (d - lm * u) * one if inner else u
            work[A, 0, i, j], work[A, 1, i, j] = a.real, a.imag
            work[B, 0, i, j], work[B, 1, i, j] = b.real, b.imag


@compiled("void(f8[::1],f8[::1],c16[::1],f8[:,:,:,::1],f8[:,::1],f8[:,::1])")
def _evaluate(y: Any, points: Any, z: Any, work: Any, terms: Any, out: Any) -> None:
    """Write U, U', U'' at each y of one solved contract."""
    M, N = points.shape[0], z.shape[0]
    LM, LP, P1, P0, A, B = 0, 1, 2, 3, 8, 9
    for n in range(y.shape[0]):
        i = 0
        while i < M and points[i] < y[n]:
            i += 1
        up = y[n] - points[i - 1] if i > 0 else 0.0
        down = points[i] - y[n] if i < M else 0.0
        e = math.exp(y[n])
        for j in range(N):
            lm = complex(work[LM, 0, i, j], work[LM, 1, i, j])
            lp = complex(work[LP, 0, i, j], work[LP, 1, i, j])
            a = complex(work[A, 0, i, j], work[A, 1, i, j]) * _exp(lm * up)
            b = complex(work[B, 0, i, j], work[B, 1, i, j]) * _exp(-lp * down)
            p1 = complex(work[P1, 0, i, j], work[P1, 1, i, j]) * e
            w = complex(terms[6, j], terms[7, j])
            terms[0, j] = (w * (p1 + complex(work[P0, 0, i, j], work[P0, 1, i, j]) + a + b)).real
            a *= lm
            b *= lp
            terms[1, j] = (w * (p1 + a + b)).real
            terms[2, j] = (w * (p1 + lm * a + lp * b)).real
        s0, s1, s2 = 0.0, 0.0, 0.0
        for j in range(N):
            s0 += terms[0, j]
            s1 += terms[1, j]
            s2 += terms[2, j]
        out[n, 0], out[n, 1], out[n, 2] = s0, s1, s2


@compiled("void(f8[:,::1],f8[:,::1],f8[:,::1],f8[::1],i8[::1],c16[::1],c16[::1],f8[:,::1])")
def solve_contracts(contracts: Any, breaks: Any, rates: Any, y: Any, first: Any, z: Any, w: Any,
                    out: Any) -> None:  # fmt: skip
    """Write discounted U, U', U'' (in y) of contract c at its spots y[first[c]:first[c + 1]].

    contracts: (n, COLUMNS). breaks: (n, m) increasing. rates: (n, m + 1). z, w: `hyperbola`.
    out: (len(y), 3).
    """
    m, N = breaks.shape[1], z.shape[0]
    M = m + 1
    points, q, source = np.empty(M), np.empty(M + 1), np.empty((M + 1, 2))
    work, terms = np.empty((10, 2, M + 1, N)), np.empty((8, N))
    for c in range(contracts.shape[0]):
        p = contracts[c]
        k = p[_K]
        at = 0  # the strike's place among the breakpoints
        while at < m and breaks[c, at] <= k:
            at += 1
        for i in range(at):
            points[i], q[i] = breaks[c, i], rates[c, i]
        points[at], q[at], q[at + 1] = k, rates[c, at], rates[c, at]
        for i in range(at, m):
            points[i + 1], q[i + 2] = breaks[c, i], rates[c, i + 1]
        for i in range(M + 1):
            source[i, 0] = p[_C1_LOW] if i <= at else p[_C1_HIGH]
            source[i, 1] = p[_C0_LOW] if i <= at else p[_C0_HIGH]
        _solve(p, q, points, source, z, w, work, terms)
        lo, hi = first[c], first[c + 1]
        _evaluate(y[lo:hi], points, z, work, terms, out[lo:hi])

"""The kernel modulo a prime by numba, where there is no C compiler: one point a time.

A sum of products keeps their upper parts (from bit 31 on) and lower parts apart, so it is reduced
once and not at every product, as in ym_kernel.c; residues are exact, so no order matters.
"""

from __future__ import annotations

import numpy as np

from heliostat_methods.amplitudes.kernels.fused import compiled, inlined
from heliostat_methods.amplitudes.kernels.inputs import Array

LOW_BITS = 2**31 - 1


@inlined
def _value(high: int, low: int, p: int) -> int:
    if p == LOW_BITS:  # 2^31 = 1
        return (high + low) % p
    return ((high % p) * ((LOW_BITS + 1) % p) + low) % p


@inlined
def _contracted(a: Array, k: Array, p: int) -> int:
    high, low = 0, 0
    for m in range(len(a)):
        product = a[m] * k[m]
        high += product >> 31
        low += product & LOW_BITS
    return _value(high, low, p)


@inlined
def _inverse(x: int, p: int) -> int:
    power, e = 1, p - 2
    while e:
        if e & 1:
            power = power * x % p
        x = x * x % p
        e >>= 1
    return power


@inlined
def _split_potential(
    high: Array, low: Array, k: Array, a: Array, down: Array, f: Array, x: int, y: int, p: int
) -> None:
    dimension = k.shape[1]
    c = _contracted(down[x], k[y], p)
    d = _contracted(down[y], k[x], p)
    for n in range(dimension):
        upper, lower = high[n], low[n]
        product, minus = c * a[y, n], d * a[x, n]
        upper += (product >> 31) - (minus >> 31)
        lower += (product & LOW_BITS) - (minus & LOW_BITS)
        for m in range(dimension):
            product, minus = down[x, m] * f[y, n, m], down[y, m] * f[x, n, m]
            upper += (product >> 31) - (minus >> 31)
            lower += (product & LOW_BITS) - (minus & LOW_BITS)
        high[n], low[n] = upper, lower


@inlined
def _strength(f: Array, high: Array, low: Array, k: Array, a: Array, p: int) -> None:
    """Set F, stored as [n, m] for F^{mn}, from its sum over splits above m < n."""
    for m in range(len(k)):
        for n in range(m + 1, len(k)):
            product, minus = k[m] * a[n], k[n] * a[m]
            upper = high[n, m] + (product >> 31) - (minus >> 31)
            lower = low[n, m] + (product & LOW_BITS) - (minus & LOW_BITS)
            t = _value(upper, lower, p)
            f[n, m], f[m, n] = t, (p - t) % p


@inlined
def _lowered(down: Array, a: Array, plus: int, p: int) -> None:
    for m in range(len(a)):
        down[m] = a[m] if m < plus else (p - a[m]) % p


@compiled
def amplitudes(
    plus: int,
    p: int,
    order: Array,
    momenta: Array,
    polarisations: Array,
    found: Array,
    regular: Array,
) -> None:
    """Fill in the residue of each point, and whether it is regular."""
    points, n, dimension = momenta.shape
    legs = n - 1
    words = legs * (legs + 1) // 2
    k = np.zeros((words, dimension), np.int64)
    a, down = np.zeros_like(k), np.zeros_like(k)
    k_down, last = np.zeros(dimension, np.int64), np.zeros(dimension, np.int64)
    f = np.zeros((words, dimension, dimension), np.int64)
    high, low = np.zeros(dimension, np.int64), np.zeros(dimension, np.int64)
    f_high, f_low = np.zeros_like(f[0]), np.zeros_like(f[0])
    row = np.zeros(legs, np.int64)  # the word (i, j) is row[i] + j
    for i in range(legs):
        row[i] = i * legs - i * (i - 1) // 2 - i - 1
    for point in range(points):
        good = True
        f_high[:] = 0
        f_low[:] = 0
        for i in range(legs):
            w = row[i] + i + 1
            for m in range(dimension):
                k[w, m] = np.int64(momenta[point, i, order[m]])
                a[w, m] = np.int64(polarisations[point, i, order[m]])
            _lowered(down[w], a[w], plus, p)
            _strength(f[w], f_high, f_low, k[w], a[w], p)
        for j in range(2, legs + 1):
            for i in range(j - 2, -1, -1):
                if j - i == legs:
                    continue
                w, u, v = row[i] + j, row[i] + i + 1, row[i + 1] + j
                for m in range(dimension):
                    k[w, m] = (k[u, m] + k[v, m]) % p
                _lowered(k_down, k[w], plus, p)
                norm = _contracted(k_down, k[w], p)
                good = good and norm != 0
                inverse = _inverse(norm, p)
                high[:] = 0
                low[:] = 0
                f_high[:] = 0
                f_low[:] = 0
                for r in range(i + 1, j):
                    x, y = row[i] + r, row[r] + j
                    _split_potential(high, low, k, a, down, f, x, y, p)
                    for m in range(dimension):
                        for s in range(m + 1, dimension):
                            product, minus = a[x, s] * a[y, m], a[x, m] * a[y, s]
                            f_high[s, m] += (product >> 31) - (minus >> 31)
                            f_low[s, m] += (product & LOW_BITS) - (minus & LOW_BITS)
                for m in range(dimension):
                    a[w, m] = _value(high[m], low[m], p) * inverse % p
                _lowered(down[w], a[w], plus, p)
                _strength(f[w], f_high, f_low, k[w], a[w], p)
        high[:] = 0
        low[:] = 0
        for r in range(1, legs):
            _split_potential(high, low, k, a, down, f, row[0] + r, row[r] + legs, p)
        for m in range(dimension):
            high[m] = _value(high[m], low[m], p)
            last[m] = np.int64(polarisations[point, legs, order[m]])
        _lowered(down[0], last, plus, p)  # the first word is used no more at this point
        regular[point] = good
        found[point] = _contracted(high, down[0], p) * ((p + 1) // 2) % p if good else 0

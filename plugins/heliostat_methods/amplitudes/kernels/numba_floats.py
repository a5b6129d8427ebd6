"""The float kernel by numba, where there is no C compiler: the bits of C, one point a time.

The order of roundings is that of ym_kernel.c, and its comments hold here. Indices that are down
there by a sign in an addition are down here in the stored `low`, which is exact as well.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heliostat_methods.amplitudes.kernels.fused import compiled, inlined, mac, shrunk
from heliostat_methods.amplitudes.kernels.inputs import Array


@inlined
def _contracted(t: Any, low: Array, k: Array) -> Any:
    for m in range(len(k)):
        t = mac(t, low[m], k[m])
    return t


@inlined
def _size(t: Any) -> Any:
    return abs(t.real) + abs(t.imag)


@inlined
def _split_potential(
    total: Array, zero: Any, k: Array, a: Array, low: Array, f: Array, x: int, y: int
) -> None:
    dimension = k.shape[1]
    c = _contracted(zero, low[x], k[y])
    d = -_contracted(zero, low[y], k[x])
    for n in range(dimension):
        t = mac(mac(total[n], c, a[y, n]), d, a[x, n])
        for m in range(dimension):
            if m != n:
                t = mac(mac(t, low[x, m], f[y, n, m]), -low[y, m], f[x, n, m])
        total[n] = t


@inlined
def _strength(strength: Array, k: Array, a: Array) -> None:
    """Complete F, which is stored as [n, m] for F^{mn}, from its sum over splits above m < n."""
    for m in range(len(k)):
        for n in range(m + 1, len(k)):
            t = mac(mac(strength[n, m], a[n], k[m]), -a[m], k[n])
            strength[n, m], strength[m, n] = t, -t


@inlined
def _lowered(low: Array, a: Array, plus: int) -> None:
    for m in range(len(a)):
        low[m] = a[m] if m < plus else -a[m]


@inlined
def _exponent(top: float) -> int:
    """As `unit` in ym_kernel.c: of two, what parts of at most ``top`` are near."""
    if top == 0.0:
        return -1023
    return min(max(math.frexp(top)[1] + 1022, 0), 2045) - 1023


@inlined
def _scaled(a: Array) -> int:
    """Bring a polarisation near 1, and return what by."""
    top = 0.0
    for x in a:
        top = max(top, abs(x.real), abs(x.imag))
    exponent = _exponent(top)
    for m in range(len(a)):
        a[m] = shrunk(a[m], math.ldexp(1.0, -exponent))
    return exponent


@compiled
def amplitudes(
    plus: int,
    order: Array,
    momenta: Array,
    polarisations: Array,
    found: Array,
    sizes: Array,
) -> None:
    """Fill in the amplitude of each point, and the size of its terms unless ``sizes`` is empty.

    ``found``: (points, 1) or, with an imaginary part, (points, 2).
    """
    points, n, dimension = momenta.shape
    legs = n - 1
    words = legs * (legs + 1) // 2
    k = np.zeros((words, dimension))
    k_low = np.zeros(dimension)
    a = np.zeros((words, dimension), polarisations.dtype)
    low = np.zeros_like(a)
    f = np.zeros((words, dimension, dimension), polarisations.dtype)
    last = np.zeros(dimension, polarisations.dtype)
    last_low = np.zeros_like(last)
    total = np.zeros_like(last)
    zero = total[0]
    row = np.zeros(legs, np.int64)  # the word (i, j) is row[i] + j
    for i in range(legs):
        row[i] = i * legs - i * (i - 1) // 2 - i - 1
    for point in range(points):
        poison, top = 0.0, 0.0
        for i in range(legs):
            for m in range(dimension):
                top = max(top, abs(momenta[point, i, m]))
        exponent = _exponent(top)
        scale = math.ldexp(1.0, -exponent)
        exponent *= 3 - legs
        for i in range(legs):
            w = row[i] + i + 1
            for m in range(dimension):
                k[w, m] = momenta[point, i, order[m]] * scale
                a[w, m] = polarisations[point, i, order[m]]
            exponent += _scaled(a[w])
            f[w] = zero
            _lowered(low[w], a[w], plus)
            _strength(f[w], k[w], a[w])
        for m in range(dimension):
            last[m] = polarisations[point, legs, order[m]]
        exponent += _scaled(last)
        _lowered(last_low, last, plus)
        for j in range(2, legs + 1):
            for i in range(j - 2, -1, -1):
                if j - i == legs:
                    continue
                w, u, v = row[i] + j, row[i] + i + 1, row[i + 1] + j
                for m in range(dimension):
                    k[w, m] = k[u, m] + k[v, m]
                _lowered(k_low, k[w], plus)
                inverse = 1.0 / _contracted(0.0, k_low, k[w])
                poison = mac(poison, 0.0, inverse)
                total[:] = zero
                f[w] = zero
                for r in range(i + 1, j):
                    x, y = row[i] + r, row[r] + j
                    _split_potential(total, zero, k, a, low, f, x, y)
                    for m in range(dimension):
                        for s in range(m + 1, dimension):
                            t = mac(f[w, s, m], -a[x, m], a[y, s])
                            f[w, s, m] = mac(t, a[x, s], a[y, m])
                for m in range(dimension):
                    a[w, m] = shrunk(total[m], inverse)
                _lowered(low[w], a[w], plus)
                _strength(f[w], k[w], a[w])
        total[:] = zero
        for r in range(1, legs):
            _split_potential(total, zero, k, a, low, f, row[0] + r, row[r] + legs)
        t = zero
        for m in range(dimension):
            t = mac(t, total[m], last_low[m])
        found[point, 0] = math.ldexp(t.real * 0.5 + poison, exponent)
        if found.shape[1] == 2:
            found[point, 1] = math.ldexp(t.imag * 0.5 + poison, exponent)
        if len(sizes) > 0:
            size = 0.0
            for r in range(1, legs):
                total[:] = zero
                _split_potential(total, zero, k, a, low, f, row[0] + r, row[r] + legs)
                for m in range(dimension):
                    size = mac(size, _size(total[m]), _size(last[m]))
            sizes[point] = math.ldexp(size * 0.5 + poison, exponent)

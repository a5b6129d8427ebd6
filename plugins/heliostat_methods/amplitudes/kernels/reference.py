"""The amplitude by colour-ordered Feynman rules, batched in numpy: another way to the same numbers.

Three- and four-vertices of Lorenz gauge over all splits into two and three words, O(n^4), the
four-vertex as a dense tensor. Tests compare with it and the benchmark divides by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.amplitudes.kernels.inputs import Array, floats, metric_of, same_shape

Contract = Callable[[Array, Array, Array, Array], Array]


def four_vertex(signs: Array) -> Array:
    """Return V[a, b, c, d], indices a to c down, of V4 = 2 (X.Z) Y - (X.Y) Z - (Y.Z) X."""
    g, one = np.diag(signs).astype(float), np.eye(len(signs))
    return np.asarray(
        2 * np.einsum("ac,bd->abcd", g, one)
        - np.einsum("ab,cd->abcd", g, one)
        - np.einsum("bc,ad->abcd", g, one)
    )


def at_once(vertex: Array, x: Array, y: Array, z: Array) -> Array:
    """Return the four-vertex of three currents as the formula reads, in one einsum."""
    return np.asarray(np.einsum("abcd,pa,pb,pc->pd", vertex, x, y, z, optimize=True))


def pair_by_pair(vertex: Array, x: Array, y: Array, z: Array) -> Array:
    """Return the same, one current after the other: several times faster, and less plain."""
    pair = np.einsum("pa,abcd->pbcd", x, vertex, optimize=True)
    pair = np.einsum("pb,pbcd->pcd", y, pair)
    return np.asarray(np.einsum("pc,pcd->pd", z, pair))


def dense_amplitudes(
    momenta: ArrayLike,
    polarisations: ArrayLike,
    *,
    metric: Sequence[int] | None = None,
    four: Contract = at_once,
) -> Array:
    """Return what `ym_amplitudes` returns where k and e satisfy their constraints.

    Arguments, units and errors as there; ``four`` contracts the four-vertex. Source: the
    Feynman-rule form of the same currents, derived in docs/methods/amplitudes.md.
    """
    k = floats("momenta", momenta)
    e = floats("polarisations", polarisations, may_be_complex=True)
    same_shape(k, e)
    legs = k.shape[1] - 1
    signs = np.array(metric_of(metric, k.shape[2]).signs)
    vertex = four_vertex(signs)
    sums = {(i, i + 1): k[:, i] for i in range(legs)}
    currents = {(i, i + 1): e[:, i] for i in range(legs)}
    numerator = e[:, 0]
    for length in range(2, legs + 1):
        for i in range(legs - length + 1):
            j = i + length
            numerator = np.zeros_like(e[:, 0])
            for r in range(i + 1, j):
                x, y = (i, r), (r, j)
                numerator += _three(currents[x], currents[y], sums[x], sums[y], signs)
                for s in range(r + 1, j):
                    numerator += four(vertex, currents[x], currents[r, s], currents[s, j])
            sums[i, j] = sums[i, i + 1] + sums[i + 1, j]
            if length < legs:
                norm = _dot(sums[i, j], sums[i, j], signs)
                with np.errstate(divide="ignore", invalid="ignore"):
                    currents[i, j] = numerator / norm[:, None]
    return np.asarray(_dot(numerator, e[:, legs], signs) / 2)


def _dot(x: Array, y: Array, signs: Array) -> Array:
    return np.asarray(np.einsum("pm,pm,m->p", x, y, signs))


def _three(x: Array, y: Array, k: Array, q: Array, signs: Array) -> Array:
    a, b, c = _dot(x, y, signs), _dot(2 * q + k, x, signs), _dot(2 * k + q, y, signs)
    return np.asarray(a[:, None] * (k - q) + b[:, None] * y - c[:, None] * x)

"""Compiled dense layers with samples in the last axis, and the outputs' side of a loss.

Layers here are small: the call into a BLAS library costs as much as the arithmetic, and the
library's threads and code paths change the bits. These loops work on blocks of four by four numbers
that stay in registers, were measured no slower than the library at 32 and at 1000 units, and give
the same bits whatever runs beside them.

Activations and deltas of all layers stand in one buffer (sum of widths, samples): layer after
layer, the inputs first, the outputs last.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal import elementary
from heliostat_methods.evomal.compilation import compiled

Array = npt.NDArray[Any]


@compiled()
def _add_product(a: Array, b: Array, out: Array) -> None:
    J, K = a.shape
    L = out.shape[1]
    J4, K4 = J - J % 4, K - K % 4
    for j in range(0, J4, 4):
        for k in range(0, K4, 4):
            a00, a01, a02, a03 = a[j, k], a[j, k + 1], a[j, k + 2], a[j, k + 3]
            a10, a11, a12, a13 = a[j + 1, k], a[j + 1, k + 1], a[j + 1, k + 2], a[j + 1, k + 3]
            a20, a21, a22, a23 = a[j + 2, k], a[j + 2, k + 1], a[j + 2, k + 2], a[j + 2, k + 3]
            a30, a31, a32, a33 = a[j + 3, k], a[j + 3, k + 1], a[j + 3, k + 2], a[j + 3, k + 3]
            for l in range(L):
                x0, x1, x2, x3 = b[k, l], b[k + 1, l], b[k + 2, l], b[k + 3, l]
                out[j, l] += a00 * x0 + a01 * x1 + a02 * x2 + a03 * x3
                out[j + 1, l] += a10 * x0 + a11 * x1 + a12 * x2 + a13 * x3
                out[j + 2, l] += a20 * x0 + a21 * x1 + a22 * x2 + a23 * x3
                out[j + 3, l] += a30 * x0 + a31 * x1 + a32 * x2 + a33 * x3
        for k in range(K4, K):
            a00, a10, a20, a30 = a[j, k], a[j + 1, k], a[j + 2, k], a[j + 3, k]
            for l in range(L):
                x0 = b[k, l]
                out[j, l] += a00 * x0
                out[j + 1, l] += a10 * x0
                out[j + 2, l] += a20 * x0
                out[j + 3, l] += a30 * x0
    for j in range(J4, J):
        for k in range(0, K4, 4):
            a00, a01, a02, a03 = a[j, k], a[j, k + 1], a[j, k + 2], a[j, k + 3]
            for l in range(L):
                out[j, l] += (
                    a00 * b[k, l] + a01 * b[k + 1, l] + a02 * b[k + 2, l] + a03 * b[k + 3, l]
                )
        for k in range(K4, K):
            a00 = a[j, k]
            for l in range(L):
                out[j, l] += a00 * b[k, l]


@compiled()
def add_product(a: Array, at: int, J: int, K: int, b: Array, rb: int, out: Array, ro: int) -> None:
    """Add A B: A (J, K) stands in the vector ``a`` from ``at``, B in rows of ``b`` from ``rb``.

    The result is added to J rows of ``out`` from ``ro``, over all columns.
    """
    # Loops that start at 0 over a view: numba then sees that no index can be negative.
    _add_product(a[at : at + J * K].reshape(J, K), b[rb : rb + K], out[ro : ro + J])


@compiled()
def _add_transposed_product(a: Array, b: Array, out: Array) -> None:
    J, K = a.shape
    L = out.shape[1]
    J4, K4 = J - J % 4, K - K % 4
    for k in range(0, K4, 4):
        for j in range(0, J4, 4):
            a00, a01, a02, a03 = a[j, k], a[j, k + 1], a[j, k + 2], a[j, k + 3]
            a10, a11, a12, a13 = a[j + 1, k], a[j + 1, k + 1], a[j + 1, k + 2], a[j + 1, k + 3]
            a20, a21, a22, a23 = a[j + 2, k], a[j + 2, k + 1], a[j + 2, k + 2], a[j + 2, k + 3]
            a30, a31, a32, a33 = a[j + 3, k], a[j + 3, k + 1], a[j + 3, k + 2], a[j + 3, k + 3]
            for l in range(L):
                x0, x1, x2, x3 = b[j, l], b[j + 1, l], b[j + 2, l], b[j + 3, l]
                out[k, l] += a00 * x0 + a10 * x1 + a20 * x2 + a30 * x3
                out[k + 1, l] += a01 * x0 + a11 * x1 + a21 * x2 + a31 * x3
                out[k + 2, l] += a02 * x0 + a12 * x1 + a22 * x2 + a32 * x3
                out[k + 3, l] += a03 * x0 + a13 * x1 + a23 * x2 + a33 * x3
        for j in range(J4, J):
            a00, a01, a02, a03 = a[j, k], a[j, k + 1], a[j, k + 2], a[j, k + 3]
            for l in range(L):
                x0 = b[j, l]
                out[k, l] += a00 * x0
                out[k + 1, l] += a01 * x0
                out[k + 2, l] += a02 * x0
                out[k + 3, l] += a03 * x0
    for k in range(K4, K):
        for j in range(J):
            a00 = a[j, k]
            for l in range(L):
                out[k, l] += a00 * b[j, l]


@compiled()
def add_transposed_product(
    a: Array, at: int, J: int, K: int, b: Array, rb: int, out: Array, ro: int
) -> None:
    """Add A^T B to K rows of ``out``; arguments as in ``add_product``."""
    _add_transposed_product(a[at : at + J * K].reshape(J, K), b[rb : rb + J], out[ro : ro + K])


@compiled(reduction=True)
def _outer_product(a: Array, b: Array, out: Array) -> None:
    J, L = a.shape
    K = b.shape[0]
    J4, K4 = J - J % 4, K - K % 4
    zero = out.dtype.type(0.0)
    for j in range(0, J4, 4):
        for k in range(0, K4, 4):
            s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = zero
            s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = zero
            for l in range(L):
                x0, x1, x2, x3 = b[k, l], b[k + 1, l], b[k + 2, l], b[k + 3, l]
                d0, d1, d2, d3 = a[j, l], a[j + 1, l], a[j + 2, l], a[j + 3, l]
                s00 += d0 * x0
                s01 += d0 * x1
                s02 += d0 * x2
                s03 += d0 * x3
                s10 += d1 * x0
                s11 += d1 * x1
                s12 += d1 * x2
                s13 += d1 * x3
                s20 += d2 * x0
                s21 += d2 * x1
                s22 += d2 * x2
                s23 += d2 * x3
                s30 += d3 * x0
                s31 += d3 * x1
                s32 += d3 * x2
                s33 += d3 * x3
            n = j
            out[n, k], out[n, k + 1], out[n, k + 2], out[n, k + 3] = s00, s01, s02, s03
            n = j + 1
            out[n, k], out[n, k + 1], out[n, k + 2], out[n, k + 3] = s10, s11, s12, s13
            n = j + 2
            out[n, k], out[n, k + 1], out[n, k + 2], out[n, k + 3] = s20, s21, s22, s23
            n = j + 3
            out[n, k], out[n, k + 1], out[n, k + 2], out[n, k + 3] = s30, s31, s32, s33
        for k in range(K4, K):
            s00 = s10 = s20 = s30 = zero
            for l in range(L):
                x0 = b[k, l]
                s00 += a[j, l] * x0
                s10 += a[j + 1, l] * x0
                s20 += a[j + 2, l] * x0
                s30 += a[j + 3, l] * x0
            out[j, k], out[j + 1, k], out[j + 2, k], out[j + 3, k] = s00, s10, s20, s30
    for j in range(J4, J):
        for k in range(K):
            s00 = zero
            for l in range(L):
                s00 += a[j, l] * b[k, l]
            out[j, k] = s00


@compiled()
def outer_product(
    a: Array, ra: int, J: int, b: Array, rb: int, K: int, out: Array, at: int
) -> None:
    """Write A B^T, (J, K), into the vector ``out`` from ``at``; A and B are rows of a and b."""
    _outer_product(a[ra : ra + J], b[rb : rb + K], out[at : at + J * K].reshape(J, K))


@compiled(reduction=True)
def row_sums(a: Array, ra: int, J: int, out: Array, at: int, L: int) -> None:
    """Write the sums of J rows of ``a`` into the vector ``out`` from ``at``."""
    zero = out.dtype.type(0.0)
    for j in range(J):
        total = zero
        for l in range(L):
            total += a[ra + j, l]
        out[at + j] = total


@compiled()
def spread(source: Array, at: int, J: int, out: Array, ro: int, L: int) -> None:
    """Fill J rows of ``out`` with one number of the vector ``source`` each (a layer's bias)."""
    for j in range(J):
        x = source[at + j]
        for l in range(L):
            out[ro + j, l] = x


@compiled()
def fill(out: Array, ro: int, J: int, L: int, value: float) -> None:
    """Set J rows of ``out`` to one value."""
    x = out.dtype.type(value)
    for j in range(ro, ro + J):
        for l in range(L):
            out[j, l] = x


@compiled()
def network_forward(theta: Array, widths: Array, acts: Array) -> None:
    """Fill every layer of ``acts`` after the inputs; hidden layers hold max(z, 0)."""
    L = acts.shape[1]
    zero = acts.dtype.type(0.0)
    at, row = 0, 0
    last = widths.shape[0] - 2
    for layer in range(last + 1):
        K, J = widths[layer], widths[layer + 1]
        above = row + K
        spread(theta, at + J * K, J, acts, above, L)
        add_product(theta, at, J, K, acts, row, acts, above)
        if layer < last:
            for j in range(above, above + J):
                for l in range(L):
                    x = acts[j, l]
                    acts[j, l] = zero if x < zero else x
        at += J * K + J
        row += K


@compiled()
def network_backward(theta: Array, widths: Array, acts: Array, deltas: Array) -> None:
    """Given the outputs' rows of ``deltas``, fill those of the hidden layers (not the inputs')."""
    L = acts.shape[1]
    zero = acts.dtype.type(0.0)
    at, row = theta.shape[0], acts.shape[0]
    for layer in range(widths.shape[0] - 2, 0, -1):
        K, J = widths[layer], widths[layer + 1]
        at -= J * K + J
        row -= J
        fill(deltas, row - K, K, L, 0.0)
        add_transposed_product(theta, at, J, K, deltas, row, deltas, row - K)
        for k in range(row - K, row):
            for l in range(L):
                x = deltas[k, l]
                deltas[k, l] = x if acts[k, l] > zero else zero


@compiled()
def network_gradient(widths: Array, acts: Array, deltas: Array, out: Array) -> None:
    """Write the parameters' gradient, given the deltas of all layers."""
    L = acts.shape[1]
    at, row = 0, 0
    for layer in range(widths.shape[0] - 1):
        K, J = widths[layer], widths[layer + 1]
        outer_product(deltas, row + K, J, acts, row, K, out, at)
        row_sums(deltas, row + K, J, out, at + J * K, L)
        at += J * K + J
        row += K


@compiled()
def probabilities(logits: Array, row: int, out: Array) -> None:
    """Write the softmax over C rows of ``logits`` from ``row`` to (C, L); for C = 1 the sigmoid."""
    C, L = out.shape
    one, zero = out.dtype.type(1.0), out.dtype.type(0.0)
    if C == 1:
        for l in range(L):
            x = logits[row, l]
            e = elementary.bounded_exp(-abs(x))  # never overflows
            out[0, l] = (one if not x < zero else e) / (one + e)
        return
    top, total = np.empty(L, out.dtype), np.zeros(L, out.dtype)
    for l in range(L):
        top[l] = logits[row, l]
    for c in range(row + 1, row + C):
        for l in range(L):
            x = logits[c, l]
            top[l] = top[l] if top[l] > x else x
    for c in range(C):
        for l in range(L):
            e = elementary.bounded_exp(logits[row + c, l] - top[l])
            out[c, l] = e
            total[l] += e
    for c in range(C):
        for l in range(L):
            out[c, l] /= total[l]


@compiled()
def through_probabilities(p: Array, x: Array) -> None:
    """Apply the (symmetric) Jacobian of ``probabilities`` to ``x`` in place, both (C, L).

    ``p_c (x_c - sum_k p_k x_k)``, for C = 1 ``p (1 - p) x``: carries gradients from probabilities
    to logits and tangents from logits to probabilities.
    """
    C, L = p.shape
    if C == 1:
        one = p.dtype.type(1.0)
        for l in range(L):
            x[0, l] = p[0, l] * (one - p[0, l]) * x[0, l]
        return
    mean = np.zeros(L, p.dtype)
    for c in range(C):
        for l in range(L):
            mean[l] += p[c, l] * x[c, l]
    for c in range(C):
        for l in range(L):
            x[c, l] = p[c, l] * (x[c, l] - mean[l])


@compiled()
def model_outputs(acts: Array, classify: bool, out: Array) -> None:
    """Write what a loss sees, (C, L): the last C rows of ``acts``, as probabilities if asked."""
    C, L = out.shape
    row = acts.shape[0] - C
    if classify:
        probabilities(acts, row, out)
    else:
        for c in range(C):
            for l in range(L):
                out[c, l] = acts[row + c, l]

"""Compiled dense layers with samples in the last axis, and the outputs' side of a loss.

Layers here are small: the call into a BLAS library costs as much as the arithmetic, and the
library's threads and code paths change the bits. These loops work on blocks of four by four numbers
that stay in registers, were measured no slower than the library at 32 and at 1000 units, and give
the same bits whatever runs beside them.

Activations and deltas of all layers stand in one buffer (sum of widths, samples): layer after
layer, the inputs first, the outputs last. Parameters stand in one vector, as in ``networks``.
"""

from typing import Any

import numpy.typing as npt

from heliostat_methods.evomal.population import elementary
from heliostat_methods.evomal.population.compilation import kernel, window

Array = npt.NDArray[Any]
_BLOCK = 64  # rows that stay in the innermost cache while other rows pass by


@kernel("f2, f2, f2")
def add_product(a: Array, b: Array, out: Array) -> None:
    """Add A B to ``out``: A (J, K), B (K, L)."""
    J, K = a.shape
    L = out.shape[1]
    J4, K4 = J - J % 4, K - K % 4
    for begin in range(0, K4, _BLOCK):
        end = begin + _BLOCK if begin + _BLOCK < K4 else K4
        for j in range(0, J4, 4):
            a0, a1, a2, a3 = a[j], a[j + 1], a[j + 2], a[j + 3]
            y0, y1, y2, y3 = out[j], out[j + 1], out[j + 2], out[j + 3]
            for k in range(begin, end, 4):
                b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
                a00, a01, a02, a03 = a0[k], a0[k + 1], a0[k + 2], a0[k + 3]
                a10, a11, a12, a13 = a1[k], a1[k + 1], a1[k + 2], a1[k + 3]
                a20, a21, a22, a23 = a2[k], a2[k + 1], a2[k + 2], a2[k + 3]
                a30, a31, a32, a33 = a3[k], a3[k + 1], a3[k + 2], a3[k + 3]
                for l in range(L):
                    x0, x1, x2, x3 = b0[l], b1[l], b2[l], b3[l]
                    y0[l] = y0[l] + a00 * x0 + a01 * x1 + a02 * x2 + a03 * x3
                    y1[l] = y1[l] + a10 * x0 + a11 * x1 + a12 * x2 + a13 * x3
                    y2[l] = y2[l] + a20 * x0 + a21 * x1 + a22 * x2 + a23 * x3
                    y3[l] = y3[l] + a30 * x0 + a31 * x1 + a32 * x2 + a33 * x3
        for j in range(J4, J):
            a0, y0 = a[j], out[j]
            for k in range(begin, end, 4):
                b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
                a00, a01, a02, a03 = a0[k], a0[k + 1], a0[k + 2], a0[k + 3]
                for l in range(L):
                    y0[l] = y0[l] + a00 * b0[l] + a01 * b1[l] + a02 * b2[l] + a03 * b3[l]
    for k in range(K4, K):
        b0 = b[k]
        for j in range(J):
            a00, y0 = a[j, k], out[j]
            for l in range(L):
                y0[l] = y0[l] + a00 * b0[l]


@kernel("f2, f2, f2")
def add_transposed_product(a: Array, b: Array, out: Array) -> None:
    """Add A^T B to ``out``: A (J, K), B (J, L)."""
    J, K = a.shape
    L = out.shape[1]
    J4, K4 = J - J % 4, K - K % 4
    for begin in range(0, J4, _BLOCK):
        end = begin + _BLOCK if begin + _BLOCK < J4 else J4
        for k in range(0, K4, 4):
            y0, y1, y2, y3 = out[k], out[k + 1], out[k + 2], out[k + 3]
            for j in range(begin, end, 4):
                a0, a1, a2, a3 = a[j], a[j + 1], a[j + 2], a[j + 3]
                b0, b1, b2, b3 = b[j], b[j + 1], b[j + 2], b[j + 3]
                a00, a01, a02, a03 = a0[k], a0[k + 1], a0[k + 2], a0[k + 3]
                a10, a11, a12, a13 = a1[k], a1[k + 1], a1[k + 2], a1[k + 3]
                a20, a21, a22, a23 = a2[k], a2[k + 1], a2[k + 2], a2[k + 3]
                a30, a31, a32, a33 = a3[k], a3[k + 1], a3[k + 2], a3[k + 3]
                for l in range(L):
                    x0, x1, x2, x3 = b0[l], b1[l], b2[l], b3[l]
                    y0[l] = y0[l] + a00 * x0 + a10 * x1 + a20 * x2 + a30 * x3
                    y1[l] = y1[l] + a01 * x0 + a11 * x1 + a21 * x2 + a31 * x3
                    y2[l] = y2[l] + a02 * x0 + a12 * x1 + a22 * x2 + a32 * x3
                    y3[l] = y3[l] + a03 * x0 + a13 * x1 + a23 * x2 + a33 * x3
        for k in range(K4, K):
            y0 = out[k]
            for j in range(begin, end):
                a00, b0 = a[j, k], b[j]
                for l in range(L):
                    y0[l] = y0[l] + a00 * b0[l]
    for j in range(J4, J):
        b0 = b[j]
        for k in range(K):
            a00, y0 = a[j, k], out[k]
            for l in range(L):
                y0[l] = y0[l] + a00 * b0[l]


@kernel("f2, f2, f2", reduction=True)
def outer_product(a: Array, b: Array, out: Array) -> None:
    """Write A B^T, (J, K), to ``out``: A (J, L), B (K, L)."""
    J, L = a.shape
    K = b.shape[0]
    J4, K4 = J - J % 4, K - K % 4
    zero = out.dtype.type(0.0)
    for begin in range(0, K4, _BLOCK):
        end = begin + _BLOCK if begin + _BLOCK < K4 else K4
        for j in range(0, J4, 4):
            d0, d1, d2, d3 = a[j], a[j + 1], a[j + 2], a[j + 3]
            y0, y1, y2, y3 = out[j], out[j + 1], out[j + 2], out[j + 3]
            for k in range(begin, end, 4):
                b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
                s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = zero
                s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = zero
                for l in range(L):
                    x0, x1, x2, x3 = b0[l], b1[l], b2[l], b3[l]
                    e0, e1, e2, e3 = d0[l], d1[l], d2[l], d3[l]
                    s00 += e0 * x0
                    s01 += e0 * x1
                    s02 += e0 * x2
                    s03 += e0 * x3
                    s10 += e1 * x0
                    s11 += e1 * x1
                    s12 += e1 * x2
                    s13 += e1 * x3
                    s20 += e2 * x0
                    s21 += e2 * x1
                    s22 += e2 * x2
                    s23 += e2 * x3
                    s30 += e3 * x0
                    s31 += e3 * x1
                    s32 += e3 * x2
                    s33 += e3 * x3
                y0[k], y0[k + 1], y0[k + 2], y0[k + 3] = s00, s01, s02, s03
                y1[k], y1[k + 1], y1[k + 2], y1[k + 3] = s10, s11, s12, s13
                y2[k], y2[k + 1], y2[k + 2], y2[k + 3] = s20, s21, s22, s23
                y3[k], y3[k + 1], y3[k + 2], y3[k + 3] = s30, s31, s32, s33
    for j in range(J):
        d0, y0 = a[j], out[j]
        for k in range(K4 if j < J4 else 0, K):
            b0, s00 = b[k], zero
            for l in range(L):
                s00 += d0[l] * b0[l]
            y0[k] = s00


@kernel("f2, f2", reduction=True)
def row_sums(a: Array, out: Array) -> None:
    """Write the sums of the rows of ``a`` to the column ``out``."""
    for j in range(a.shape[0]):
        row, total = a[j], out.dtype.type(0.0)
        for l in range(a.shape[1]):
            total += row[l]
        out[j, 0] = total


@kernel("f2, f")
def fill(out: Array, value: Any) -> None:
    """Set every number of ``out``."""
    for j in range(out.shape[0]):
        row = out[j]
        for l in range(out.shape[1]):
            row[l] = value


@kernel("f2")
def rectify(out: Array) -> None:
    """Replace every number by max(z, 0)."""
    zero = out.dtype.type(0.0)
    for j in range(out.shape[0]):
        row = out[j]
        for l in range(out.shape[1]):
            x = row[l]
            row[l] = zero if x < zero else x


@kernel("f2, f2")
def gate(acts: Array, deltas: Array) -> None:
    """Keep the deltas of active units and set the others to 0."""
    zero = acts.dtype.type(0.0)
    for k in range(acts.shape[0]):
        a, row = acts[k], deltas[k]
        for l in range(acts.shape[1]):
            x = row[l]
            row[l] = x if a[l] > zero else zero


@kernel("f2, f2, f2, f2")
def affine(matrix: Array, bias: Array, x: Array, out: Array) -> None:
    """Write ``matrix x + bias``, with the bias a column."""
    for j in range(out.shape[0]):
        b, row = bias[j, 0], out[j]
        for l in range(out.shape[1]):
            row[l] = b
    add_product(matrix, x, out)


@kernel("i1 -> i")
def layer_rows(widths: Array) -> int:
    """Return the rows of a buffer of all layers."""
    rows = 0
    for layer in range(widths.shape[0]):
        rows += widths[layer]
    return rows


@kernel("f1, i1, f2")
def network_forward(theta: Array, widths: Array, acts: Array) -> None:
    """Fill every layer of ``acts`` after the inputs; hidden layers hold max(z, 0)."""
    L = acts.shape[1]
    at, row = 0, 0
    last = widths.shape[0] - 2
    for layer in range(last + 1):
        K, J = widths[layer], widths[layer + 1]
        out = window(acts, (row + K) * L, J, L)
        matrix, bias = window(theta, at, J, K), window(theta, at + J * K, J, 1)
        affine(matrix, bias, window(acts, row * L, K, L), out)
        if layer < last:
            rectify(out)
        at += J * K + J
        row += K


@kernel("f1, i1, f2, f2")
def network_backward(theta: Array, widths: Array, acts: Array, deltas: Array) -> None:
    """Given the outputs' rows of ``deltas``, fill those of the hidden layers (not the inputs')."""
    L = acts.shape[1]
    at, row = theta.shape[0], acts.shape[0]
    for layer in range(widths.shape[0] - 2, 0, -1):
        K, J = widths[layer], widths[layer + 1]
        at -= J * K + J
        row -= J
        below = window(deltas, (row - K) * L, K, L)
        fill(below, theta.dtype.type(0.0))
        add_transposed_product(window(theta, at, J, K), window(deltas, row * L, J, L), below)
        gate(window(acts, (row - K) * L, K, L), below)


@kernel("i1, f2, f2, f1")
def network_gradient(widths: Array, acts: Array, deltas: Array, out: Array) -> None:
    """Write the parameters' gradient, given the deltas of all layers."""
    L = acts.shape[1]
    at, row = 0, 0
    for layer in range(widths.shape[0] - 1):
        K, J = widths[layer], widths[layer + 1]
        above = window(deltas, (row + K) * L, J, L)
        outer_product(above, window(acts, row * L, K, L), window(out, at, J, K))
        row_sums(above, window(out, at + J * K, J, 1))
        at += J * K + J
        row += K


@kernel("f2, f2")
def probabilities(logits: Array, out: Array) -> None:
    """Write the softmax over C rows of logits to (C, L); for C = 1 the sigmoid."""
    C, L = out.shape
    one, zero = out.dtype.type(1.0), out.dtype.type(0.0)
    if C == 1:
        z, q = logits[0], out[0]
        for l in range(L):
            e = elementary.bounded_exp(-abs(z[l]))  # never overflows
            q[l] = (one if not z[l] < zero else e) / (one + e)
        return
    for l in range(L):
        top, total = logits[0, l], zero
        for c in range(1, C):
            top = top if top > logits[c, l] else logits[c, l]
        for c in range(C):
            out[c, l] = logits[c, l] - top
    for c in range(C):
        q = out[c]
        for l in range(L):
            q[l] = elementary.bounded_exp(q[l])
    for l in range(L):
        total = zero
        for c in range(C):
            total += out[c, l]
        for c in range(C):
            out[c, l] /= total


@kernel("f2, f2")
def through_probabilities(p: Array, x: Array) -> None:
    """Apply the (symmetric) Jacobian of ``probabilities`` to ``x`` in place, both (C, L).

    ``p_c (x_c - sum_k p_k x_k)``, for C = 1 ``p (1 - p) x``: carries gradients from probabilities
    to logits and tangents from logits to probabilities.
    """
    C, L = p.shape
    one, zero = p.dtype.type(1.0), p.dtype.type(0.0)
    for l in range(L):
        if C == 1:
            x[0, l] = p[0, l] * (one - p[0, l]) * x[0, l]
        else:
            mean = zero
            for c in range(C):
                mean += p[c, l] * x[c, l]
            for c in range(C):
                x[c, l] = p[c, l] * (x[c, l] - mean)


@kernel("f2, b, f2")
def model_outputs(acts: Array, classify: bool, out: Array) -> None:
    """Write what a loss sees, (C, L): the last C rows of ``acts``, as probabilities if asked."""
    C, L = out.shape
    raw = window(acts, (acts.shape[0] - C) * L, C, L)
    if classify:
        probabilities(raw, out)
    else:
        for c in range(C):
            for l in range(L):
                out[c, l] = raw[c, l]

"""Compiled convolution and pooling with samples in the last axis.

A buffer holds an image batch as rows of L samples, (channels, height, width) flattened, with a
border of zeros where the next layer pads. A tap of a filter then reads a run of rows that lies as
far from the run below the output as the tap from the filter's corner: no patch is ever copied, and
the loops are those of a matrix product in blocks of four by four.

``shape`` of a layer is (C, rows of an input channel, rows of an input line, filter size, O, H, W,
first output row, rows of an output channel, rows of an output line), with O, H, W the size of the
output without its border. ``taps`` are the distances of a filter's C K K taps, in rows.
"""

from typing import Any

import numpy.typing as npt

from heliostat_methods.evomal.population import elementary
from heliostat_methods.evomal.population.compilation import kernel, window

Array = npt.NDArray[Any]
_SPAN = 512  # numbers in a run: long enough for vector code, short enough for the innermost cache


@kernel("i1, i1, f2, f2, f2, b, f2")
def convolution(
    shape: Array, taps: Array, w: Array, bias: Array, x: Array, add: bool, out: Array
) -> None:
    """Write the convolution of ``x`` with filters w (O, taps) and biases (O, 1) to ``out``.

    With ``add`` it is added to what is there, and the biases are left out.
    """
    L, T, O, H, W = x.shape[1], taps.shape[0], shape[4], shape[5], shape[6]
    line, first, channel, out_line = shape[2], shape[7], shape[8], shape[9]
    T4, O4 = T - T % 4, O - O % 4
    # A run begins in its row and goes on through the rows after it. As windows these runs would not
    # be seen to be apart, and the loops would not become vector code.
    positions = _SPAN // L if L < _SPAN else 1
    for i in range(H):
        for j in range(0, W, positions):
            n = L * (positions if j + positions < W else W - j)
            at, to = i * line + j, first + i * out_line + j
            if not add:
                for o in range(O):
                    y0, a00 = out[to + o * channel], bias[o, 0]
                    for l in range(n):
                        y0[l] = a00
            for k in range(0, T4, 4):
                x0 = x[at + taps[k]]
                x1 = x[at + taps[k + 1]]
                x2 = x[at + taps[k + 2]]
                x3 = x[at + taps[k + 3]]
                for o in range(0, O4, 4):
                    y0 = out[to + o * channel]
                    y1 = out[to + (o + 1) * channel]
                    y2 = out[to + (o + 2) * channel]
                    y3 = out[to + (o + 3) * channel]
                    a0, a1, a2, a3 = w[o], w[o + 1], w[o + 2], w[o + 3]
                    a00, a01, a02, a03 = a0[k], a0[k + 1], a0[k + 2], a0[k + 3]
                    a10, a11, a12, a13 = a1[k], a1[k + 1], a1[k + 2], a1[k + 3]
                    a20, a21, a22, a23 = a2[k], a2[k + 1], a2[k + 2], a2[k + 3]
                    a30, a31, a32, a33 = a3[k], a3[k + 1], a3[k + 2], a3[k + 3]
                    for l in range(n):
                        p0, p1, p2, p3 = x0[l], x1[l], x2[l], x3[l]
                        y0[l] = y0[l] + a00 * p0 + a01 * p1 + a02 * p2 + a03 * p3
                        y1[l] = y1[l] + a10 * p0 + a11 * p1 + a12 * p2 + a13 * p3
                        y2[l] = y2[l] + a20 * p0 + a21 * p1 + a22 * p2 + a23 * p3
                        y3[l] = y3[l] + a30 * p0 + a31 * p1 + a32 * p2 + a33 * p3
                for o in range(O4, O):
                    y0 = out[to + o * channel]
                    a0 = w[o]
                    a00, a01, a02, a03 = a0[k], a0[k + 1], a0[k + 2], a0[k + 3]
                    for l in range(n):
                        y0[l] = y0[l] + a00 * x0[l] + a01 * x1[l] + a02 * x2[l] + a03 * x3[l]
            for k in range(T4, T):
                x0 = x[at + taps[k]]
                for o in range(O):
                    y0, a00 = out[to + o * channel], w[o, k]
                    for l in range(n):
                        y0[l] = y0[l] + a00 * x0[l]


@kernel("i1, i1, f2, f2, f2")
def add_input_gradient(shape: Array, taps: Array, w: Array, deltas: Array, out: Array) -> None:
    """Add to ``out``, of the input's layout, the gradient by the input; borders get theirs too."""
    L, T, O, H, W = out.shape[1], taps.shape[0], shape[4], shape[5], shape[6]
    line, first, channel, out_line = shape[2], shape[7], shape[8], shape[9]
    T4, O4 = T - T % 4, O - O % 4
    # One position at a time: the runs of neighbouring taps would overlap, and they are written.
    for i in range(H):
        for j in range(W):
            at, to = i * line + j, first + i * out_line + j
            for o in range(0, O4, 4):
                d0, d1 = deltas[to + o * channel], deltas[to + (o + 1) * channel]
                d2, d3 = deltas[to + (o + 2) * channel], deltas[to + (o + 3) * channel]
                a0, a1, a2, a3 = w[o], w[o + 1], w[o + 2], w[o + 3]
                for k in range(0, T4, 4):
                    x0, x1 = out[at + taps[k]], out[at + taps[k + 1]]
                    x2, x3 = out[at + taps[k + 2]], out[at + taps[k + 3]]
                    a00, a01, a02, a03 = a0[k], a0[k + 1], a0[k + 2], a0[k + 3]
                    a10, a11, a12, a13 = a1[k], a1[k + 1], a1[k + 2], a1[k + 3]
                    a20, a21, a22, a23 = a2[k], a2[k + 1], a2[k + 2], a2[k + 3]
                    a30, a31, a32, a33 = a3[k], a3[k + 1], a3[k + 2], a3[k + 3]
                    for l in range(L):
                        e0, e1, e2, e3 = d0[l], d1[l], d2[l], d3[l]
                        x0[l] = x0[l] + a00 * e0 + a10 * e1 + a20 * e2 + a30 * e3
                        x1[l] = x1[l] + a01 * e0 + a11 * e1 + a21 * e2 + a31 * e3
                        x2[l] = x2[l] + a02 * e0 + a12 * e1 + a22 * e2 + a32 * e3
                        x3[l] = x3[l] + a03 * e0 + a13 * e1 + a23 * e2 + a33 * e3
                for k in range(T4, T):
                    x0, a00, a10, a20, a30 = out[at + taps[k]], a0[k], a1[k], a2[k], a3[k]
                    for l in range(L):
                        x0[l] = x0[l] + a00 * d0[l] + a10 * d1[l] + a20 * d2[l] + a30 * d3[l]
            for o in range(O4, O):
                d0, a0 = deltas[to + o * channel], w[o]
                for k in range(T):
                    x0, a00 = out[at + taps[k]], a0[k]
                    for l in range(L):
                        x0[l] = x0[l] + a00 * d0[l]


@kernel("i1, i1, f2, f2, f2, f2", reduction=True)
def filter_gradient(
    shape: Array, taps: Array, deltas: Array, x: Array, out: Array, bias: Array
) -> None:
    """Write the gradients by the filters, (O, taps), and by the biases, (O, 1)."""
    L, T, O, H, W = x.shape[1], taps.shape[0], shape[4], shape[5], shape[6]
    line, first, channel, out_line = shape[2], shape[7], shape[8], shape[9]
    T4, O4, zero = T - T % 4, O - O % 4, out.dtype.type(0.0)
    positions = _SPAN // L if L < _SPAN else 1
    for o in range(O):
        bias[o, 0] = zero
        for k in range(T):
            out[o, k] = zero
    for i in range(H):
        for j in range(0, W, positions):
            n = L * (positions if j + positions < W else W - j)
            at, to = i * line + j, first + i * out_line + j
            for o in range(O):
                d0, s00 = window(deltas, (to + o * channel) * L, 1, n)[0], zero
                for l in range(n):
                    s00 += d0[l]
                bias[o, 0] += s00
            for o in range(0, O4, 4):
                d0 = window(deltas, (to + o * channel) * L, 1, n)[0]
                d1 = window(deltas, (to + (o + 1) * channel) * L, 1, n)[0]
                d2 = window(deltas, (to + (o + 2) * channel) * L, 1, n)[0]
                d3 = window(deltas, (to + (o + 3) * channel) * L, 1, n)[0]
                y0, y1, y2, y3 = out[o], out[o + 1], out[o + 2], out[o + 3]
                for k in range(0, T4, 4):
                    x0 = window(x, (at + taps[k]) * L, 1, n)[0]
                    x1 = window(x, (at + taps[k + 1]) * L, 1, n)[0]
                    x2 = window(x, (at + taps[k + 2]) * L, 1, n)[0]
                    x3 = window(x, (at + taps[k + 3]) * L, 1, n)[0]
                    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = zero
                    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = zero
                    for l in range(n):
                        p0, p1, p2, p3 = x0[l], x1[l], x2[l], x3[l]
                        e0, e1, e2, e3 = d0[l], d1[l], d2[l], d3[l]
                        s00 += e0 * p0
                        s01 += e0 * p1
                        s02 += e0 * p2
                        s03 += e0 * p3
                        s10 += e1 * p0
                        s11 += e1 * p1
                        s12 += e1 * p2
                        s13 += e1 * p3
                        s20 += e2 * p0
                        s21 += e2 * p1
                        s22 += e2 * p2
                        s23 += e2 * p3
                        s30 += e3 * p0
                        s31 += e3 * p1
                        s32 += e3 * p2
                        s33 += e3 * p3
                    y0[k] += s00
                    y0[k + 1] += s01
                    y0[k + 2] += s02
                    y0[k + 3] += s03
                    y1[k] += s10
                    y1[k + 1] += s11
                    y1[k + 2] += s12
                    y1[k + 3] += s13
                    y2[k] += s20
                    y2[k + 1] += s21
                    y2[k + 2] += s22
                    y2[k + 3] += s23
                    y3[k] += s30
                    y3[k + 1] += s31
                    y3[k + 2] += s32
                    y3[k + 3] += s33
            for o in range(O4, O):
                d0, y0 = window(deltas, (to + o * channel) * L, 1, n)[0], out[o]
                for k in range(0, T4, 4):
                    x0 = window(x, (at + taps[k]) * L, 1, n)[0]
                    x1 = window(x, (at + taps[k + 1]) * L, 1, n)[0]
                    x2 = window(x, (at + taps[k + 2]) * L, 1, n)[0]
                    x3 = window(x, (at + taps[k + 3]) * L, 1, n)[0]
                    s00 = s01 = s02 = s03 = zero
                    for l in range(n):
                        e0 = d0[l]
                        s00 += e0 * x0[l]
                        s01 += e0 * x1[l]
                        s02 += e0 * x2[l]
                        s03 += e0 * x3[l]
                    y0[k] += s00
                    y0[k + 1] += s01
                    y0[k + 2] += s02
                    y0[k + 3] += s03
            for o in range(O):
                d0, y0 = window(deltas, (to + o * channel) * L, 1, n)[0], out[o]
                for k in range(T4, T):
                    x0, s00 = window(x, (at + taps[k]) * L, 1, n)[0], zero
                    for l in range(n):
                        s00 += d0[l] * x0[l]
                    y0[k] += s00


@kernel("i1, f2, f2")
def average(shape: Array, x: Array, out: Array) -> None:
    """Write the means of squares of ``x`` that lie side by side."""
    L, O, H, W = x.shape[1], shape[4], shape[5], shape[6]
    size, line = shape[3], shape[2]
    share = out.dtype.type(1.0 / (size * size))
    for c in range(O):
        for i in range(H):
            for j in range(W):
                row = out[shape[7] + c * shape[8] + i * shape[9] + j]
                at = c * shape[1] + i * size * line + j * size
                if size == 2:
                    x0, x1, x2, x3 = x[at], x[at + 1], x[at + line], x[at + line + 1]
                    for l in range(L):
                        row[l] = share * (x0[l] + x1[l] + x2[l] + x3[l])
                    continue
                for l in range(L):
                    row[l] = out.dtype.type(0.0)
                for a in range(size):
                    for b in range(size):
                        x0 = x[at + a * line + b]
                        for l in range(L):
                            row[l] = row[l] + share * x0[l]


@kernel("i1, f2, f2")
def spread(shape: Array, deltas: Array, out: Array) -> None:
    """Write the gradient of ``average`` by its input; what no square covers is left alone."""
    L, O, H, W = out.shape[1], shape[4], shape[5], shape[6]
    size, line = shape[3], shape[2]
    share = out.dtype.type(1.0 / (size * size))
    for c in range(O):
        for i in range(H):
            for j in range(W):
                row = deltas[shape[7] + c * shape[8] + i * shape[9] + j]
                at = c * shape[1] + i * size * line + j * size
                for a in range(size):
                    for b in range(size):
                        x0 = out[at + a * line + b]
                        for l in range(L):
                            x0[l] = share * row[l]


@kernel("f2")
def squash(out: Array) -> None:
    """Replace every number by its hyperbolic tangent."""
    for j in range(out.shape[0]):
        row = out[j]
        for l in range(out.shape[1]):
            row[l] = elementary.tanh(row[l])


@kernel("f2, f2")
def through_tanh(acts: Array, deltas: Array) -> None:
    """Multiply by the derivative of the hyperbolic tangent that gave ``acts``."""
    one = acts.dtype.type(1.0)
    for k in range(acts.shape[0]):
        a, row = acts[k], deltas[k]
        for l in range(acts.shape[1]):
            row[l] = row[l] * (one - a[l] * a[l])

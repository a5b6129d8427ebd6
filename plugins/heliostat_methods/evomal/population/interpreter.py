"""Compiled evaluation of loss trees: value, dm/df, and the mixed derivative d2m/df dw.

An interpreter over prefix arrays: the outer loop runs over nodes and chooses by opcode, the inner
loops run over samples and contain no choice, so they become vector code. The first derivative is
reverse mode; the mixed one is forward over reverse: a tangent ``t`` of ``f`` is pushed up the tree,
then adjoints and their tangents come down, and the derivative by the weight on the edge above node
k is ``sum_l (dx' v + x' dv)``, with x' the adjoint of the weighted value, and d its tangent.

Operations that differ by a sign or a constant share a loop: a difference is a sum with a negative
weight, the larger of two is the smaller of their negatives, and both ways to keep a logarithm
away from 0, ``max(|a|, eps)`` and ``|a| + eps``, are ``max(|a|, low) + shift``. The derivative
conventions (ties, clamps, signs) are those in ``primitives``.

An operation of a user's own is straight-line code that stands behind a tree's nodes (see
``losses.straight_line``): each instruction fills its own row of ``v``, vector by vector, first
those that the value needs, then those of the first and of the second derivatives.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.losses.primitives import EPSILON, Opcode
from heliostat_methods.evomal.losses.straight_line import CODED as _CODED
from heliostat_methods.evomal.losses.straight_line import CODED_PAIR as _CODED_PAIR
from heliostat_methods.evomal.losses.straight_line import HEAD as _HEAD
from heliostat_methods.evomal.losses.straight_line import Step
from heliostat_methods.evomal.population import elementary
from heliostat_methods.evomal.population.compilation import kernel

Array = npt.NDArray[Any]

# numba reads plain integers from the module; an enumeration would be looked up at run time.
LABEL, OUTPUT, CONSTANT = int(Opcode.LABEL), int(Opcode.OUTPUT), int(Opcode.CONSTANT)
ADD, SUB, MUL, DIV = int(Opcode.ADD), int(Opcode.SUB), int(Opcode.MUL), int(Opcode.DIV)
MIN, MAX, SIGN = int(Opcode.MIN), int(Opcode.MAX), int(Opcode.SIGN)
SQUARE, ABS, LOG = int(Opcode.SQUARE), int(Opcode.ABS), int(Opcode.LOG)
SQRT, TANH = int(Opcode.SQRT), int(Opcode.TANH)
LOG_SHIFTED, SQRT_SHIFTED = int(Opcode.LOG_SHIFTED), int(Opcode.SQRT_SHIFTED)

CODED, CODED_PAIR, HEAD = int(_CODED), int(_CODED_PAIR), int(_HEAD)
S_FIRST, S_SECOND, S_NUMBER = int(Step.FIRST), int(Step.SECOND), int(Step.NUMBER)
S_ADD, S_SUB, S_MUL, S_DIV = int(Step.ADD), int(Step.SUB), int(Step.MUL), int(Step.DIV)
S_MIN, S_MAX, S_LESS, S_UP_TO = int(Step.MIN), int(Step.MAX), int(Step.LESS), int(Step.UP_TO)
S_CHOOSE, S_SIGN, S_ABS, S_EXP = int(Step.CHOOSE), int(Step.SIGN), int(Step.ABS), int(Step.EXP)
S_LOG, S_SQRT, S_TANH, S_SIN = int(Step.LOG), int(Step.SQRT), int(Step.TANH), int(Step.SIN)
S_COS, S_ATAN = int(Step.COS), int(Step.ATAN)


@kernel("i -> i")
def _start_of(o: int) -> int:
    """Return the row at which the code of a coded operation begins."""
    return o - CODED_PAIR if o >= CODED_PAIR else o - CODED


@kernel("c2, i, i, f, f, f1, f1, f2")
def _run(code: Array, start: int, end: int, wa: Any, wb: Any, a: Array, b: Array, v: Array) -> None:
    """Run the first ``end`` instructions of code at ``start``; numbers are there already."""
    L = a.shape[0]
    one, zero, half = v.dtype.type(1.0), v.dtype.type(0.0), v.dtype.type(0.5)
    first = start + HEAD
    for row in range(first, first + end):
        o, x = code[row, 0], v[row]
        p, q, r = v[first + code[row, 1]], v[first + code[row, 2]], v[first + code[row, 3]]
        if o == S_FIRST:
            for l in range(L):
                x[l] = wa * a[l]
        elif o == S_SECOND:
            for l in range(L):
                x[l] = wb * b[l]
        elif o == S_ADD:
            for l in range(L):
                x[l] = p[l] + q[l]
        elif o == S_SUB:
            for l in range(L):
                x[l] = p[l] - q[l]
        elif o == S_MUL:
            for l in range(L):
                x[l] = p[l] * q[l]
        elif o == S_DIV:
            for l in range(L):
                x[l] = p[l] / q[l]
        elif o == S_MIN:
            for l in range(L):
                x[l] = p[l] if p[l] < q[l] or p[l] != p[l] else q[l]
        elif o == S_MAX:
            for l in range(L):
                x[l] = p[l] if p[l] > q[l] or p[l] != p[l] else q[l]
        elif o == S_LESS:
            for l in range(L):
                x[l] = one if p[l] < q[l] else zero
        elif o == S_UP_TO:
            for l in range(L):
                x[l] = one if p[l] <= q[l] else zero
        elif o == S_CHOOSE:
            for l in range(L):
                x[l] = q[l] if p[l] > half else r[l]
        elif o == S_SIGN:
            for l in range(L):
                x[l] = one if p[l] > zero else (-one if p[l] < zero else zero)
        elif o == S_ABS:
            for l in range(L):
                x[l] = abs(p[l])
        elif o == S_EXP:
            for l in range(L):
                x[l] = np.exp(p[l])
        elif o == S_LOG:
            for l in range(L):
                x[l] = np.log(p[l])
        elif o == S_SQRT:
            for l in range(L):
                x[l] = np.sqrt(p[l])
        elif o == S_TANH:
            for l in range(L):
                x[l] = elementary.tanh(p[l])
        elif o == S_SIN:
            for l in range(L):
                x[l] = np.sin(p[l])
        elif o == S_COS:
            for l in range(L):
                x[l] = np.cos(p[l])
        elif o == S_ATAN:
            for l in range(L):
                x[l] = np.arctan(p[l])
        elif o != S_NUMBER:
            for l in range(L):
                x[l] = one if p[l] > zero else (half if p[l] == zero else zero)


@kernel("c2, i, f, f, f1, f1, f2, f1, f1")
def _coded_partials(
    code: Array, o: int, wa: Any, wb: Any, a: Array, b: Array, v: Array, ca: Array, cb: Array
) -> None:
    """Fill ca and cb with the derivatives of a coded node by its weighted arguments."""
    start = _start_of(o)
    _run(code, start, code[start, 2], wa, wb, a, b, v)
    x, y = v[start + HEAD + code[start + 1, 1]], v[start + HEAD + code[start + 1, 2]]
    for l in range(ca.shape[0]):
        ca[l] = x[l]
        cb[l] = y[l]


@kernel("c2, i, f, f, f1, f1, f2, f1, f1, f1, f1")
def _coded_tangents(
    code: Array, o: int, wa: Any, wb: Any, a: Array, b: Array, v: Array, da: Array, db: Array,
    ea: Array, eb: Array,
) -> None:  # fmt: skip
    """Fill ea and eb with the tangents of a coded node's derivatives."""
    start = _start_of(o)
    zero = v.dtype.type(0.0)
    _run(code, start, code[start, 3], wa, wb, a, b, v)
    first = start + HEAD
    x, y = v[first + code[start + 2, 0]], v[first + code[start + 2, 1]]
    z = v[first + code[start + 2, 2]]
    if o < CODED_PAIR:
        for l in range(ea.shape[0]):
            ea[l] = x[l] * wa * da[l]
            eb[l] = zero
    else:
        for l in range(ea.shape[0]):
            du, dw = wa * da[l], wb * db[l]
            ea[l] = x[l] * du + y[l] * dw
            eb[l] = y[l] * du + z[l] * dw


@kernel("c2, i, f1, f1, f1, f1, f2")
def tree_values(
    code: Array, n: int, constant: Array, w: Array, f: Array, y: Array, v: Array
) -> None:
    """Fill ``v[i, l]`` with the value of node i of n; ``v[0]`` is the loss.

    ``code`` (N, 4) holds opcode, arguments and liveness of each node as ``LossProgram`` has them.
    """
    L = f.shape[0]
    one, zero, eps = v.dtype.type(1.0), v.dtype.type(0.0), v.dtype.type(EPSILON)
    for i in range(n - 1, -1, -1):
        o, x = code[i, 0], v[i]
        if o >= CODED:
            start = _start_of(o)
            first = start + HEAD
            for row in range(first, first + code[start, 3]):
                if code[row, 0] == S_NUMBER:
                    c, y_ = constant[row], v[row]
                    for l in range(L):
                        y_[l] = c
            ia = code[i, 1]
            ib = code[i, 2] if o >= CODED_PAIR else ia
            _run(code, start, code[start, 1], w[ia], w[ib], v[ia], v[ib], v)
            y_ = v[first + code[start + 1, 0]]
            for l in range(L):
                x[l] = y_[l]
            continue
        if o == LABEL:
            for l in range(L):
                x[l] = y[l]
            continue
        if o == OUTPUT:
            for l in range(L):
                x[l] = f[l]
            continue
        if o == CONSTANT:
            c = constant[i]
            for l in range(L):
                x[l] = c
            continue
        ia = code[i, 1]
        ib = code[i, 2] if o <= MAX else ia
        wa, wb, a, b = w[ia], w[ib], v[ia], v[ib]
        if o <= SUB:
            wb = wb if o == ADD else -wb
            for l in range(L):
                x[l] = wa * a[l] + wb * b[l]
        elif o == MUL:
            for l in range(L):
                x[l] = (wa * a[l]) * (wb * b[l])
        elif o == DIV:
            for l in range(L):
                u = wb * b[l]
                x[l] = wa * a[l] / np.sqrt(one + u * u)
        elif o <= MAX:
            s = one if o == MIN else -one
            wa, wb = s * wa, s * wb
            for l in range(L):
                p, q = wa * a[l], wb * b[l]
                x[l] = s * (p if p < q or p != p else q)
        elif o == SIGN:
            for l in range(L):
                u = wa * a[l]
                x[l] = one if u > zero else (-one if u < zero else zero)
        elif o == SQUARE:
            for l in range(L):
                u = wa * a[l]
                x[l] = u * u
        elif o == ABS:
            for l in range(L):
                x[l] = abs(wa * a[l])
        elif o == TANH:
            for l in range(L):
                x[l] = elementary.tanh(wa * a[l])
        else:
            shifted = o in (LOG_SHIFTED, SQRT_SHIFTED)
            low, shift = (zero, eps) if shifted else (eps, zero)
            for l in range(L):
                u = abs(wa * a[l])
                x[l] = (low if u < low else u) + shift
            if o in (LOG, LOG_SHIFTED):
                for l in range(L):
                    x[l] = elementary.positive_log(x[l])
            else:
                for l in range(L):
                    x[l] = np.sqrt(x[l])


@kernel("i, f, f, f1, f1, f1, f1, f1")
def _partials(o: int, wa: Any, wb: Any, a: Array, b: Array, x: Array, ca: Array, cb: Array) -> None:
    """Fill ca and cb with the derivatives of a node of value x by its weighted arguments."""
    L = x.shape[0]
    one, zero, half = x.dtype.type(1.0), x.dtype.type(0.0), x.dtype.type(0.5)
    if o <= SUB:
        s = one if o == ADD else -one
        for l in range(L):
            ca[l] = one
            cb[l] = s
    elif o == MUL:
        for l in range(L):
            ca[l] = wb * b[l]
            cb[l] = wa * a[l]
    elif o == DIV:
        for l in range(L):
            u = wb * b[l]
            r = one / np.sqrt(one + u * u)
            ca[l] = r
            cb[l] = -wa * a[l] * u * r * r * r
    elif o <= MAX:
        s = one if o == MIN else -one
        wa, wb = s * wa, s * wb
        for l in range(L):
            p, q = wa * a[l], wb * b[l]
            left = one if p < q else (zero if p > q else half)
            ca[l] = left
            cb[l] = one - left
    elif o == SIGN:
        for l in range(L):
            ca[l] = zero
    elif o == SQUARE:
        wa = wa + wa
        for l in range(L):
            ca[l] = wa * a[l]
    elif o == ABS:
        for l in range(L):
            u = wa * a[l]
            ca[l] = one if u > zero else (-one if u < zero else zero)
    elif o == TANH:
        for l in range(L):
            ca[l] = one - x[l] * x[l]
    else:
        eps = x.dtype.type(EPSILON)
        shifted = o in (LOG_SHIFTED, SQRT_SHIFTED)
        low, shift = (zero, eps) if shifted else (eps, zero)
        if o in (LOG, LOG_SHIFTED):
            for l in range(L):
                u = wa * a[l]
                s = one if u > zero else (-one if u < zero else zero)
                ca[l] = zero if abs(u) < low else s / (abs(u) + shift)
        else:
            for l in range(L):
                u = wa * a[l]
                s = half if u > zero else (-half if u < zero else zero)
                ca[l] = zero if abs(u) < low else s / x[l]


@kernel("i, f, f, f1, f1, f1, f1, f1, f1, f1, f1")
def _partial_tangents(
    o: int, wa: Any, wb: Any, a: Array, b: Array, x: Array, da: Array, db: Array, ca: Array,
    ea: Array, eb: Array,
) -> None:  # fmt: skip
    """Fill ea and eb with the tangents of the partials, given those of the arguments."""
    L = x.shape[0]
    zero, three = x.dtype.type(0.0), x.dtype.type(3.0)
    if o == MUL:
        for l in range(L):
            ea[l] = wb * db[l]
            eb[l] = wa * da[l]
    elif o == DIV:
        for l in range(L):
            p, u, r = wa * a[l], wb * b[l], ca[l]
            r3 = r * r * r
            du = wb * db[l]
            ea[l] = -u * r3 * du
            eb[l] = (three * p * u * u * r3 * r * r - p * r3) * du - u * r3 * wa * da[l]
    elif o == SQUARE:
        wa = wa + wa
        for l in range(L):
            ea[l] = wa * da[l]
    elif o in (LOG, LOG_SHIFTED):
        for l in range(L):
            ea[l] = -ca[l] * ca[l] * wa * da[l]
    elif o in (SQRT, SQRT_SHIFTED):
        quarter = x.dtype.type(0.25)
        for l in range(L):
            s = x[l]
            cube = -quarter / (s * s * s) * wa * da[l]
            ea[l] = zero if ca[l] == zero else cube
    elif o == TANH:
        for l in range(L):
            u = x[l] * ca[l] * wa * da[l]
            ea[l] = -(u + u)
    else:
        for l in range(L):
            ea[l] = zero
            eb[l] = zero


@kernel("c2, i, f1, f2, f2, f2, f1")
def tree_gradient(
    code: Array, n: int, w: Array, v: Array, g: Array, c: Array, gradient: Array
) -> None:
    """Fill ``gradient[l]`` with dm/df, given ``v`` from ``tree_values``.

    ``g`` is scratch; rows 2 i and 2 i + 1 of ``c`` receive the partial derivatives of live nodes.
    """
    L = gradient.shape[0]
    one, zero = v.dtype.type(1.0), v.dtype.type(0.0)
    top = g[0]
    for l in range(L):
        gradient[l] = zero
        top[l] = one
    for i in range(n):
        if code[i, 3] == 0:
            continue
        o, x = code[i, 0], g[i]
        if o == OUTPUT:
            for l in range(L):
                gradient[l] += x[l]
            continue
        ia = code[i, 1]
        pair = o <= MAX or o >= CODED_PAIR
        ib = code[i, 2] if pair else ia
        if o >= CODED:
            _coded_partials(code, o, w[ia], w[ib], v[ia], v[ib], v, c[2 * i], c[2 * i + 1])
        else:
            _partials(o, w[ia], w[ib], v[ia], v[ib], v[i], c[2 * i], c[2 * i + 1])
        for side in range(2 if pair else 1):
            k = ib if side else ia
            if code[k, 3] != 0:
                partial, wk, below = c[2 * i + side], w[k], g[k]
                for l in range(L):
                    below[l] = x[l] * partial[l] * wk


@kernel("f1, f1, f1, f1, f1, f1, f, f1, f1 -> f", reduction=True)
def _descend(
    g: Array, h: Array, c: Array, e: Array, v: Array, d: Array, w: Any, below: Array, tangent: Array
) -> Any:
    """Carry adjoint g and its tangent h from a node to an argument; return d2m/df dw."""
    total = g.dtype.type(0.0)
    for l in range(g.shape[0]):
        x = g[l] * c[l]
        dx = h[l] * c[l] + g[l] * e[l]
        total += dx * v[l] + x * d[l]
        below[l] = x * w
        tangent[l] = dx * w
    return total


@kernel("c2, i, f1, f1, f2, f2, f2, f2, f2, f2, f1")
def tree_mixed(
    code: Array,
    n: int,
    w: Array,
    t: Array,
    v: Array,
    c: Array,
    d: Array,
    g: Array,
    h: Array,
    e: Array,
    out: Array,
) -> None:
    """Fill ``out[i] = sum_l t_l d2m/df dw_i``, given ``v`` and the live nodes' ``c``.

    ``c`` comes from ``tree_gradient``; d, g, h and the two rows of e are scratch.
    """
    L = t.shape[0]
    one, zero = v.dtype.type(1.0), v.dtype.type(0.0)
    for i in range(n - 1, -1, -1):
        out[i] = zero
        o, x = code[i, 0], d[i]
        if code[i, 3] == 0:
            for l in range(L):
                x[l] = zero
        elif o == OUTPUT:
            for l in range(L):
                x[l] = t[l]
        else:
            ia = code[i, 1]
            ca, da, wa = c[2 * i], d[ia], w[ia]
            if o <= MAX or o >= CODED_PAIR:
                ib = code[i, 2]
                cb, db, wb = c[2 * i + 1], d[ib], w[ib]
                for l in range(L):
                    x[l] = ca[l] * wa * da[l] + cb[l] * wb * db[l]
            else:
                for l in range(L):
                    x[l] = ca[l] * wa * da[l]
    top, tangent = g[0], h[0]
    for l in range(L):
        top[l] = one
        tangent[l] = zero
    for i in range(n):
        o = code[i, 0]
        if o < ADD:
            continue
        ia = code[i, 1]
        pair = o <= MAX or o >= CODED_PAIR
        ib = code[i, 2] if pair else ia
        wa, wb, ca, cb = w[ia], w[ib], c[2 * i], c[2 * i + 1]
        if o >= CODED:
            _coded_partials(code, o, wa, wb, v[ia], v[ib], v, ca, cb)
            _coded_tangents(code, o, wa, wb, v[ia], v[ib], v, d[ia], d[ib], e[0], e[1])
        else:
            if code[i, 3] == 0:
                _partials(o, wa, wb, v[ia], v[ib], v[i], ca, cb)
            _partial_tangents(o, wa, wb, v[ia], v[ib], v[i], d[ia], d[ib], ca, e[0], e[1])
        out[ia] = _descend(g[i], h[i], ca, e[0], v[ia], d[ia], wa, g[ia], h[ia])
        if pair:
            out[ib] = _descend(g[i], h[i], cb, e[1], v[ib], d[ib], wb, g[ib], h[ib])

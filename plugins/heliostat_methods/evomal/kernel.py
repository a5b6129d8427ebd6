"""Compiled evaluation of loss trees: value, dm/df, and the mixed derivative d2m/df dw.

An interpreter over prefix arrays: the outer loop runs over nodes and chooses by opcode, the inner
loops run over samples and contain no choice, so they become vector code. The first derivative is
reverse mode; the mixed one is forward over reverse: a tangent ``t`` of ``f`` is pushed up the tree,
then adjoints and their tangents come down, and the derivative by the weight on the edge above node
k is ``sum_l (dx' v + x' dv)``, with x' the adjoint of the weighted value, and d its tangent.

Both precisions compile from one source: constants take the type of the arrays. The derivative
conventions (ties, clamps, signs) are those in ``primitives``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal import elementary
from heliostat_methods.evomal.compilation import compiled
from heliostat_methods.evomal.primitives import EPSILON, Opcode
from heliostat_methods.evomal.program import LossProgram

Array = npt.NDArray[Any]
Tree = tuple[Array, Array, Array, Array, Array, Array]

# numba reads plain integers from the module; an enumeration would be looked up at run time.
LABEL, OUTPUT, CONSTANT = int(Opcode.LABEL), int(Opcode.OUTPUT), int(Opcode.CONSTANT)
ADD, SUB, MUL, DIV = int(Opcode.ADD), int(Opcode.SUB), int(Opcode.MUL), int(Opcode.DIV)
MIN, MAX, SIGN = int(Opcode.MIN), int(Opcode.MAX), int(Opcode.SIGN)
SQUARE, ABS, LOG = int(Opcode.SQUARE), int(Opcode.ABS), int(Opcode.LOG)
SQRT, TANH = int(Opcode.SQRT), int(Opcode.TANH)
LOG_SHIFTED, SQRT_SHIFTED = int(Opcode.LOG_SHIFTED), int(Opcode.SQRT_SHIFTED)


@compiled()
def tree_values(tree: Tree, p: int, w: Array, f: Array, y: Array, v: Array) -> None:
    """Fill ``v[i, l]`` with the value of node i of expression p; ``v[0]`` is the loss."""
    op, a, b, constant, _, length = tree
    L = f.shape[0]
    one, zero = v.dtype.type(1.0), v.dtype.type(0.0)
    eps = v.dtype.type(EPSILON)
    for i in range(length[p] - 1, -1, -1):
        o = op[p, i]
        if o == LABEL:
            for l in range(L):
                v[i, l] = y[l]
            continue
        if o == OUTPUT:
            for l in range(L):
                v[i, l] = f[l]
            continue
        if o == CONSTANT:
            c = constant[p, i]
            for l in range(L):
                v[i, l] = c
            continue
        ia = a[p, i]
        wa = w[p, ia]
        if o <= MAX:
            ib = b[p, i]
            wb = w[p, ib]
            if o == ADD:
                for l in range(L):
                    v[i, l] = wa * v[ia, l] + wb * v[ib, l]
            elif o == SUB:
                for l in range(L):
                    v[i, l] = wa * v[ia, l] - wb * v[ib, l]
            elif o == MUL:
                for l in range(L):
                    v[i, l] = (wa * v[ia, l]) * (wb * v[ib, l])
            elif o == DIV:
                for l in range(L):
                    x = wb * v[ib, l]
                    v[i, l] = wa * v[ia, l] / np.sqrt(one + x * x)
            elif o == MIN:
                for l in range(L):
                    xa, xb = wa * v[ia, l], wb * v[ib, l]
                    v[i, l] = xa if xa < xb or xa != xa else xb
            else:
                for l in range(L):
                    xa, xb = wa * v[ia, l], wb * v[ib, l]
                    v[i, l] = xa if xa > xb or xa != xa else xb
        elif o == SIGN:
            for l in range(L):
                x = wa * v[ia, l]
                v[i, l] = one if x > zero else (-one if x < zero else zero)
        elif o == SQUARE:
            for l in range(L):
                x = wa * v[ia, l]
                v[i, l] = x * x
        elif o == ABS:
            for l in range(L):
                v[i, l] = abs(wa * v[ia, l])
        elif o == LOG:
            for l in range(L):
                x = abs(wa * v[ia, l])
                v[i, l] = elementary.positive_log(eps if x < eps else x)
        elif o == SQRT:
            for l in range(L):
                x = abs(wa * v[ia, l])
                v[i, l] = np.sqrt(eps if x < eps else x)
        elif o == TANH:
            for l in range(L):
                v[i, l] = elementary.tanh(wa * v[ia, l])
        elif o == LOG_SHIFTED:
            for l in range(L):
                v[i, l] = elementary.positive_log(abs(wa * v[ia, l]) + eps)
        else:
            for l in range(L):
                v[i, l] = np.sqrt(abs(wa * v[ia, l]) + eps)


@compiled()
def _partials(
    o: int, i: int, ia: int, ib: int, wa: Any, wb: Any, v: Array, c: Array, L: int
) -> None:
    """Fill ``c[0]`` and ``c[1]`` with the derivatives of node i by its weighted arguments."""
    one, zero, half = v.dtype.type(1.0), v.dtype.type(0.0), v.dtype.type(0.5)
    two, eps = v.dtype.type(2.0), v.dtype.type(EPSILON)
    if o == ADD:
        for l in range(L):
            c[0, l] = one
            c[1, l] = one
    elif o == SUB:
        for l in range(L):
            c[0, l] = one
            c[1, l] = -one
    elif o == MUL:
        for l in range(L):
            c[0, l] = wb * v[ib, l]
            c[1, l] = wa * v[ia, l]
    elif o == DIV:
        for l in range(L):
            x = wb * v[ib, l]
            r = one / np.sqrt(one + x * x)
            c[0, l] = r
            c[1, l] = -wa * v[ia, l] * x * r * r * r
    elif o in (MIN, MAX):
        s = one if o == MIN else -one
        for l in range(L):
            xa, xb = s * wa * v[ia, l], s * wb * v[ib, l]
            left = one if xa < xb else (zero if xa > xb else half)
            c[0, l] = left
            c[1, l] = one - left
    elif o == SIGN:
        for l in range(L):
            c[0, l] = zero
    elif o == SQUARE:
        for l in range(L):
            c[0, l] = two * wa * v[ia, l]
    elif o == ABS:
        for l in range(L):
            x = wa * v[ia, l]
            c[0, l] = one if x > zero else (-one if x < zero else zero)
    elif o == LOG:
        for l in range(L):
            x = wa * v[ia, l]
            c[0, l] = zero if abs(x) < eps else one / x
    elif o == SQRT:
        for l in range(L):
            x = wa * v[ia, l]
            s = half if x > zero else -half
            c[0, l] = zero if abs(x) < eps else s / v[i, l]
    elif o == TANH:
        for l in range(L):
            c[0, l] = one - v[i, l] * v[i, l]
    elif o == LOG_SHIFTED:
        for l in range(L):
            x = wa * v[ia, l]
            s = one if x > zero else (-one if x < zero else zero)
            c[0, l] = s / (abs(x) + eps)
    else:
        for l in range(L):
            x = wa * v[ia, l]
            s = half if x > zero else (-half if x < zero else zero)
            c[0, l] = s / v[i, l]


@compiled()
def _partial_tangents(
    o: int, i: int, ia: int, ib: int, wa: Any, wb: Any, v: Array, d: Array, c: Array, L: int
) -> None:
    """Fill ``c[2]`` and ``c[3]`` with the tangents of the partials that stand in c[0] and c[1]."""
    zero, two, three = v.dtype.type(0.0), v.dtype.type(2.0), v.dtype.type(3.0)
    quarter = v.dtype.type(0.25)
    if o == MUL:
        for l in range(L):
            c[2, l] = wb * d[ib, l]
            c[3, l] = wa * d[ia, l]
    elif o == DIV:
        for l in range(L):
            xa, x, r = wa * v[ia, l], wb * v[ib, l], c[0, l]
            r3 = r * r * r
            dx = wb * d[ib, l]
            c[2, l] = -x * r3 * dx
            c[3, l] = (three * xa * x * x * r3 * r * r - xa * r3) * dx - x * r3 * wa * d[ia, l]
    elif o == SQUARE:
        for l in range(L):
            c[2, l] = two * wa * d[ia, l]
    elif o in (LOG, LOG_SHIFTED):
        for l in range(L):
            c[2, l] = -c[0, l] * c[0, l] * wa * d[ia, l]
    elif o in (SQRT, SQRT_SHIFTED):
        for l in range(L):
            s = v[i, l]
            cube = -quarter / (s * s * s) * wa * d[ia, l]
            c[2, l] = zero if c[0, l] == zero else cube
    elif o == TANH:
        for l in range(L):
            c[2, l] = -two * v[i, l] * c[0, l] * wa * d[ia, l]
    else:
        for l in range(L):
            c[2, l] = zero
            c[3, l] = zero


@compiled()
def tree_gradient(
    tree: Tree, p: int, w: Array, v: Array, g: Array, c: Array, gradient: Array
) -> None:
    """Fill ``gradient[l]`` with dm/df, given ``v`` from ``tree_values``; g and c are scratch."""
    op, a, b, _, live, length = tree
    L = gradient.shape[0]
    one, zero = v.dtype.type(1.0), v.dtype.type(0.0)
    for l in range(L):
        gradient[l] = zero
        g[0, l] = one
    for i in range(length[p]):
        if not live[p, i]:
            continue
        o = op[p, i]
        if o == OUTPUT:
            for l in range(L):
                gradient[l] += g[i, l]
            continue
        ia = a[p, i]
        ib = b[p, i] if o <= MAX else ia
        wa, wb = w[p, ia], w[p, ib]
        _partials(o, i, ia, ib, wa, wb, v, c, L)
        if live[p, ia]:
            for l in range(L):
                g[ia, l] = g[i, l] * c[0, l] * wa
        if o <= MAX and live[p, ib]:
            for l in range(L):
                g[ib, l] = g[i, l] * c[1, l] * wb


@compiled(reduction=True)
def _descend(
    i: int, k: int, side: int, wk: Any, v: Array, d: Array, g: Array, h: Array, c: Array, L: int
) -> Any:
    """Carry adjoint g and its tangent h from node i to argument k; return d2m/df dw_k."""
    total = v.dtype.type(0.0)
    for l in range(L):
        x = g[i, l] * c[side, l]
        dx = h[i, l] * c[side, l] + g[i, l] * c[side + 2, l]
        total += dx * v[k, l] + x * d[k, l]
        g[k, l] = x * wk
        h[k, l] = dx * wk
    return total


@compiled()
def tree_mixed(
    tree: Tree,
    p: int,
    w: Array,
    t: Array,
    v: Array,
    d: Array,
    g: Array,
    h: Array,
    c: Array,
    out: Array,
) -> None:
    """Fill ``out[i] = sum_l t_l d2m/df dw_i``, given ``v``; d, g, h and c are scratch."""
    op, a, b, _, live, length = tree
    L = t.shape[0]
    n = length[p]
    one, zero = v.dtype.type(1.0), v.dtype.type(0.0)
    for i in range(n - 1, -1, -1):
        out[i] = zero
        o = op[p, i]
        if not live[p, i]:
            for l in range(L):
                d[i, l] = zero
        elif o == OUTPUT:
            for l in range(L):
                d[i, l] = t[l]
        else:
            ia = a[p, i]
            ib = b[p, i] if o <= MAX else ia
            wa, wb = w[p, ia], w[p, ib]
            _partials(o, i, ia, ib, wa, wb, v, c, L)
            if o <= MAX:
                for l in range(L):
                    d[i, l] = c[0, l] * wa * d[ia, l] + c[1, l] * wb * d[ib, l]
            else:
                for l in range(L):
                    d[i, l] = c[0, l] * wa * d[ia, l]
    for l in range(L):
        g[0, l] = one
        h[0, l] = zero
    for i in range(n):
        o = op[p, i]
        if o < ADD:
            continue
        ia = a[p, i]
        ib = b[p, i] if o <= MAX else ia
        wa, wb = w[p, ia], w[p, ib]
        _partials(o, i, ia, ib, wa, wb, v, c, L)
        _partial_tangents(o, i, ia, ib, wa, wb, v, d, c, L)
        out[ia] = _descend(i, ia, 0, wa, v, d, g, h, c, L)
        if o <= MAX:
            out[ib] = _descend(i, ib, 1, wb, v, d, g, h, c, L)


@compiled()
def _population_values(tree: Tree, w: Array, f: Array, y: Array, out: Array) -> None:
    v = np.empty((tree[0].shape[1], f.shape[1]), f.dtype)
    for p in range(f.shape[0]):
        tree_values(tree, p, w, f[p], y, v)
        out[p, :] = v[0]


@compiled()
def _population_gradients(tree: Tree, w: Array, f: Array, y: Array, out: Array) -> None:
    shape = (tree[0].shape[1], f.shape[1])
    v, g, c = np.empty(shape, f.dtype), np.empty(shape, f.dtype), np.empty((4, shape[1]), f.dtype)
    for p in range(f.shape[0]):
        tree_values(tree, p, w, f[p], y, v)
        tree_gradient(tree, p, w, v, g, c, out[p])


@compiled()
def _population_mixed(tree: Tree, w: Array, f: Array, y: Array, t: Array, out: Array) -> None:
    shape = (tree[0].shape[1], f.shape[1])
    v, d, c = np.empty(shape, f.dtype), np.empty(shape, f.dtype), np.empty((4, shape[1]), f.dtype)
    g, h = np.empty(shape, f.dtype), np.empty(shape, f.dtype)
    for p in range(f.shape[0]):
        tree_values(tree, p, w, f[p], y, v)
        tree_mixed(tree, p, w, t[p], v, d, g, h, c, out[p])


def kernel_arrays(program: LossProgram, dtype: npt.DTypeLike) -> Tree:
    """Return the program's arrays as the kernels take them, constants in ``dtype``."""
    op, a, b, constant, live, length = program.arrays()
    return op, a, b, constant.astype(dtype), live, length


def _prepared(
    program: LossProgram, weights: Array, f: Array, y: Array
) -> tuple[Tree, Array, Array, Array]:
    f = np.asarray(f)
    dtype = np.float64 if f.dtype == np.float64 else np.float32
    y = np.ascontiguousarray(y, dtype)
    shape = (program.count, *y.shape)
    weights = np.asarray(weights)
    if weights.ndim != 2 or weights.shape[0] != program.count:
        raise ValueError(f"weights: shape {weights.shape}; expected ({program.count}, nodes)")
    if weights.shape[1] < int(program.length.max()):
        raise ValueError(
            f"weights: {weights.shape[1]} columns; the longest expression has "
            f"{int(program.length.max())} nodes"
        )
    if y.ndim != 1 or f.shape not in (y.shape, shape):
        raise ValueError(f"f: shape {f.shape} with y {y.shape}; expected {y.shape} or {shape}")
    wide = np.ascontiguousarray(np.broadcast_to(f, shape), dtype)
    return kernel_arrays(program, dtype), np.ascontiguousarray(weights, dtype), wide, y


def values(program: LossProgram, weights: Array, f: Array, y: Array) -> Array:
    """Return m(y, f) as (P, L).

    ``weights`` (P, at least the longest expression), ``f`` (L,) for all or (P, L), ``y`` (L,).
    Computed in float64 if ``f`` is float64, else in float32. Raises ``ValueError`` for other
    shapes; the same holds for ``gradients`` and ``mixed_derivatives``.
    """
    tree, w, f, y = _prepared(program, weights, f, y)
    out = np.empty_like(f)
    _population_values(tree, w, f, y, out)
    return out


def gradients(program: LossProgram, weights: Array, f: Array, y: Array) -> Array:
    """Return dm/df entry by entry as (P, L)."""
    tree, w, f, y = _prepared(program, weights, f, y)
    out = np.empty_like(f)
    _population_gradients(tree, w, f, y, out)
    return out


def mixed_derivatives(program: LossProgram, weights: Array, f: Array, y: Array, t: Array) -> Array:
    """Return ``sum_l t_l d2m/df dw_i`` as (P, N); ``t`` has the shape of ``f``."""
    tree, w, f, y = _prepared(program, weights, f, y)
    t = np.ascontiguousarray(np.broadcast_to(t, f.shape), f.dtype)
    out = np.zeros((program.count, program.capacity), f.dtype)
    _population_mixed(tree, w, f, y, t, out)
    return out

"""Value, dm/df and mixed derivative of a whole population of losses at given points."""

from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.population.compilation import aligned, entry, window
from heliostat_methods.evomal.population.interpreter import tree_gradient, tree_mixed, tree_values
from heliostat_methods.evomal.population.program import LossProgram

Array = npt.NDArray[Any]


def scratch_numbers(nodes: int, entries: int) -> int:
    """Return how many numbers the scratch of one tree takes, for trees of at most ``nodes``."""
    return (6 * nodes + 2) * entries


@entry
def _values(f: Array, w: Array, code: Array, constant: Array, length: Array, y: Array,
            pool: Array, out: Array) -> None:  # fmt: skip
    v = window(pool, 0, code.shape[1], f.shape[1])
    for p in range(f.shape[0]):
        tree_values(code[p], length[p], constant[p], w[p], f[p], y, v)
        for l in range(f.shape[1]):
            out[p, l] = v[0, l]


@entry
def _derivatives(f: Array, w: Array, code: Array, constant: Array, length: Array, y: Array,
                 t: Array, pool: Array, gradient: Array, mixed: Array) -> None:  # fmt: skip
    N, L = code.shape[1], f.shape[1]
    v, g = window(pool, 0, N, L), window(pool, N * L, N, L)
    c, d = window(pool, 2 * N * L, 2 * N, L), window(pool, 4 * N * L, N, L)
    h, e = window(pool, 5 * N * L, N, L), window(pool, 6 * N * L, 2, L)
    for p in range(f.shape[0]):
        tree_values(code[p], length[p], constant[p], w[p], f[p], y, v)
        tree_gradient(code[p], length[p], w[p], v, g, c, gradient[p])
        if mixed.shape[1] > 0:
            tree_mixed(code[p], length[p], w[p], t[p], v, c, d, g, h, e, mixed[p])


def kernel_arrays(program: LossProgram, dtype: npt.DTypeLike) -> tuple[Array, Array, Array]:
    """Return the program as the kernels take it: code (P, N, 4), constants (P, N), length (P,)."""
    op, a, b, constant, live, length = program.arrays()
    code = np.ascontiguousarray(np.stack([op, a, b, live], axis=2), np.int32)
    return code, constant.astype(dtype), length.astype(np.int64)


def _prepared(
    program: LossProgram, weights: Array, f: Array, y: Array
) -> tuple[Array, Array, tuple[Array, Array, Array], Array]:
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
    # Copies, because a compiled function is compiled anew for arrays that may not be written.
    wide, w = np.array(np.broadcast_to(f, shape), dtype, order="C"), np.array(weights, dtype)
    return wide, np.ascontiguousarray(w), kernel_arrays(program, dtype), y.copy()


def values(program: LossProgram, weights: Array, f: Array, y: Array) -> Array:
    """Return m(y, f) as (P, L).

    ``weights`` (P, at least the longest expression), ``f`` (L,) for all or (P, L), ``y`` (L,).
    Computed in float64 if ``f`` is float64, else in float32. Raises ``ValueError`` for other
    shapes; the same holds for ``gradients`` and ``mixed_derivatives``.
    """
    f, w, tree, y = _prepared(program, weights, f, y)
    out = np.empty_like(f)
    _values(f, w, *tree, y, aligned(program.capacity * f.shape[1], f.dtype), out)
    return out


def gradients(program: LossProgram, weights: Array, f: Array, y: Array) -> Array:
    """Return dm/df entry by entry as (P, L)."""
    return _both_derivatives(program, weights, f, y, None)[0]


def mixed_derivatives(program: LossProgram, weights: Array, f: Array, y: Array, t: Array) -> Array:
    """Return ``sum_l t_l d2m/df dw_i`` as (P, N); ``t`` has the shape of ``f``."""
    return _both_derivatives(program, weights, f, y, t)[1]


def _both_derivatives(
    program: LossProgram, weights: Array, f: Array, y: Array, t: Array | None
) -> tuple[Array, Array]:
    f, w, tree, y = _prepared(program, weights, f, y)
    wide = f if t is None else np.array(np.broadcast_to(t, f.shape), f.dtype, order="C")
    gradient = np.empty_like(f)
    mixed = np.zeros((program.count, 0 if t is None else program.capacity), f.dtype)
    pool = aligned(scratch_numbers(program.capacity, f.shape[1]), f.dtype)
    _derivatives(f, w, *tree, y, wide, pool, gradient, mixed)
    return gradient, mixed

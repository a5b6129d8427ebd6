"""Standard normals that depend on (seed, round, group, inner step, layer, index) alone.

A word w of Philox is read as a signed number i; x = (i + 1/2) / 2^31 lies in (-1, 1), and the
normal is sqrt(2) erfinv(x), a polynomial in -log(1 - x^2) times x (after Giles 2010). 1 - |x| is
taken from whole numbers, so tails are right to 6.2 standard deviations. Errors are below 5e-7.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.fams.gaussian.compilation import compiled, fma, inlined, remainder, signed
from heliostat_methods.fams.gaussian.elementary import logarithm
from heliostat_methods.fams.gaussian.philox import LAYERS, high, low, philox

_f = np.float32
_HALF, _TWO, _SCALE = _f(0.5), _f(2.0), _f(2.0**-31)
_CENTRE, _TAIL_CENTRE, _EDGE = _f(2.5), _f(3.4632418686616098), _f(5.0)
_C = tuple(map(_f, (
    2.1233134269714355, 0.34880271553993225, -0.005907721351832151, -0.0017730683321133256,
    0.0003087891673203558, -6.199391464178916e-06, -4.8979254643199965e-06, 4.844033014705929e-07,
    3.293115824476445e-08,
)))  # fmt: skip
_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8 = _C
_T = tuple(map(_f, (
    4.664728164672852, 1.42427396774292, 0.004986629821360111, -0.003092353232204914,
    0.0016477415338158607, -0.0012491610832512379, 0.0008516662637703121, -0.0002524064911995083,
)))  # fmt: skip
_T0, _T1, _T2, _T3, _T4, _T5, _T6, _T7 = _T
_LANE = 64
_TILE = 4 * _LANE


@inlined
def _normal(word: Any) -> Any:
    x, q = (signed(word) + _HALF) * _SCALE, (remainder(word) + _HALF) * _SCALE
    w = -logarithm(q * (_TWO - q))
    t = w - _CENTRE
    p = fma(_C8, t, _C7)
    p = fma(p, t, _C6)
    p = fma(p, t, _C5)
    p = fma(p, t, _C4)
    p = fma(p, t, _C3)
    p = fma(p, t, _C2)
    p = fma(p, t, _C1)
    p = fma(p, t, _C0)
    s = math.sqrt(abs(w)) - _TAIL_CENTRE
    r = fma(_T7, s, _T6)
    r = fma(r, s, _T5)
    r = fma(r, s, _T4)
    r = fma(r, s, _T3)
    r = fma(r, s, _T2)
    r = fma(r, s, _T1)
    r = fma(r, s, _T0)
    return x * (p if w <= _EDGE else r)


@compiled
def to_normals(words: Any, out: Any) -> None:
    """Set out (n,) float32 to the normals of words (n,) uint32."""
    for i in range(words.shape[0]):
        out[i] = _normal(words[i])


@compiled
def fill_normals(out: Any, words: Any, seed: Any, round: Any, group: Any, place: Any) -> None:
    """Fill out (n,) float32; `words` (256,) uint32 is room. Index i is always the same draw."""
    k0, k1 = low(seed), high(seed)
    b, c, d = low(place), low(group), low(round)
    for begin in range(0, out.shape[0], _TILE):
        first = begin // 4
        for i in range(_LANE):
            w0, w1, w2, w3 = philox(low(first + i), b, c, d, k0, k1)
            words[i] = np.uint32(w0)
            words[_LANE + i] = np.uint32(w1)
            words[2 * _LANE + i] = np.uint32(w2)
            words[3 * _LANE + i] = np.uint32(w3)
        count = min(_TILE, out.shape[0] - begin)
        to_normals(words[:count], out[begin : begin + count])


def normals(
    shape: tuple[int, ...], *, seed: int, round: int, group: int, step: int = 0, layer: int = 0
) -> NDArray[np.float32]:
    """Return the normals of one place, of any shape; a longer draw begins with a shorter one.

    `seed` is of 64 bits, `round` and `group` of 32, `step` of 24 and `layer` below 255.
    """
    out = np.empty(math.prod(shape), np.float32)
    fill_normals(out, np.empty(_TILE, np.uint32), np.uint64(seed), round, group,
                 step * LAYERS + layer)  # fmt: skip
    return out.reshape(shape)

"""exp, log, sine and cosine as straight lines of arithmetic, so that loops over them vectorise.

Library functions are calls, which keep LLVM from using vector registers. Each function here has no
branch and the same bits in scalar and vector code. Errors are below 2 units in the last place.
"""

from __future__ import annotations

from heliostat_methods.step_options.arithmetic.compilation import bits, fma, from_bits, inlined

_ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to an integer in the low bits
_ROUND_BITS = 0x4338000000000000
_LOG2E = 1.4426950408889634
_LN2_HIGH = 0.6931471805599453
_LN2_LOW = 2.3190468138462996e-17
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD
_TWO_OVER_PI = 0.6366197723675814
_HALF_PI_1 = 1.5707963267948966
_HALF_PI_2 = 6.123233995736766e-17


@inlined
def exponential(x: float) -> float:
    """e^x; below -700 it stays at e^-700 (5e-305, where it acts as zero), for x <= 700."""
    x = max(x, -700.0)
    shifted = fma(x, _LOG2E, _ROUND)
    k = shifted - _ROUND
    r = fma(-k, _LN2_HIGH, x)
    r = fma(-k, _LN2_LOW, r)
    # Taylor to r^13: |r| <= ln(2)/2 leaves 4e-18
    p = 1.6059043836821613e-10
    p = fma(p, r, 2.08767569878681e-09)
    p = fma(p, r, 2.505210838544172e-08)
    p = fma(p, r, 2.755731922398589e-07)
    p = fma(p, r, 2.7557319223985893e-06)
    p = fma(p, r, 2.48015873015873e-05)
    p = fma(p, r, 0.0001984126984126984)
    p = fma(p, r, 0.001388888888888889)
    p = fma(p, r, 0.008333333333333333)
    p = fma(p, r, 0.041666666666666664)
    p = fma(p, r, 0.16666666666666666)
    p = fma(p, r, 0.5)
    p = fma(p, r, 1.0)
    p = fma(p, r, 1.0)
    return from_bits(bits(p) + (bits(shifted) << 52))


@inlined
def logarithm(x: float) -> float:
    """ln(x) for positive, normal x."""
    n = bits(x)
    e = (n - _ROOT_HALF_BITS) >> 52
    m = from_bits(n - (e << 52))  # in [sqrt(1/2), sqrt(2))
    k = from_bits(e + _ROUND_BITS) - _ROUND
    f = (m - 1.0) / (m + 1.0)
    g = f * f
    # 2 atanh(f): |f| <= 0.1716, the term left out is below 2e-18
    p = 2.0 / 21.0
    p = fma(p, g, 2.0 / 19.0)
    p = fma(p, g, 2.0 / 17.0)
    p = fma(p, g, 2.0 / 15.0)
    p = fma(p, g, 2.0 / 13.0)
    p = fma(p, g, 2.0 / 11.0)
    p = fma(p, g, 2.0 / 9.0)
    p = fma(p, g, 2.0 / 7.0)
    p = fma(p, g, 2.0 / 5.0)
    p = fma(p, g, 2.0 / 3.0)
    return fma(k, _LN2_HIGH, fma(f * g, p, fma(k, _LN2_LOW, 2.0 * f)))


@inlined
def cosine_sine(x: float) -> tuple[float, float]:
    """(cos x, sin x) for |x| < 1e6."""
    shifted = fma(x, _TWO_OVER_PI, _ROUND)
    k = shifted - _ROUND
    r = fma(-k, _HALF_PI_1, x)
    r = fma(-k, _HALF_PI_2, r)
    g = r * r
    s = -7.647163731819816e-13
    s = fma(s, g, 1.6059043836821613e-10)
    s = fma(s, g, -2.505210838544172e-08)
    s = fma(s, g, 2.7557319223985893e-06)
    s = fma(s, g, -0.0001984126984126984)
    s = fma(s, g, 0.008333333333333333)
    s = fma(s, g, -0.16666666666666666)
    s = fma(s * g, r, r)
    c = 4.779477332387385e-14
    c = fma(c, g, -1.1470745597729725e-11)
    c = fma(c, g, 2.08767569878681e-09)
    c = fma(c, g, -2.755731922398589e-07)
    c = fma(c, g, 2.48015873015873e-05)
    c = fma(c, g, -0.001388888888888889)
    c = fma(c, g, 0.041666666666666664)
    c = fma(c, g, -0.5)
    c = fma(c, g, 1.0)
    quadrant = bits(shifted) & 3
    swap = (quadrant & 1) == 1
    a = s if swap else c
    b = c if swap else s
    a = -a if (quadrant == 1) | (quadrant == 2) else a
    b = -b if quadrant >= 2 else b
    return a, b

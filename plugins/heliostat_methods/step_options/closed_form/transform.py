"""The same solver in plain array code, for numpy and torch alike and for complex rates.

It serves what the compiled one cannot: derivatives in every parameter by automatic differentiation,
inversion in the rate itself (rates become complex), and other inverters in s. One contract, any
shape of s; `sqrt` and `exp` are those of the array library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def transformed_price(
    s: Any,
    *,
    y: Any,
    k: Any,
    order: tuple[int, int] | None = None,
    nu: Any,
    vol: Any,
    breaks: Sequence[Any],
    rates: Sequence[Any],
    source: Sequence[Any],
    sqrt: Callable[[Any], Any],
    exp: Callable[[Any], Any],
) -> Any:
    """Return U(y; s), the undiscounted Laplace transform of the price in T.

    `order`: how many breaks lie at or below k, and how many of all breakpoints below y; found from
    the values unless they are tensors. Rates may be arrays of the shape of s.
    """
    at = order[0] if order else sum(1 for b in breaks if b <= k)
    points = [*breaks[:at], k, *breaks[at:]]
    values = [*rates[: at + 1], rates[at], *rates[at + 1 :]]
    sides = [tuple(source[:2])] * (at + 1) + [tuple(source[2:])] * (len(breaks) + 1 - at)
    place = order[1] if order else sum(1 for p in points if p < y)
    s2 = vol * vol

    def region(i: int) -> tuple[Any, Any, Any, Any]:
        sv = s + values[i]
        d = sqrt(nu * nu + 2 * s2 * sv)
        c1, c0 = sides[i]
        return (d - nu) / s2, (-nu - d) / s2, c1 / (sv - nu - s2 / 2), c0 / sv

    # relation U' = Y U + c carried from the left to y, then from the right
    ends = [*points[:place], y]
    slope: Any = None
    offset: Any = None
    for i in range(place + 1):
        lp, lm, p1, p0 = region(i)
        hi = ends[i]
        d_hi = p1 * exp(hi + 0 * lp)
        p_hi = d_hi + p0
        if i == 0:
            slope, offset = lp, d_hi - lp * p_hi
            continue
        lo = ends[i - 1]
        slope, offset = _carry(slope, offset, lm, lp, p1, p0, lo, hi, p_hi, d_hi, exp)
    left = (slope, offset)
    ends = [y, *points[place:]]
    for n in range(len(points) - place, -1, -1):
        lp, lm, p1, p0 = region(place + n)
        lo = ends[n]
        d_lo = p1 * exp(lo + 0 * lp)
        p_lo = d_lo + p0
        if place + n == len(points):
            slope, offset = lm, d_lo - lm * p_lo
            continue
        hi = ends[n + 1]
        # mirrored: the roles of the exponents and of the ends change places
        slope, offset = _carry(slope, offset, lp, lm, p1, p0, hi, lo, p_lo, d_lo, exp)
    return (offset - left[1]) / (left[0] - slope)


def _carry(
    slope: Any, offset: Any, first: Any, second: Any, p1: Any, p0: Any, start: Any, end: Any,
    p_end: Any, d_end: Any, exp: Callable[[Any], Any],
) -> tuple[Any, Any]:  # fmt: skip
    """Carry U' = slope U + offset from `start` to `end`; both exponentials decay on the way."""
    d_start = p1 * exp(start + 0 * first)
    p_start = d_start + p0
    width = end - start
    e1, e2 = exp(first * width), exp(-second * width)
    w = 1 / (first - slope)
    al = -e2 * (second - slope) * w
    be = (slope * p_start + offset - d_start) * w
    new = (second + first * e1 * al) / (1 + al * e1)
    return new, d_end + first * e1 * be - new * (p_end + be * e1)

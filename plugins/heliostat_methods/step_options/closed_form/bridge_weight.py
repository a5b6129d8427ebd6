"""What all barriers together cost a Brownian motion that is seen at two times only.

W(x) = E[exp(-charge * time in each region) | 0 -> x in unit time], the kernel over that of a free
particle. It is the inverse Laplace transform of the resolvent in a = sqrt(2 S) on a line
Re a = c near |x|: there e^{a^2 / 2 - a |x| + x^2 / 2} is a Gaussian in Im a, the trapezoidal rule
converges at once, and what is left, exp(-sum (a_i - a) d_i) with a_i - a = 2 charge / (a_i + a) and
amplitudes of reflection, neither grows nor loses digits, however far x is.

Written for numpy and torch alike (`lib`), so that derivatives in every parameter come from the same
lines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from heliostat_methods.step_options.contracts.validation import Vector

NEAREST = 3.0
"""c is never below: singularities lie on the imaginary axis, e^{-2 pi c / spacing} away."""


class Line(NamedTuple):
    """The trapezoidal rule on each line: how many points, how far apart."""

    points: int
    spacing: float


FINE, COARSE = Line(18, 0.5), Line(15, 0.58)


def bridge_weights(
    lib: Any, x: Any, at: Vector, region: Any, start: int, edges: Sequence[Any],
    charges: Sequence[Any], drift: Any, order: int, line: Line = FINE,
) -> list[Any]:  # fmt: skip
    """Return W(x) and, with the factor e^{drift x - drift^2 / 2}, its derivatives in the start.

    x (n,) ascending, `at` the same as plain numbers, `region` (n,) where each lies. `edges`
    (regions + 1) increasing about the start at 0, the outer ones walls or infinite. `charges`
    (regions,) >= 0, per unit of time. Returns `order` + 1 arrays (n,), all over the free kernel:
    W, (d/dz) and (d/dz)^2.
    """
    found: list[list[Any]] = [[] for _ in range(order + 1)]
    up = int(np.searchsorted(at, 0.0))
    last = len(charges) - 1
    if up > 0:
        mirrored = [-e for e in reversed(edges)]
        parts = _upward(lib, -lib.flip(x[:up], (0,)), -at[:up][::-1], last - region[:up][::-1],
                        last - start, mirrored, charges[::-1], -drift, order, line)  # fmt: skip
        for k, part in enumerate(parts):
            found[k].append(lib.flip(part, (0,)) * (-1) ** k)
    if up < len(at):
        parts = _upward(lib, x[up:], at[up:], region[up:], start, edges, charges, drift, order,
                        line)  # fmt: skip
        for k, part in enumerate(parts):
            found[k].append(part)
    return [lib.concatenate(parts) for parts in found]


def _upward(lib: Any, x: Any, at: Vector, region: Any, start: int, edges: Sequence[Any],
            charges: Sequence[Any], drift: Any, order: int, line: Line) -> list[Any]:  # fmt: skip
    """The same for x >= 0 alone."""
    centres, row = np.unique(np.maximum(NEAREST, 2 * np.floor(at / 2) + 1), return_inverse=True)
    t = (np.arange(line.points) + 0.5) * line.spacing
    c, it = lib.asarray(centres[:, None]), lib.asarray(1j * t[None, :])
    a = c + it
    roots = [lib.sqrt(a * a + 2 * v) for v in charges]
    excess = [2 * v / (root + a) for v, root in zip(charges, roots, strict=True)]

    def turned(i: int, j: int) -> Any:
        """Amplitude thrown back into region i by a step to region j."""
        total = roots[i] + roots[j]
        return 2 * (charges[i] - charges[j]) / (total * total)

    def across(i: int) -> Any:
        return lib.exp(-2 * roots[i] * (edges[i + 1] - edges[i]))

    # amplitudes thrown back from below, up to the region of the start
    below: Any = -1.0 if _is_wall(edges[0]) else 0.0
    for i in range(start):
        r, back = turned(i + 1, i), below * across(i) if _any(below) else 0.0
        below = (r + back) / (1 + r * back)
    # from above, and what passes each edge
    above: list[Any] = [0.0] * len(charges)
    passes: list[Any] = [None] * len(charges)
    above[-1] = -1.0 if _is_wall(edges[-1]) else 0.0
    for i in range(len(charges) - 2, start - 1, -1):
        r, back = turned(i, i + 1), above[i + 1] * across(i + 1) if _any(above[i + 1]) else 0.0
        above[i] = (r + back) / (1 + r * back)
        passes[i] = 2 * roots[i] / (roots[i] + roots[i + 1]) / (1 + r * back)
    root = roots[start]
    low = below * lib.exp(2 * root * edges[start]) if _any(below) else 0.0
    both = _any(below) and _any(above[start])
    carried = a / root / (1 - below * above[start] * across(start) if both else 1.0)
    # a_i - drift, with c - drift taken first: both are large where drift dominates
    less, more = (c - drift) + it + excess[start], root + drift
    fronts = [1 + low + 0 * a, less - more * low, less * less + more * more * low][: order + 1]
    out: list[list[Any]] = [[] for _ in fronts]
    scale = math.sqrt(2 * math.pi) * line.spacing / math.pi
    for i in range(start, len(charges)):
        begin = 0.0 if i == start else edges[i]
        first, end = np.searchsorted(region, (i, i + 1))
        if end > first:
            d, rows = x[first:end][:, None], row[first:end]
            path = c[rows] - d + it
            terms = carried[rows] * lib.exp(0.5 * path * path - excess[i][rows] * (d - begin))
            if _any(above[i]):
                back = above[i] if isinstance(above[i], float) else above[i][rows]
                terms = terms * (1 + back * lib.exp(-2 * roots[i][rows] * (edges[i + 1] - d)))
            for k, front in enumerate(fronts):
                out[k].append(scale * (terms * front[rows]).real.sum(-1))
        if i + 1 < len(charges):
            carried = carried * passes[i] * lib.exp(-excess[i] * (edges[i + 1] - begin))
    return [lib.concatenate(parts) for parts in out]


def _is_wall(edge: Any) -> bool:
    # torch warns of a number taken from what is differentiated
    return math.isfinite(float(edge.detach() if hasattr(edge, "detach") else edge))


def _any(amplitude: Any) -> bool:
    return not (isinstance(amplitude, float) and amplitude == 0.0)

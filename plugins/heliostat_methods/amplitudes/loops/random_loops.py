"""Random loop momenta, anywhere or on a cut: points to test identities of loops on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.fields.floating import FloatField
from heliostat_methods.amplitudes.fields.prime import PrimeField
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint

_TRIES = 1000


def random_loop_point(
    point: PolarisedPoint, rng: np.random.Generator, cut: Sequence[int] = (), size: int = 9
) -> LoopPoint:
    """Return a random l for the legs of a point, at which d_i = 0 on the edges of a cut alone.

    Products are a/b with |a| <= ``size`` and b of 1, 2, 3, in exact fields and in mpmath; uniform
    residues modulo a prime; standard normal floats, with an imaginary part where the field has one.
    ValueError where a small prime has no such l.
    """
    draw, n = _draw(point.field, rng, size), point.n
    for _ in range(_TRIES):
        ll, lk = draw(), [draw() for _ in range(n - 1)]
        le = [draw() for _ in range(n)]
        found = on_cut(point, LoopPoint(ll, lk, le, point.field), cut)
        squares = edge_squares(point, found)
        if not any(point.field.is_zero(d) for i, d in enumerate(squares) if i not in cut):
            return found
    raise ValueError(f"field: {point.field}: no loop momentum without a pole found")


def on_cut(point: PolarisedPoint, loop_point: LoopPoint, edges: Sequence[int]) -> LoopPoint:
    """Return l with some products moved so that d_i = 0 on each of some edges.

    d_0 = l.l, and d_i depends on l.k_{i-1}: those are moved, in this order.
    """
    field = point.field
    ll, lk = loop_point.ll, list(loop_point.lk)
    for edge in sorted(edges):
        if edge == 0:
            ll = field.zero
            continue
        lk[edge - 1] = field.zero
        # d_edge = rest + 2 l.k_{edge-1}
        rest = edge_squares(point, LoopPoint(ll, lk, loop_point.le, field))[edge]
        lk[edge - 1] = field.divide(-rest, field.number(2))
    return LoopPoint(ll, lk, loop_point.le, field)


def edge_squares(point: PolarisedPoint, loop_point: LoopPoint) -> list[Number]:
    """Return d_0..d_{n-1}."""
    squares = [loop_point.ll]
    for j in range(point.n - 1):
        # (q + k)^2 - q^2 for massless k
        added = loop_point.lk[j]
        for i in range(j):
            added = added + point.kk[i][j]
        squares.append(squares[-1] + 2 * added)
    return squares


def _draw(field: Field, rng: np.random.Generator, size: int) -> Callable[[], Number]:
    if isinstance(field, PrimeField):
        return lambda: field.number(int(rng.integers(0, field.prime)))
    if isinstance(field, FloatField):
        if field.name == "complex128":
            return lambda: field.number(complex(*rng.standard_normal(2)))
        return lambda: field.number(float(rng.standard_normal()))
    return lambda: field.number(
        Fraction(int(rng.integers(-size, size + 1)), int(rng.integers(1, 4)))
    )

"""Random loop momenta, anywhere or on a cut: points to test identities of loops on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heliostat_methods.amplitudes.currents.words import legs_of
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.fields.random_numbers import random_numbers
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint


def random_loop_point(
    point: PolarisedPoint, rng: np.random.Generator, cut: Sequence[int] = (), size: int = 9
) -> LoopPoint:
    """Return a random l for the legs of a point, at which d_i = 0 on the edges of a cut alone.

    The d_i and the l.e_i are a/b with |a| <= ``size`` and b of 1, 2, 3, in exact fields and in
    mpmath; uniform residues modulo a prime; standard normal floats, with an imaginary part where
    the field has one. The l.k_i follow from the d_i.
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ValueError(f"size: {size!r}, expected a whole number from 1")
    cut = checked_edges("cut", cut, point.n)
    field, draw = point.field, random_numbers(point.field, rng, size)
    squares: list[Number] = []
    for edge in range(point.n):
        # each d_i has a product of its own, so it can be drawn until it is not 0
        d = field.zero if edge in cut else draw()
        while field.is_zero(d) and edge not in cut:
            d = draw()
        squares.append(d)
    return with_squares(point, squares, [draw() for _ in range(point.n)])


def on_cut(point: PolarisedPoint, loop_point: LoopPoint, edges: Sequence[int]) -> LoopPoint:
    """Return l with its products moved so that d_i = 0 on some edges; other d_i and l.e_i stay."""
    zero, edges = point.field.zero, checked_edges("edges", edges, point.n)
    squares = [zero if i in edges else d for i, d in enumerate(edge_squares(point, loop_point))]
    return with_squares(point, squares, loop_point.le)


def checked_edges(name: str, edges: Sequence[int], n: int) -> tuple[int, ...]:
    """Return different edges of 0..n-1; ValueError naming one that is none, or stands twice."""
    found = legs_of(name, edges)
    for edge in found:
        if not 0 <= edge < n:
            raise ValueError(f"{name}: {edge}, expected whole numbers from 0 to {n - 1}")
        if found.count(edge) > 1:
            raise ValueError(f"{name}: {edge} stands twice, expected different edges")
    return tuple(found)


def with_squares(
    point: PolarisedPoint, squares: Sequence[Number], le: Sequence[Number]
) -> LoopPoint:
    """Return the loop point for given d_0..d_{n-1} and l.e_i; any are legal."""
    field = point.field
    for name, given in (("squares", squares), ("le", le)):
        if len(given) != point.n:
            raise ValueError(f"{name}: {len(given)} numbers, expected {point.n}")
    half, lk = field.divide(field.one, field.number(2)), []
    for j in range(point.n - 1):
        # (q + k)^2 - q^2 for massless k
        here = (squares[j + 1] - squares[j]) * half
        for i in range(j):
            here = here - point.kk[i][j]
        lk.append(here)
    return LoopPoint(squares[0], lk, le, field)


def edge_squares(point: PolarisedPoint, loop_point: LoopPoint) -> list[Number]:
    """Return d_0..d_{n-1}; InvalidPoint where the loop point has other legs or another field."""
    loop_point.check_fits(point)
    squares = [loop_point.ll]
    for j in range(point.n - 1):
        added = loop_point.lk[j]
        for i in range(j):
            added = added + point.kk[i][j]
        squares.append(squares[-1] + 2 * added)
    return squares

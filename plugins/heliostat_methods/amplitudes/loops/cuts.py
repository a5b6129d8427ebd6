"""Cuts: residues of integrands where edges go on shell, and what they have to be.

On d_a = d_b = .. = 0 the residue of the rings' sum is the trace of the chains between the edges,
gluon less twice ghost. Unitarity demands that it be that of tree amplitudes summed over physical
states alone, so without ghosts: of chains with 1 - (q (x) r^b + r (x) q^b) / (q.r) on each cut
edge, for any r with r.r = 0. With `amplitude` that is 2^m times the product of m trees: here
d = q^2, while s_P = q^2 / 2 there. Source: derived; both are equal exactly, in both gauges, for any
D.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat_methods.amplitudes.currents.theories import Scalars as Flavoured
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.loops.d_polynomial import DPolynomial
from heliostat_methods.amplitudes.loops.integrands import (
    Gauge,
    checked_request,
    products_of,
    rings_of,
)
from heliostat_methods.amplitudes.loops.line_algebra import Endomorphism, Turn, Vectors
from heliostat_methods.amplitudes.loops.loop_frame import LoopFrame, edge_name
from heliostat_methods.amplitudes.loops.random_loops import checked_edges
from heliostat_methods.amplitudes.loops.ring_sum import RingSum


def cut(
    theory: str, point: PolarisedPoint, loop_point: LoopPoint, edges: Sequence[int], D: Any = "D",
    gauge: Gauge = "feynman", scalars: Flavoured = (),
) -> DPolynomial | Number:  # fmt: skip
    """Return the residue of an integrand where the d_i of some edges are 0, as `integrand` does.

    ``edges``: two or more of 0..n-1, with at most n-2 legs between one and the next round the
    circle; the loop momentum has to lie on the cut (see `random_loop_point`, `on_cut`). The other
    arguments, and errors, as of `integrand`.
    """
    flavours = checked_request(theory, point, loop_point, gauge, scalars)
    with point.field.quiet():
        frame = LoopFrame(products_of(point), loop_point, flavours)
        arcs = _arcs(frame, edges)
        total = DPolynomial(frame.field.zero, frame.field.zero, frame.field)
        for factor, ring in rings_of(frame, theory, gauge):
            total = total + _residue(ring, arcs) * factor
        return total if isinstance(D, str) and D == "D" else total(D)


def physical_cut(
    theory: str, point: PolarisedPoint, loop_point: LoopPoint, edges: Sequence[int], D: Any = "D",
    gauge: Gauge = "feynman", scalars: Flavoured = (), reference: Sequence[Any] | None = None,
) -> DPolynomial | Number:  # fmt: skip
    """Return the product of the trees between cut edges, summed over physical states: D - 2 each.

    ``theory``: "ym" or "yms"; the states of D - 2 dimensions stand for gluons and scalars alike.
    ``gauge``: of the vertices that the trees are made with. ``reference``: (2n,), the products of r
    with k_0..k_{n-2}, e_0..e_{n-1} and l; the result does not depend on them. Other arguments and
    errors as of `cut`; SingularKinematics where q.r = 0.
    """
    flavours = checked_request(theory, point, loop_point, gauge, scalars)
    if theory not in ("ym", "yms"):
        raise ValueError(f"theory: {theory!r}, expected 'ym' or 'yms' for a sum over states")
    field, n = point.field, point.n
    given = [3 * j + j * j + 2 for j in range(2 * n)] if reference is None else list(reference)
    if len(given) != 2 * n:
        raise ValueError(f"reference: {len(given)} numbers, expected {2 * n}")
    count = len(set(flavours.values()))
    products = (*map(field.number, given), *[field.zero] * (count + 1))
    with field.quiet():
        frame = LoopFrame(products_of(point), loop_point, flavours, [products])
        arcs = _arcs(frame, edges)
        ring: RingSum[Any, Any] = rings_of(frame, "gluon", gauge)[0][1]
        algebra = Vectors(frame.size, field)
        total: Endomorphism | None = None
        for start, legs in arcs:
            chain = ring.chain(start, legs)
            assert chain is not None  # at most n-2 legs have a current
            made = algebra.sum(None, [(field.one, chain, _physical(frame, start))])
            assert made is not None  # one term
            total = made if total is None else algebra.product(made, total)
        found = algebra.trace(total)  # type: ignore[arg-type]  # there are two arcs or more
        return found if isinstance(D, str) and D == "D" else found(D)


def _residue(ring: RingSum[Any, Any], arcs: Sequence[tuple[int, int]]) -> DPolynomial:
    """Return the trace of the chains over all arcs, the later ones to the left."""
    total = ring.chain(*arcs[0])
    for arc in arcs[1:]:
        total = ring.algebra.product(ring.chain(*arc), total)
    return ring.algebra.trace(total)


def _physical(frame: LoopFrame, edge: int) -> Turn:
    """Return 1 - (q (x) r^b + r (x) q^b) / (q.r)."""
    field, q, r = frame.field, frame.edges[edge], frame.extra()
    low_q, low_r = frame.low_edges[edge], frame.space.lower(r)
    try:
        minus = field.divide(-field.one, frame.product(q, low_r))
    except ZeroDivisionError:
        raise SingularKinematics(
            f"({edge_name(edge)}).r = 0: the reference has no physical states on edge {edge}"
        ) from None
    return Turn(field.one, ((tuple([minus * x for x in q]), low_r),
                            (tuple([minus * x for x in r]), low_q)))  # fmt: skip


def _arcs(frame: LoopFrame, edges: Sequence[int]) -> list[tuple[int, int]]:
    """Return (edge, legs until the next) around the circle, checked."""
    n, listed = frame.n, list(checked_edges("edges", edges, frame.n))
    if len(listed) < 2:
        raise ValueError(f"edges: {listed}, expected at least two to cut")
    found = sorted(listed)
    arcs = [(a, (b - a) % n) for a, b in zip(found, found[1:] + found[:1], strict=True)]
    for start, legs in arcs:
        if legs > n - 2:
            raise ValueError(
                f"edges: {found}, with {legs} legs from edge {start} on; expected at most {n - 2}: "
                "a cut through one leg's bubble is left out of integrands"
            )
    scale = frame.field.one if frame.field.exact else frame.squares_scale()
    for edge in found:
        if not frame.field.negligible(frame.squares[edge], scale):
            raise ValueError(
                f"loop_point: d_{edge} = {frame.squares[edge]}, expected 0 on the cut; `on_cut` "
                "moves a loop momentum there"
            )
    return arcs

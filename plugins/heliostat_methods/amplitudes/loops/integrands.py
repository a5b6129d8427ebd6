"""One-loop integrands of Yang-Mills theory and of its scalars, by sewing currents into rings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

from heliostat.errors import nearest
from heliostat_methods.amplitudes.currents.theories import Scalars as Flavoured
from heliostat_methods.amplitudes.currents.theories import check_theory, checked_flavours
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.four_vector_point import FourVectorPoint
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.loops.d_polynomial import DPolynomial
from heliostat_methods.amplitudes.loops.line_algebra import Scalars, Vectors
from heliostat_methods.amplitudes.loops.loop_frame import LoopFrame
from heliostat_methods.amplitudes.loops.ring_sum import RingSum
from heliostat_methods.amplitudes.loops.ring_vertices import (
    background_vertex,
    ghost_vertex,
    gluon_vertex,
    scalar_vertex,
)

Gauge = Literal["feynman", "background"]
GAUGES: tuple[Gauge, ...] = ("feynman", "background")
LOOP_THEORIES: dict[str, str] = {
    "ym": "gluons: the gluon's ring less twice the ghost's",
    "yms": "the same around scalars in pairs of one flavour: D counts gluons and all scalars",
    "gluon": "the ring of a gluon alone",
    "ghost": "the ring of a ghost, once",
    "scalar": "the ring of one adjoint scalar with a flavour of its own, minimally coupled",
}
"""Each integrand and what goes round."""


@overload
def integrand(
    theory: str, point: PolarisedPoint, loop_point: LoopPoint, D: Literal["D"] = "D",
    gauge: Gauge = "feynman", tadpoles: bool = False, scalars: Flavoured = (),
) -> DPolynomial: ...  # fmt: skip
@overload
def integrand(
    theory: str, point: PolarisedPoint, loop_point: LoopPoint, D: Any, gauge: Gauge = "feynman",
    tadpoles: bool = False, scalars: Flavoured = (),
) -> Any: ...  # fmt: skip
def integrand(
    theory: str, point: PolarisedPoint, loop_point: LoopPoint, D: Any = "D",
    gauge: Gauge = "feynman", tadpoles: bool = False, scalars: Flavoured = (),
) -> DPolynomial | Number:  # fmt: skip
    """Return the integrand in the order 0..n-1, a polynomial in D, or its value at a number D.

    ``theory``: "ym", "yms", or one ring alone: "gluon", "ghost", "scalar" (see `LOOP_THEORIES`).
    ``point``: n >= 4 legs, by products or components. ``loop_point``: l on the edge between legs
    n-1 and 0, in the same field. ``D``: the dimension of the line's vectors, "D" or a number; with
    external ``scalars`` ((0, 1) for a pair, ((0, 1), (2, 3)) for a flavour each) that of gluons
    plus the number of scalars, of which each external flavour is one. ``gauge``: "feynman", or
    "background" for the background field's. ``tadpoles``: with rings of one quartic vertex, which
    are without scale and integrate to 0. In float fields numbers may be arrays (points,).

    Each leg counts as in `amplitude` (plane waves e^{k.x}), d_i = q_i^2. Left out is every diagram
    with a tree current of n-1 legs or more, where a propagator is 0: massless tadpoles and bubbles
    on external legs. Integrands in the two gauges differ, their cuts do not. Raises
    SingularKinematics naming a propagator that is 0, ValueError for a request that is none. Source:
    derived; see docs/methods/amplitudes.md.
    """
    flavours = checked_request(theory, point, loop_point, gauge, scalars)
    if isinstance(D, str) and D != "D":
        D = DPolynomial(point.field.zero, point.field.one, point.field)(D)
    with point.field.quiet():
        frame = LoopFrame(products_of(point), loop_point, flavours)
        total = sum_of_rings(frame, theory, gauge, tadpoles)
        return total if isinstance(D, str) else total(D)


def sum_of_rings(frame: LoopFrame, theory: str, gauge: Gauge, tadpoles: bool) -> DPolynomial:
    """Return the sum of all rings of a theory."""
    totals = [ring.total(tadpoles) * factor for factor, ring in rings_of(frame, theory, gauge)]
    total = totals[0]
    for other in totals[1:]:
        total = total + other
    return total


def rings_of(
    frame: LoopFrame, theory: str, gauge: Gauge
) -> Sequence[tuple[int, RingSum[Any, Any]]]:
    """Return the kinds of rings of a theory, and how often each counts.

    Both orientations of the ghost are equal, since k_P.A_P = 0.
    """
    field = frame.field
    if theory == "scalar" or (theory == "ghost" and gauge == "background"):
        return [(1, RingSum(frame, Scalars(field), scalar_vertex(frame)))]
    if theory == "ghost":
        return [(1, RingSum(frame, Scalars(field), ghost_vertex(frame)))]
    vertex = gluon_vertex(frame) if gauge == "feynman" else background_vertex(frame)
    gluon: tuple[int, RingSum[Any, Any]] = (1, RingSum(frame, Vectors(frame.size, field), vertex))
    if theory == "gluon":
        return [gluon]
    [(_, ghost)] = rings_of(frame, "ghost", gauge)
    return [gluon, (-2, ghost)]


def checked_request(
    theory: str, point: PolarisedPoint, loop_point: LoopPoint, gauge: str, scalars: Flavoured
) -> dict[int, int]:
    """Return the flavours of external scalars; ValueError naming what is wrong with a request."""
    check_theory(theory, LOOP_THEORIES)
    if gauge not in GAUGES:
        near = nearest(str(gauge), GAUGES)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"gauge: {gauge!r}, expected one of {', '.join(GAUGES)}{hint}")
    if isinstance(point, AdSPoint) or not isinstance(point, PolarisedPoint):
        raise ValueError(
            f"point: {type(point).__name__}, expected a GramPoint or a FourVectorPoint; loops in "
            "AdS4 are sewn by sewn_scalar_loop"
        )
    if not isinstance(loop_point, LoopPoint):
        raise ValueError(f"loop_point: {type(loop_point).__name__}, expected a LoopPoint")
    if point.n < 4:
        raise ValueError(
            f"point: {point.n} legs, expected at least 4: with fewer every ring has a propagator "
            "that is 0"
        )
    loop_point.check_fits(point)
    flavours = checked_flavours(scalars, point.n)
    if theory == "ym" and flavours:
        raise ValueError(f"scalars: {scalars!r}, which 'ym' does not take; 'yms' does")
    if theory == "yms" and not flavours:
        raise ValueError("scalars: none, expected the pairs of 'yms', such as (0, 1)")
    return flavours


def products_of(point: PolarisedPoint) -> PolarisedPoint:
    """Return a point by its products alone."""
    return point.gram() if isinstance(point, FourVectorPoint) else point

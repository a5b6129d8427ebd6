"""Integrands at many loop momenta, in floats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.amplitudes.currents.theories import check_theory
from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.fields.floating import COMPLEX128, FLOAT64
from heliostat_methods.amplitudes.kinematics.four_vector_point import FourVectorPoint
from heliostat_methods.amplitudes.loops.batched_frame import (
    BatchedFrame,
    LegArcs,
    MatrixAlgebra,
)
from heliostat_methods.amplitudes.loops.integrands import GAUGES, Gauge
from heliostat_methods.amplitudes.loops.line_algebra import Scalars
from heliostat_methods.amplitudes.loops.ring_sum import RingSum

Array = NDArray[Any]
BATCHED_THEORIES = ("ym", "gluon", "ghost", "scalar")
LANES = 2048
"""Points at a time: their matrices stay in a core's own cache."""


def batched_integrand(
    theory: str, momenta: Any, polarisations: Any, loop_momenta: Any, dimension: float = 4.0,
    gauge: Gauge = "feynman", tadpoles: bool = False, metric: Sequence[int] | str | None = None,
    without_bubbles: bool = False,
) -> Array:  # fmt: skip
    """Return the integrand of one point of legs at many loop momenta, (points,).

    ``theory``: "ym", "gluon", "ghost" or "scalar". ``momenta``, ``polarisations``: (n, D) with n >=
    4, components under ``metric`` ("+---" by default). ``loop_momenta``: (points, D), l on the edge
    between legs n-1 and 0. Floats, or complex numbers where any of them are. ``dimension``: of the
    line's vectors, any number; a component beyond those of the legs is a mass of the line.
    ``without_bubbles``: without the rings of two edges. inf or nan stands where d_i = 0, and
    where numbers overflow. Other arguments, conventions and errors as of `integrand`, to which it
    is equal up to rounding; a point has the same bits in any batch. Raises InvalidPoint for arrays
    that do not fit.
    """
    check_theory(theory, BATCHED_THEORIES)
    if gauge not in GAUGES:
        raise ValueError(f"gauge: {gauge!r}, expected one of {', '.join(GAUGES)}")
    try:
        dimension = math.nan if isinstance(dimension, bool) else float(dimension)
    except (TypeError, ValueError):
        raise ValueError(f"dimension: {dimension!r}, expected a real number") from None
    if not math.isfinite(dimension):
        raise ValueError(f"dimension: {dimension!r}, expected a finite number")
    given = [np.asarray(x) for x in (momenta, polarisations, loop_momenta)]
    for name, x in zip(("momenta", "polarisations", "loop_momenta"), given, strict=True):
        if x.ndim != 2 or x.dtype.kind not in "iufc":
            raise InvalidPoint(f"{name}: shape {x.shape} of {x.dtype}, expected rows of numbers")
    legs, loop = given[0], given[2]
    if loop.shape[1] != legs.shape[1]:
        raise InvalidPoint(
            f"loop_momenta: {loop.shape[1]} components, expected {legs.shape[1]} as the legs have"
        )
    if len(legs) < 4:
        raise ValueError(f"momenta: {len(legs)} legs, expected at least 4")
    field = COMPLEX128 if any(x.dtype.kind == "c" for x in given) else FLOAT64
    # in units of the legs' size no product of propagators overflows before the integrand does
    unit = _power_of_two(given[0])
    arcs = LegArcs(FourVectorPoint(given[0] / unit, given[1], metric, field))
    points = (loop / unit).astype(field.name)
    if not np.isfinite(points).all():
        bad = int(np.argwhere(~np.isfinite(points))[0][0])
        raise InvalidPoint(f"loop_momenta[{bad}]: {loop[bad]}, expected finite numbers")
    found = np.empty(len(loop), dtype=field.name)
    with field.quiet():
        for begin in range(0, len(loop), LANES):
            lanes = np.ascontiguousarray(points[begin : begin + LANES].T)
            frame = BatchedFrame(arcs, lanes)
            found[begin : begin + LANES] = _rings(
                theory, frame, dimension, gauge, tadpoles, without_bubbles
            )
        found *= unit ** -len(legs)
    return found


def _power_of_two(momenta: Array) -> float:
    size = float(np.abs(momenta).max(initial=0.0))
    return float(2.0 ** np.round(np.log2(size))) if 0 < size < np.inf else 1.0


def _rings(
    theory: str, frame: BatchedFrame, dimension: float, gauge: Gauge, tadpoles: bool,
    without_bubbles: bool,
) -> Any:  # fmt: skip
    def value(ring: RingSum[Any, Any]) -> Any:
        total = ring.total(tadpoles)
        if without_bubbles:
            total = total - ring.bubbles()
        return total.constant + dimension * total.linear

    scalar = Scalars(frame.field)
    if theory == "scalar":
        return value(RingSum(frame, scalar, frame.scalar))
    ghost = RingSum(frame, scalar, frame.ghost if gauge == "feynman" else frame.scalar)
    if theory == "ghost":
        return value(ghost)
    vertex = frame.gluon if gauge == "feynman" else frame.background
    gluon = value(RingSum(frame, MatrixAlgebra(frame.field), vertex))
    return gluon if theory == "gluon" else gluon - 2 * value(ghost)

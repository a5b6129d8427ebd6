"""The loop of a scalar around four gluons of positive helicity: an integral that is known.

Trees of all-plus gluons vanish, so no cut in four dimensions is left and the loop is a rational
function. With I = d/dD I_YM, the ring of one scalar, and mu^2 the square of l beyond four
dimensions, I is c mu^4 / (d_0 d_1 d_2 d_3) up to what integrates to 0, and

    c = quadruple cut / mu^4 = 4 [01][23] / (<01><23>),
    int d^Dl / (i pi^{D/2}) I = c int mu^4 / (d_0 d_1 d_2 d_3) = -c/6       (D -> 4).

Vertices here are sqrt2 times those of Bern, Dixon and Kosower, 4 for four legs: with the measure
d^Dl / (2 pi)^D, i / (16 pi^2) times that and a complex scalar this is their A_4(++++) =
i/(48 pi^2) s t / (<01><12><23><30>). A scalar of mass m has mu^2 + m^2 in place of mu^2 (Bern and
Morgan), so -1/6 becomes -1/6 + m^4 I_4(m).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.amplitudes.kinematics.four_vector_point import FourVectorPoint
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.space import product
from heliostat_methods.amplitudes.kinematics.spinors import Spinors, components, spinors_of
from heliostat_methods.amplitudes.loops.cuts import cut

Array = NDArray[Any]
RATIONAL_TERM = -1 / 6
"""The integral of mu^4 / (d_0 d_1 d_2 d_3) over d^Dl / (i pi^{D/2}) as D -> 4."""


@dataclass(frozen=True)
class AllPlusLegs:
    """Four gluons, all outgoing and of positive helicity; legs 0 and 2 come in.

    ``energy``: of each leg in the rest frame, in any unit. ``angle``: 0.1 to pi - 0.1, between the
    directions of legs 0 and 1 once both are outgoing; s = (k_0+k_1)^2 and t are negative, so that
    no threshold lies in the way of a loop in this order. ``reference``: |q> of all polarisations;
    one for all, so that e_i.e_j = 0.
    """

    energy: float = 1.0
    angle: float = 1.2
    reference: tuple[complex, complex] = field(default=(0.6 + 0.2j, -0.3 + 0.7j))

    def __post_init__(self) -> None:
        if not (math.isfinite(self.energy) and self.energy > 0):
            raise ValueError(f"energy: {self.energy!r}, expected a positive number")
        if not 0.1 <= self.angle <= math.pi - 0.1:
            raise ValueError(
                f"angle: {self.angle!r}, expected 0.1 to pi - 0.1: currents of legs "
                "that are nearly parallel cancel to few digits"
            )
        if not 0 < max(map(abs, self.reference)) < math.inf:
            raise ValueError(f"reference: {self.reference!r}, expected two numbers that are not 0")

    @cached_property
    def momenta(self) -> Array:
        """(4, 4), (E, x, y, z)."""
        x, z = math.sin(self.angle), math.cos(self.angle)
        rows = [(-1, 0, 0, -1), (1, x, 0, z), (-1, 0, 0, 1), (1, -x, 0, -z)]
        return self.energy * np.array(rows)

    @cached_property
    def spinors(self) -> Spinors:
        """Spinors of the legs."""
        return spinors_of(self.momenta[None])

    @cached_property
    def polarisations(self) -> Array:
        """(4, 4), complex."""
        angle = np.array(self.reference) / max(map(abs, self.reference))
        # |q] does not enter e+
        found: Array = self.spinors.polarisations("++++", (angle, angle))[0]
        return found


def box_coefficient(point: FourVectorPoint, spinors: Spinors, along: Any = 1) -> Any:
    """Return c = cut / mu^4 of the scalar's ring around four all-plus gluons.

    ``point``: components of the legs in the metric of ``spinors``, one point, in any field.
    ``along``: which of the loop momenta on the cut d_0 = .. = d_3 = 0; the result does not depend
    on it.
    """
    numbers, space = point.field, point.space
    zero = numbers.zero

    def vector(i: int, j: int) -> tuple[Any, ...]:
        made = components(spinors.angle[:1, i], spinors.square[:1, j], spinors.prime)[0]
        return tuple(numbers.number(x) for x in made.tolist())

    def dot(u: Any, v: Any) -> Any:
        return product(tuple(u), space.lower(tuple(v)), zero)

    # q_0 = -k_0 + a |0>[1| + b |1>[0| is orthogonal to k_0 and makes d_1 = d_2; b makes d_3 = d_2
    k, forth, back = point.momenta, vector(0, 1), vector(1, 0)
    a = numbers.number(along)
    b = numbers.divide(-dot(k[1], k[2]) - a * dot(forth, k[2]), dot(back, k[2]))
    l = tuple(-x + a * y + b * z for x, y, z in zip(k[0], forth, back, strict=True))
    mu_squared = dot(l, l)
    # mu^2 of the dimensions beyond makes d_0 = 0, and no leg sees it
    loop = LoopPoint(zero, [dot(l, x) for x in k[:3]], [dot(l, e) for e in point.polarisations],
                     numbers)  # fmt: skip
    found = cut("scalar", point, loop, (0, 1, 2, 3), 0)
    return numbers.divide(found, mu_squared * mu_squared)


def known_box_coefficient(spinors: Spinors) -> Array:
    """Return 4 [01][23] / (<01><23>) for complex spinors, (points,).

    It is -4 s t / (<01><12><23><30>) with s = <01>[01] and t = <12>[12].
    """
    above = spinors.squares(0, 1) * spinors.squares(2, 3)
    found: Array = 4 * above / (spinors.angles(0, 1) * spinors.angles(2, 3))
    return found


def massive_box(legs: AllPlusLegs, mass: float) -> float:
    """Return int d^4l / (i pi^2) 1 / (d_0 d_1 d_2 d_3) with d_i = q_i^2 - mass^2, by quadrature.

    The integral over Feynman's parameters, of 1 / (m^2 - x_0 x_2 s - x_1 x_3 t)^2.
    """
    least = 0.3 * legs.energy  # below it the integrand is too steep for these nodes
    if not least <= mass < math.inf:
        raise ValueError(f"mass: {mass!r}, expected a number from {least:g}")
    # in units of the mass; s + t = -4 E^2 in the rest frame
    size = 2 * (legs.energy / mass) ** 2
    s, t = -size * (1 - math.cos(legs.angle)), -size * (1 + math.cos(legs.angle))
    nodes, weights = np.polynomial.legendre.leggauss(40)
    x, w = (nodes + 1) / 2, weights / 2
    # x_0 + x_2 = y, shares u and v of it and of the rest
    y, u, v = np.meshgrid(x, x, x, indexing="ij")
    measure = np.einsum("i,j,k->ijk", w, w, w) * y * (1 - y)
    below = 1 - y**2 * u * (1 - u) * s - (1 - y) ** 2 * v * (1 - v) * t
    return float((measure / below**2).sum()) / mass**4

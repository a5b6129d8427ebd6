"""Wavefunction coefficients psi_n of AdS4 and dS4, exactly.

psi(0..n-1) = (1/2) int_0^inf dz N_{0..n-2}(z).A_{n-1}(z), up to a factor the on-shell action's
coefficient of the ordered monomial of boundary fields. The theories are conformal in four
dimensions, so with z = -i eta log Psi = -S_E of dS4 has the coefficients W_n = -2 psi_n at unit
coupling, and W_2 = -|k|. Boundary momenta enter as e^{k.x}: k.k = -|k|^2 in a point's products.
Source: derived.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass

from heliostat_methods.amplitudes.ads.exponential_sum import ExpSum
from heliostat_methods.amplitudes.ads.exponents import NamedExponents
from heliostat_methods.amplitudes.ads.gluon_currents import AdSCurrents, norms_of
from heliostat_methods.amplitudes.ads.particles import ordered_particles
from heliostat_methods.amplitudes.ads.single_trace import AdSSingleTraceCurrents
from heliostat_methods.amplitudes.currents.theories import Scalars
from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint


def psi(
    theory: str, point: AdSPoint, word: Sequence[int] | None = None, scalars: Scalars = (),
    trace: Sequence[int] | None = None,
) -> Number:  # fmt: skip
    """Return the wavefunction coefficient of an order of legs, in AdS4 (d = 3).

    ``theory``: "ym", "yms", "yms_minimal" or "ym_phi3". ``word``: the order, by default 0..n-1, a
    cyclic or reversed one of them. ``scalars`` and ``trace`` as `amplitude` takes them; scalars
    are conformally coupled, and the cubic coupling of "ym_phi3" is constant in the half space, with
    lam = -2. Any field does; floats may be arrays (points,). Raises SingularKinematics naming the
    sum of norms that is 0, InvalidPoint for a norm that the point lacks or that overflows,
    ValueError for legs and theories that are none. Floats lose digits near K = w (see
    `propagation`), and where norms are decades apart: exact fields do not. Source: derived.
    """
    try:
        value = radial_integrand(theory, point, word, scalars, trace).integral()
    except OverflowError:
        value = math.inf
    # of many points in an array each keeps its own; a single one is refused
    if isinstance(value, float | complex) and not cmath.isfinite(value):
        raise InvalidPoint(
            f"norms: {point.field.name} overflows at them; expected norms of moderate size, or an "
            "exact field such as 'rational'"
        )
    return value


def wavefunction_coefficient(
    theory: str, point: AdSPoint, word: Sequence[int] | None = None, scalars: Scalars = (),
    trace: Sequence[int] | None = None,
) -> Number:  # fmt: skip
    """Return W_n = -2 psi_n, the coefficient in log Psi of dS4; as `psi` else."""
    return -2 * psi(theory, point, word, scalars, trace)


def radial_integrand(
    theory: str, point: AdSPoint, word: Sequence[int] | None = None, scalars: Scalars = (),
    trace: Sequence[int] | None = None,
) -> ExpSum:  # fmt: skip
    """Return (1/2) N.A_last as a function of z, whose integral psi is.

    Its exponents are sums of norms that are named by legs; arguments and errors as of `psi`.
    """
    asked = ordered_particles(theory, point, word, scalars, trace)
    *inner, last = asked.word
    norms = norms_of(point, inner)
    norms[(last,)] = point.norm_of([last])
    exponents = NamedExponents(point.field, norms)
    if theory == "ym_phi3":
        traced = AdSSingleTraceCurrents(point, inner, asked.trace, exponents=exponents)
        source = traced.source(0, len(inner))
    else:
        currents = AdSCurrents(
            point, inner, asked.flavours, quartic=theory != "yms_minimal", exponents=exponents
        )
        source = currents.closed_with(last)
    half = point.field.divide(point.field.one, point.field.number(2))
    return source * ExpSum.exponential(exponents, exponents.key((last,)), half)


@dataclass(frozen=True)
class EnergyPole:
    """A pole coefficient * order! / energy^(order + 1) of psi, energy being a sum of norms.

    ``parts``: the legs of each norm: ((0,), (1, 2), (3,)) is |k_0| + |k_1+k_2| + |k_3|. Legs that
    stand in none belong to a current that tends to a constant, which is pure gauge.
    """

    parts: tuple[tuple[int, ...], ...]
    energy: Number
    order: int
    coefficient: Number
    legs: int
    """How many the coefficient psi has."""

    @property
    def total(self) -> bool:
        """Say whether the energy is the sum of the norms of all legs."""
        return sorted(self.parts) == [(leg,) for leg in range(self.legs)]

    def __str__(self) -> str:
        """Return the sum of norms, as |k_0| + |k_1+k_2|."""
        return " + ".join(f"|{'+'.join(f'k_{leg}' for leg in part)}|" for part in self.parts)


@dataclass(frozen=True)
class EnergyPoles:
    """All poles of a coefficient, few norms first; their sum is psi.

    ``residue``: the coefficient at the total energy, the flat amplitude where that vanishes.
    """

    poles: tuple[EnergyPole, ...]
    residue: Number


def energy_pole(
    theory: str, point: AdSPoint, word: Sequence[int] | None = None, scalars: Scalars = (),
    trace: Sequence[int] | None = None,
) -> EnergyPoles:  # fmt: skip
    """Return the poles of psi in sums of norms, each with its legs, and the total energy's residue.

    No energy is divided by, so a point whose norms sum to 0 is welcome. Norms that are equal by
    value, but not by legs, stand apart. Away from total energy 0 the residue depends on which leg
    stands last. Arguments and errors as of `psi`.
    """
    integrand = radial_integrand(theory, point, word, scalars, trace)
    exponents = integrand.exponents
    assert isinstance(exponents, NamedExponents)
    poles = []
    for (key, power), c in integrand.terms.items():
        parts = tuple(sorted(exponents.names(key), key=lambda part: part[0]))
        poles.append(EnergyPole(parts, exponents.value(key), power, c, point.n))
    poles.sort(key=lambda pole: (len(pole.parts), pole.parts, pole.order))
    residue = point.field.zero
    for pole in poles:
        if pole.total and not pole.order:
            residue = residue + pole.coefficient
    return EnergyPoles(tuple(poles), residue)

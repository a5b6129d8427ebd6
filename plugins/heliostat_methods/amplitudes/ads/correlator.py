"""Equal-time correlators of four conformally coupled scalars in dS4, at late times.

Gaussian averages over log Psi, with W_n = -2 psi_n and W_2 = -|k|, boundary gluons in Coulomb gauge
(transverse at z = 0). For two flavours, each on two legs,

    <0123>' = prod_i 1/(2 |k_i|) * [ 2 W_4 + sum over polarisations (2 W_3)(2 W_3) / (2s) ]
            = prod_i 1/(2 |k_i|) * [ -4 psi_4 + (8/s) sum psi_3 psi_3 ]

for the colour order 0, 1, 2, 3 at unit coupling, without the delta function. Scalars of one flavour
side by side exchange a gluon of momentum K and norm s = |K|; with projector 1 - K K / K.K,

    sum psi_3 psi_3 = (1/4) (k_0-k_1).(1 - K K/K.K).(k_2-k_3) / ((|k_0|+|k_1|+s)(|k_2|+|k_3|+s))

in products of the boundary's Gram matrix, K = k_0 + k_1. Source: derived.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from heliostat_methods.amplitudes.ads.wavefunction import psi
from heliostat_methods.amplitudes.currents.theories import check_theory
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.space import Vector, combination, product


@dataclass(frozen=True)
class Correlator:
    """<0123>' = prefactor * bracket, bracket = from_psi4 + from_exchange.

    ``prefactor``: prod 1/(2 |k_i|). ``from_psi4``: -4 psi_4. ``from_exchange``: (8/s) sum psi_3
    psi_3, 0 where equal flavours are not side by side.
    """

    value: Number
    prefactor: Number
    bracket: Number
    from_psi4: Number
    from_exchange: Number


def correlator(
    point: AdSPoint, flavours: Sequence[Hashable] = ("a", "a", "b", "b"),
    theory: str = "yms_minimal",
) -> Correlator:  # fmt: skip
    """Return the correlator of four scalars in the colour order 0, 1, 2, 3.

    ``flavours``: one for each leg; two that differ, each on two legs. ``theory``: "yms_minimal", or
    "yms" with its quartic vertex. Raises ValueError for what is not covered: other numbers of legs,
    external gluons, and one flavour on all legs. Source: derived; conventions stand above.
    """
    check_theory(theory, ("yms_minimal", "yms"))
    if not isinstance(point, AdSPoint):
        raise ValueError(f"point: {type(point).__name__}, expected an AdSPoint")
    if point.n != 4:
        raise ValueError(
            f"point: {point.n} legs, expected 4: only four scalars are covered; `psi` and "
            "`wavefunction_coefficient` give the coefficients for others"
        )
    pairs = _pairs(flavours)
    field = point.field
    from_psi4 = -4 * psi(theory, point, scalars=pairs)
    from_exchange = field.zero
    if pairs[0] != (0, 2):
        first, second = pairs if pairs[0] == (0, 1) else ((1, 2), (3, 0))
        both = exchanged(point, first, second)
        from_exchange = field.divide(8 * both, point.norm_of(first))
    product_of_norms = field.one
    for norm in point.norms:
        product_of_norms = product_of_norms * (2 * norm)
    prefactor = field.divide(field.one, product_of_norms)
    bracket = from_psi4 + from_exchange
    return Correlator(prefactor * bracket, prefactor, bracket, from_psi4, from_exchange)


def exchanged(point: AdSPoint, first: tuple[int, int], second: tuple[int, int]) -> Number:
    """Return sum over polarisations of psi_3 psi_3, for two pairs of scalars side by side.

    Raises SingularKinematics naming a sum of norms that is 0.
    """
    field, s = point.field, point.norm_of(first)
    left, right = _difference(point, *first), _difference(point, *second)
    whole = combination(
        [(field.one, point.momentum(leg)) for leg in first], point.space.dimension, field.zero
    )

    def times(one: Vector, other: Vector) -> Number:
        return product(one, point.space.lower(other), field.zero)

    longitudinal = field.divide(times(left, whole) * times(whole, right), times(whole, whole))
    energies = field.one
    for i, j in (first, second):
        energy = point.norms[i] + point.norms[j] + s
        if field.is_zero(energy):
            raise SingularKinematics(f"|k_{i}| + |k_{j}| + |k_{i}+k_{j}| = 0: psi_3 has a pole")
        energies = energies * energy
    return field.divide(times(left, right) - longitudinal, 4 * energies)


def _difference(point: AdSPoint, i: int, j: int) -> Vector:
    one, dimension = point.field.one, point.space.dimension
    terms = [(one, point.momentum(i)), (-one, point.momentum(j))]
    return combination(terms, dimension, point.field.zero)


def _pairs(flavours: Sequence[Hashable]) -> tuple[tuple[int, int], tuple[int, int]]:
    given = tuple(flavours)
    if len(given) != 4:
        raise ValueError(f"flavours: {flavours!r}, expected one for each of 4 legs")
    groups = [tuple(i for i in range(4) if given[i] == name) for name in dict.fromkeys(given)]
    if len(groups) == 1:
        raise ValueError(
            f"flavours: {flavours!r}, one flavour on all legs is not covered; expected two, such "
            "as ('a', 'a', 'b', 'b')"
        )
    if any(len(group) != 2 for group in groups):
        raise ValueError(f"flavours: {flavours!r}, expected two flavours, each on two legs")
    (a, b), (c, d) = groups
    return (a, b), (c, d)

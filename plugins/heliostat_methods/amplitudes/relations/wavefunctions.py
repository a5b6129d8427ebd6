"""Relations of wavefunction coefficients in AdS4 and dS4."""

from __future__ import annotations

from heliostat_methods.amplitudes.acting.apply import apply
from heliostat_methods.amplitudes.ads.correlator import correlator
from heliostat_methods.amplitudes.ads.flat_limit import flat_limit
from heliostat_methods.amplitudes.ads.wavefunction import psi
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.operators.terms import Pair, Product, Trace
from heliostat_methods.amplitudes.relations.relation import Case, Relation, Sides, one
from heliostat_methods.amplitudes.relations.samples import disjoint_pairs, orders, pairs, some
from heliostat_methods.amplitudes.relations.trees import turns, whole

MOST = 6
"""Instances for one number of legs: an exact coefficient of six legs takes a second."""


def gluons(point: AdSPoint) -> Number:
    """Return psi of Yang-Mills theory."""
    return psi("ym", point)


def _cyclic(case: Case, point: AdSPoint) -> Sides:
    return one(psi("ym", point, case), gluons(point))


def _flat(case: Case, point: AdSPoint) -> Sides:
    found = flat_limit("ym", point)
    return one(found.residue, found.amplitude)


def _pair(case: Case, point: AdSPoint) -> Sides:
    return one(apply(Pair(*case), gluons, checked=False)(point), psi("yms", point, scalars=case))


def _pairs(case: Case, point: AdSPoint) -> Sides:
    operator = Product(tuple(Pair(*pair) for pair in case))
    return one(apply(operator, gluons, checked=False)(point), psi("yms", point, scalars=case))


def _trace(case: Case, point: AdSPoint) -> Sides:
    return one(apply(Trace(*case), gluons, checked=False)(point), psi("ym_phi3", point, trace=case))


def _trace_cases(n: int) -> list[Case]:
    return [(*order, n - 1) for m in range(3, n + 1)
            for order in orders(tuple(range(m - 1)), 2)]  # fmt: skip


def _exchange(case: Case, point: AdSPoint) -> Sides:
    theory, pattern = case
    scalars = ((0, 1), (2, 3)) if pattern == "aabb" else ((0, 2), (1, 3))
    return one(psi(theory, point, scalars=scalars), exchange(point, theory, pattern))


def exchange(point: AdSPoint, theory: str, pattern: str) -> Number:
    """Return psi of four scalars of two flavours in closed form (derived)."""
    field = point.field
    k0, k1, k2, k3 = point.norms
    s, e = point.planar_norm(0, 2), k0 + k1 + k2 + k3
    contact = field.divide(field.one, e)
    if pattern == "abab":
        return field.zero if theory == "yms_minimal" else contact
    k12, k34 = k0 + k1, k2 + k3
    l12, l34 = k0 * k0 - k1 * k1, k2 * k2 - k3 * k3
    v = _v(point)
    along = field.divide(l12 * l34, s * s)
    total = field.divide(v + along, e * (k12 + s) * (k34 + s))
    total = total - field.divide(along, k12 * k34 * e)
    half = field.divide(field.one, field.number(2))
    return total * half if theory == "yms_minimal" else (total - contact) * half


def _correlator(case: Case, point: AdSPoint) -> Sides:
    """Compare with full-line Euclidean propagators, whose integral is 2(E+s)/(sE(k12+s)(k34+s))."""
    field = point.field
    k0, k1, k2, k3 = point.norms
    k12, k34, s = k0 + k1, k2 + k3, point.planar_norm(0, 2)
    e = k12 + k34
    along = field.divide((k0 * k0 - k1 * k1) * (k2 * k2 - k3 * k3), s * s)
    line = field.divide(2 * (e + s), s * e * (k12 + s) * (k34 + s))
    contact = field.divide(2 * along, k12 * k34 * e)
    return one(correlator(point).bracket, contact - (_v(point) + along) * line)


def _v(point: AdSPoint) -> Number:
    """Return (k_0 - k_1).(k_2 - k_3), Euclidean: the products' sign is turned."""
    found = point.field.zero
    for i, j, sign in ((0, 2, -1), (0, 3, 1), (1, 2, 1), (1, 3, -1)):
        found = found + sign * point.momentum_product(i, j)
    return found


WAVEFUNCTIONS = (
    Relation("ads_cyclic", "ads", (3, 6), lambda n: some(turns(n), 3), _cyclic),
    Relation("ads_flat", "ads", (3, 7), whole, _flat),
    Relation("ads_pair", "ads", (3, 6), lambda n: some(pairs(n), MOST), _pair),
    Relation("ads_pairs", "ads", (4, 6), lambda n: some(disjoint_pairs(n, 2), MOST), _pairs),
    Relation("ads_trace", "ads", (4, 5), _trace_cases, _trace, most=7),
    Relation("ads_exchange", "ads", (4, 4), lambda n: [
        (theory, pattern) for theory in ("yms_minimal", "yms") for pattern in ("aabb", "abab")
    ], _exchange, most=4),
    Relation("ads_correlator", "ads", (4, 4), whole, _correlator, most=4),
)  # fmt: skip

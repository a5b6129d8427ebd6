"""Relations of tree amplitudes and currents in flat space."""

from __future__ import annotations

from typing import Any

from heliostat_methods.amplitudes.acting.apply import apply
from heliostat_methods.amplitudes.currents.cubic_form import cubic_amplitude
from heliostat_methods.amplitudes.currents.cubic_graphs import graph_sum
from heliostat_methods.amplitudes.currents.orderings import (
    bcj_relation,
    kk_relation,
    relation_sum,
)
from heliostat_methods.amplitudes.currents.theories import amplitude, semi_on_shell
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.operators.substitution import gauged, substituted
from heliostat_methods.amplitudes.operators.terms import (
    Insertion,
    Longitudinal,
    Operator,
    Pair,
    Pions,
    Product,
    Trace,
)
from heliostat_methods.amplitudes.relations.relation import Case, Relation, Sides, one
from heliostat_methods.amplitudes.relations.samples import disjoint_pairs, orders, pairs, some


def gluons(point: GramPoint, ordering: Any = None) -> Number:
    """Return the Yang-Mills amplitude."""
    return amplitude("ym", point, ordering)


def _pair(case: Case, point: GramPoint) -> Sides:
    return one(
        apply(Pair(*case), gluons, checked=False)(point), amplitude("yms", point, scalars=case)
    )


def _pairs(case: Case, point: GramPoint) -> Sides:
    operator = Product(tuple(Pair(*pair) for pair in case))
    return one(apply(operator, gluons, checked=False)(point), amplitude("yms", point, scalars=case))


def _pairs_cases(n: int) -> list[Case]:
    two = some(disjoint_pairs(n, 2), 15)
    return two + (some(disjoint_pairs(n, 3), 9) if n >= 6 else [])


def _current(case: Case, point: GramPoint) -> Sides:
    word = tuple(range(point.n - 1))
    at = substituted(Pair(*case), point)
    assert at is not None  # two legs, each named once
    left = semi_on_shell("ym", at, word)
    right = list(semi_on_shell("yms", point, word, scalars=case)[:-1])
    # both sides as vectors: their products with the momenta and the polarisations that are left
    rest = [leg for leg in range(point.n) if leg not in case]
    return _products(left, at, rest), _products(right, at, rest)


def _products(vector: Any, point: GramPoint, legs: list[int]) -> list[Number]:
    low = point.space.lower(tuple(vector))
    return [*low[: point.n - 1], *(low[point.n - 1 + leg] for leg in legs)]


def _trace(case: Case, point: GramPoint) -> Sides:
    return one(
        apply(Trace(*case), gluons, checked=False)(point), amplitude("ym_phi3", point, trace=case)
    )


def _trace_cases(n: int) -> list[Case]:
    found: list[Case] = []
    for m in range(3, n):
        found += some([(*order, n - 1) for order in orders(tuple(range(m - 1)), 4)], 4)
        found.append((n - 1, *range(n - m, n - 1)))  # its last leg is not the amputated one
    return found


def _biadjoint(case: Case, point: GramPoint) -> Sides:
    word = tuple(range(point.n))
    both = amplitude("bas", point, (word, case))
    return one(
        apply(Trace(*case), gluons, checked=False)(point), both if point.n % 2 == 0 else -both
    )


def _biadjoint_cases(n: int) -> list[Case]:
    return [(*order, n - 1) for order in orders(tuple(range(n - 1)))]


def _pions(case: Case, point: GramPoint) -> Sides:
    (what,) = case
    found = apply(Pions(range(point.n)), gluons, checked=False)(point)
    if what == "closed form":
        return one(found, pions_in_closed_form(point))
    word = (*range(1, point.n), 0)
    return one(found, apply(Pions(word), lambda at: gluons(at, word), checked=False)(point))


def _pions_cases(n: int) -> list[Case]:
    known = n % 2 or n in (4, 6)
    return [("closed form",)] * bool(known) + [("cyclic",)]


def pions_in_closed_form(point: GramPoint) -> Number:
    """Return the known amplitude of 4 or 6 pions, or of an odd number (0)."""
    n, field = point.n, point.field
    if n % 2:
        return field.zero

    def square(*legs: int) -> Number:
        total = field.zero
        for i in legs:
            for j in legs:
                if i < j:
                    total = total + 2 * point.momentum_product(i % n, j % n)
        return total

    half = field.divide(field.one, field.number(2))
    if n == 4:
        return (square(0, 1) + square(1, 2)) * half
    step = [square(i, (i + 1) % 6) for i in range(6)]
    total = field.zero
    for i in range(6):
        both = (step[i] + step[(i + 1) % 6]) * (step[(i + 3) % 6] + step[(i + 4) % 6])
        three = square(i, (i + 1) % 6, (i + 2) % 6)
        total = total + field.divide(both * half, three) - step[i]
    return total * half


def _gauge(case: Case, point: GramPoint) -> Sides:
    return one(gluons(gauged(point, *case)), point.field.zero)


def _cyclic(case: Case, point: GramPoint) -> Sides:
    return one(gluons(point, case), gluons(point))


def _reflection(case: Case, point: GramPoint) -> Sides:
    back = gluons(point, case[::-1])
    return one(gluons(point, case), back if point.n % 2 == 0 else -back)


def _decoupling(case: Case, point: GramPoint) -> Sides:
    (leg,) = case
    rest = [other for other in range(point.n) if other != leg]
    total = point.field.zero
    for i in range(1, point.n):
        total = total + gluons(point, (*rest[:i], leg, *rest[i:]))
    return one(total, point.field.zero)


def _forms(case: Case, point: GramPoint) -> Sides:
    return one(cubic_amplitude(point, case), gluons(point, case))


def _modes(case: Case, point: GramPoint) -> Sides:
    operator = _operator(case)
    return (
        [apply(operator, gluons, "difference", checked=False)(point)],
        [apply(operator, gluons, checked=False)(point)],
    )


def _operator(case: Case) -> Operator:
    kind, *legs = case
    if kind == "pions":
        return Pions(legs)
    made: dict[str, Any] = {"pair": Pair, "insertion": Insertion, "trace": Trace,
                            "longitudinal": Longitudinal}  # fmt: skip
    found: Operator = made[kind](*legs)
    return found


def _modes_cases(n: int) -> list[Case]:
    return [("pair", 0, 1), ("pair", 1, n - 1), ("insertion", 0, 1, n - 1), ("insertion", 2, 1, 0),
            ("insertion", 0, n - 1, 1), ("longitudinal", 0), ("longitudinal", n - 1),
            ("trace", 0, 2, n - 1), ("trace", *range(n)), ("pions", *range(n))]  # fmt: skip


SOFTNESS = 1_000_000
"""One over the factor of the soft momentum."""


def _soft(case: Case, point: GramPoint) -> Sides:
    """Compare A_n at a soft momentum of leg 0 with the soft factor times A_{n-1}."""
    n, field = point.n, point.field
    small = field.divide(field.one, field.number(SOFTNESS))
    kk = [[x * small if 0 in (i, j) else x for j, x in enumerate(row)]
          for i, row in enumerate(point.kk)]  # fmt: skip
    for k in (kk, hard_kk := [row[1:] for row in kk[1:]]):  # the last leg is massless in both
        m = len(k)
        rest = field.zero
        for i in range(m):
            for j in range(i + 1, m):
                rest = rest + k[i][j]
        k[m - 2][m - 1] = k[m - 1][m - 2] = k[m - 2][m - 1] - rest
    ek = [[x * small if j == 0 else x for j, x in enumerate(row)] for row in point.ek]
    hard_ek = [row[1:] for row in ek[1:]]
    for rows in (ek, hard_ek):
        total = field.zero
        for x in rows[-1][:-1]:
            total = total - x
        rows[-1][-1] = total
    soft = GramPoint(kk, ek, point.ee, field)
    hard = GramPoint(hard_kk, hard_ek, [row[1:] for row in point.ee[1:]], field)
    left = gluons(soft) * small
    factor = field.zero
    for leg, sign in ((1, 1), (n - 1, -1)):
        ratio = field.divide(soft.polarisation_momentum(0, leg), soft.momentum_product(0, leg))
        factor = factor + sign * ratio
    return one(left, factor * small * gluons(hard))


def whole(n: int) -> list[Case]:
    """Return the single case of all legs in order."""
    return [tuple(range(n))]


def turns(n: int) -> list[Case]:
    """Return all words that begin elsewhere."""
    return [(*range(i, n), *range(i)) for i in range(1, n)]


def legs(n: int) -> list[Case]:
    """Return each leg."""
    return [(i,) for i in range(n)]


def words(n: int) -> list[Case]:
    """Return some words that end with the last leg."""
    return [(*order, n - 1) for order in orders(tuple(range(n - 1)), 6)]


def _symbols(case: Case, point: GramPoint) -> Sides:
    operator = _operator(case)
    return (
        [apply(operator, gluons, "symbolic", checked=False)(point)],
        [apply(operator, gluons, checked=False)(point)],
    )


def _graphs(case: Case, point: GramPoint) -> Sides:
    word = tuple(range(point.n))
    return one(amplitude("bas", point, (word, case)), graph_sum(point, word, case))


def _kleiss_kuijf(case: Case, point: GramPoint) -> Sides:
    alpha, beta = case
    relation = kk_relation(point.n, beta, alpha)
    return one(relation_sum(relation, point, lambda word: gluons(point, word)), point.field.zero)


def _kleiss_kuijf_cases(n: int) -> list[Case]:
    found: list[Case] = []
    for order in orders(tuple(range(1, n - 1)), 6):
        found += [(order[:m], order[m:]) for m in range(n - 2)]
    return some(found)


def _fundamental(case: Case, point: GramPoint) -> Sides:
    relation = bcj_relation(point.n, case[0], case[1:])
    return one(relation_sum(relation, point, lambda word: gluons(point, word)), point.field.zero)


TREES = (
    Relation("gauge", "tree", (3, 10), legs, _gauge),
    Relation("cyclic", "tree", (3, 9), turns, _cyclic),
    Relation("reflection", "tree", (3, 8), words, _reflection),
    Relation("u1", "tree", (3, 7), legs, _decoupling),
    Relation("kk", "tree", (4, 7), _kleiss_kuijf_cases, _kleiss_kuijf, most=8),
    Relation("bcj", "tree", (4, 7), words, _fundamental),
    Relation("forms", "tree", (3, 7), words, _forms),
    Relation("modes", "tree", (4, 5), _modes_cases, _modes, most=6),
    Relation("symbols", "tree", (4, 5), _modes_cases, _symbols, most=6,
             fields=("rational", "flint")),
    Relation("pair", "tree", (3, 10), lambda n: some(pairs(n)), _pair),
    Relation("pairs", "tree", (4, 8), _pairs_cases, _pairs),
    Relation("current", "tree", (4, 7), lambda n: some(pairs(n - 1), 15), _current),
    Relation("trace", "tree", (4, 7), _trace_cases, _trace),
    Relation("biadjoint", "tree", (3, 7), _biadjoint_cases, _biadjoint),
    Relation("cubic_graphs", "tree", (3, 7), _biadjoint_cases, _graphs, most=9),
    Relation("pions", "tree", (4, 10), _pions_cases, _pions),
    Relation("soft", "tree", (4, 7), whole, _soft, limit=100 / SOFTNESS,
             fields=("rational", "flint", "mpmath")),
)  # fmt: skip

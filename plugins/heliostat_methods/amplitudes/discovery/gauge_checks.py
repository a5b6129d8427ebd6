"""Exact tests of which operators map an amplitude to something gauge invariant.

An operator O passes the check of gluon m where W_m O A = 0, W_m = sum_v (k_m.v) d/d(v.e_m), which
puts k_m for e_m and drops what has no e_m. All is linear in O, so a table of W_m D A over random
points modulo a prime, one column for each basic D, tests any combination.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.currents.words import checked_word
from heliostat_methods.amplitudes.discovery.derivatives import (
    KINDS,
    Basic,
    basic_operators,
    derivative_names,
    derivatives,
)
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.fields.prime import MERSENNE_31
from heliostat_methods.amplitudes.fields.residue_arrays import (
    Integers,
    ResidueArrayField,
)
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.operators.substitution import substituted
from heliostat_methods.amplitudes.operators.terms import Operator, Product, Trace
from heliostat_methods.amplitudes.reconstruction.elimination import product
from heliostat_methods.amplitudes.reconstruction.sampled_points import random_gram_points

Observable = Callable[[GramPoint], Number]


def yang_mills(point: GramPoint) -> Number:
    """Return the amplitude of gluons in the order of their legs."""
    return amplitude("ym", point)


@dataclass(frozen=True)
class GaugeChecks:
    """Values of basic operators on an observable, and of their gauge variations, modulo ``prime``.

    ``names``: the derivatives that candidates are combinations of. ``places``: (basic operators,),
    which of them has each basic operator's coefficient. ``results``: (points, basic operators).
    ``variations``: (gluons, points, basic operators), for ``gluons``.
    """

    prime: int
    names: tuple[str, ...]
    basis: tuple[Basic, ...]
    gluons: tuple[int, ...]
    places: Integers
    results: Integers
    variations: Integers
    size_weight: float

    def failing(self, coefficients: Sequence[int]) -> int | None:
        """Return how many checks a combination of the derivatives ``names`` fails.

        A check for each leg j that the sum of coefficients of d/d(k_i.e_j) is 0, and one for each
        gluon. None for an operator that makes 0 of the observable.
        """
        if len(coefficients) != len(self.names):
            raise ValueError(
                f"coefficients: {len(coefficients)}, expected one for each of {len(self.names)}"
            )
        sums: dict[str, int] = {}
        for name, x in zip(self.names, coefficients, strict=True):
            if name.startswith("k"):
                leg = name.partition(".")[2]
                sums[leg] = sums.get(leg, 0) + x
        vector = self.in_basis(coefficients)
        if not product(self.results, vector, self.prime).any():
            return None
        wrong = sum(1 for total in sums.values() if total)
        return wrong + sum(bool(product(one, vector, self.prime).any()) for one in self.variations)

    def in_basis(self, coefficients: Sequence[int]) -> Integers:
        """Return the combination of basic operators, (basic operators, 1).

        What is left over, where coefficients do not sum to 0, stays with the last momentum.
        """
        found = [coefficients[int(place)] % self.prime for place in self.places]
        return np.array(found, dtype=np.int64)[:, None]

    def score(self, coefficients: Sequence[int]) -> float:
        """Return failing checks + size_weight * sum of |coefficients|; inf for one that makes 0."""
        failing = self.failing(coefficients)
        if failing is None:
            return float("inf")
        return failing + self.size_weight * sum(abs(x) for x in coefficients)

    def score_many(self, candidates: Sequence[Sequence[int]]) -> list[float]:
        """Return the score of each candidate."""
        return [self.score(coefficients) for coefficients in candidates]


def gauge_checks(
    n: int, legs: Iterable[int], rng: np.random.Generator, *, trace: Sequence[int] = (),
    kinds: Sequence[str] = KINDS, observable: Observable = yang_mills,
    prime: int = MERSENNE_31, size_weight: float = 0.02,
) -> GaugeChecks:  # fmt: skip
    """Return the checks of operators by e of ``legs`` on T[trace] of an observable of n gluons.

    ``trace``: legs that are scalars already, none or at least two. ``kinds``: derivatives by "k.e",
    "e.e" or both. ``observable(point)``: linear in every e, at points over a ResidueArrayField.
    Raises ValueError naming a leg that is none, or that has no polarisation left.
    """
    listed = checked_word("legs", tuple(legs), n, whole=False)
    scalars = checked_word("trace", tuple(trace), n, whole=False) if trace else ()
    for leg in listed:
        if leg in scalars:
            raise ValueError(f"legs: {leg}, expected legs outside of the trace {tuple(trace)}")
    start: Operator = Trace(*scalars) if scalars else Product(())
    basis = basic_operators(n, listed, without=scalars, kinds=kinds)
    if not basis:
        raise ValueError(f"kinds: {tuple(kinds)} leave no operator by legs {listed}")
    field, points = ResidueArrayField(prime), len(basis) + 6
    point = random_gram_points(n, field, rng, points)
    gluons = tuple(leg for leg in range(n) if leg not in scalars)

    def value(at: GramPoint, basic: Basic) -> Integers:
        changed = substituted(start * basic, at)
        assert changed is not None  # each leg of the product is named once
        found = field.number(observable(changed)).values
        return np.array(np.broadcast_to(found, (points,)))

    results = np.stack([value(point, basic) for basic in basis], axis=1)
    variations = np.zeros((len(gluons), points, len(basis)), dtype=np.int64)
    for at, m in enumerate(gluons):
        longitudinal = longitudinal_point(point, m)
        for column, basic in enumerate(basis):
            if m not in basic.used():
                variations[at, :, column] = value(longitudinal, basic)
    names = tuple(derivative_names(basis))
    places = np.array([names.index(derivatives(basic)[0][0]) for basic in basis])
    return GaugeChecks(prime, names, tuple(basis), gluons, places, results, variations,
                       size_weight)  # fmt: skip


def longitudinal_point(point: GramPoint, leg: int) -> GramPoint:
    """Return the point with k of a leg in place of its e."""
    n = point.n
    ek, ee = [list(row) for row in point.ek], [list(row) for row in point.ee]
    ek[leg] = [point.momentum_product(leg, j) for j in range(n - 1)]
    for other in range(n):
        if other != leg:
            ee[leg][other] = ee[other][leg] = point.polarisation_momentum(other, leg)
    return point.with_polarisations(tuple(map(tuple, ek)), tuple(map(tuple, ee)))

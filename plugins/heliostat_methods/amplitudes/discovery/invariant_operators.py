"""All first-order operators of a class that keep gauge invariance, by linear algebra."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import gcd, lcm

import numpy as np

from heliostat_methods.amplitudes.discovery.derivatives import (
    KINDS,
    Basic,
    LinearOperator,
    in_derivatives,
)
from heliostat_methods.amplitudes.discovery.gauge_checks import (
    Observable,
    gauge_checks,
    yang_mills,
)
from heliostat_methods.amplitudes.fields.prime import MERSENNE_31, PrimeField
from heliostat_methods.amplitudes.fields.residue_arrays import Integers
from heliostat_methods.amplitudes.operators.terms import Insertion, Pair
from heliostat_methods.amplitudes.reconstruction.elimination import null_space, rank
from heliostat_methods.amplitudes.reconstruction.prime_samples import PrimeSamples
from heliostat_methods.amplitudes.reconstruction.rational_lift import RationalLift, check_confirm


@dataclass(frozen=True)
class InvariantOperators:
    """A basis of the operators of a class that map an observable to something gauge invariant.

    ``searched``: dimension of the class. ``annihilators``: how many independent ones of the
    operators found make 0 of the observable. ``known``: T_(i j k) of neighbours in the trace and
    T[i j] of gluons; ``spanned_by_known``: whether they span the same space.
    """

    operators: tuple[LinearOperator, ...]
    searched: int
    annihilators: int
    known: tuple[Basic, ...]
    spanned_by_known: bool
    primes: tuple[int, ...]

    def __str__(self) -> str:
        listed = "; ".join(map(str, self.operators)) or "none"
        return f"{len(self.operators)} of {self.searched} dimensions: {listed}"


def invariant_operators(
    n: int, legs: int | Iterable[int], rng: np.random.Generator, *, trace: Sequence[int] = (),
    kinds: Sequence[str] = KINDS, observable: Observable = yang_mills, confirm: int = 1,
    most: int = 16,
) -> InvariantOperators:  # fmt: skip
    """Return all combinations of derivatives by e of ``legs`` that pass every gauge check.

    The null space of the gauge variations, at random points modulo primes, lifted to whole numbers.
    Arguments as in `gauge_checks`; ``confirm`` and ``most`` as in `reconstruct_number`. Raises
    ValueError naming a leg that is none or has no polarisation left.
    """
    check_confirm(confirm)
    listed = (legs,) if isinstance(legs, int) else tuple(legs)
    samples = PrimeSamples(None, most)

    def solved(field: PrimeField) -> tuple[Integers, tuple[Basic, ...], int]:
        checks = gauge_checks(n, listed, rng, trace=trace, kinds=kinds, observable=observable,
                              prime=field.prime)  # fmt: skip
        found = null_space(np.concatenate(checks.variations), field.prime)
        everywhere = np.concatenate([*checks.variations, checks.results])
        return found, checks.basis, len(null_space(everywhere, field.prime))

    shape: tuple[int, ...] | None = None
    lifts: list[RationalLift] = []
    agreed = -1
    for prime, (space, basis, annihilators) in samples.each(solved):
        if space.shape != shape:
            shape, lifts, agreed = space.shape, [RationalLift()] * space.size, -1
        lifts = [lift.with_residue(x, prime)
                 for lift, x in zip(lifts, space.ravel().tolist(), strict=True)]  # fmt: skip
        agreed += 1
        counts = [0 if lift.candidate is None else lift.confirmations for lift in lifts]
        if min([agreed, *counts]) >= confirm:
            values = [lift.candidate or Fraction(0) for lift in lifts]
            rows = [values[i : i + space.shape[1]] for i in range(0, space.size, space.shape[1])]
            known = _known(n, listed, trace, kinds)
            return InvariantOperators(
                tuple(in_derivatives(_whole(row), basis) for row in rows), len(basis),
                annihilators, known, _same_span(rows, known, basis), tuple(samples.used),
            )  # fmt: skip
    raise samples.exhausted("invariant_operators")


def _known(
    n: int, legs: Sequence[int], trace: Sequence[int], kinds: Sequence[str]
) -> tuple[Basic, ...]:
    found: list[Basic] = []
    for j in legs:
        if "k.e" in kinds:
            found += [Insertion(i, j, k) for i, k in pairwise(trace)]
        if "e.e" in kinds:
            pairs = [Pair(min(i, j), max(i, j)) for i in range(n) if i != j and i not in trace]
            found += [pair for pair in pairs if pair not in found]
    return tuple(found)


def _whole(row: Sequence[Fraction]) -> list[Fraction]:
    """Return the multiple in whole numbers without common factor, the first one positive."""
    size = lcm(*(x.denominator for x in row))
    common = gcd(*(int(x * size) for x in row))
    sign = -1 if next(x for x in row if x) < 0 else 1
    return [sign * x * size / common for x in row]


def _same_span(
    rows: Sequence[Sequence[Fraction]], known: Sequence[Basic], basis: Sequence[Basic]
) -> bool:
    found = [[int(x) for x in _whole(row)] for row in rows]
    expected = [[_coefficient(one, basic) for basic in basis] for one in known]
    empty = np.zeros((0, len(basis)), dtype=np.int64)
    ranks = [rank(np.array(some, dtype=np.int64) if some else empty, MERSENNE_31)
             for some in (found, expected, found + expected)]  # fmt: skip
    return len(set(ranks)) == 1


def _coefficient(operator: Basic, basic: Basic) -> int:
    """Return an operator's coefficient of a basic one: T_(i j k) = T_(i j l) - T_(k j l)."""
    if isinstance(operator, Pair) or isinstance(basic, Pair):
        return int(operator == basic)
    if operator.j != basic.j:
        return 0
    return int(operator.i == basic.i) - int(operator.k == basic.i)

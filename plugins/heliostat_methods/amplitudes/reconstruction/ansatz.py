"""An amplitude as a sum of monomials over a product of poles, fitted and proved by samples.

At random points modulo a prime the coefficients solve a linear system; points beyond those that
fix them are an exact zero test. The coefficients are then lifted over primes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.fields.prime import PrimeField
from heliostat_methods.amplitudes.fields.residue_arrays import (
    Integers,
    ResidueArrayField,
)
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.reconstruction.elimination import reduced_rows
from heliostat_methods.amplitudes.reconstruction.factored_poles import bracketed, power_text
from heliostat_methods.amplitudes.reconstruction.invariants import checked_invariant
from heliostat_methods.amplitudes.reconstruction.monomials import (
    Monomial,
    monomial_text,
    monomial_value,
)
from heliostat_methods.amplitudes.reconstruction.prime_samples import PrimeSamples
from heliostat_methods.amplitudes.reconstruction.rational_function import sum_text
from heliostat_methods.amplitudes.reconstruction.rational_lift import RationalLift, check_confirm
from heliostat_methods.amplitudes.reconstruction.sampled_points import random_gram_points

Target = Callable[[GramPoint], Number]


@dataclass(frozen=True)
class AnsatzFit:
    """The sum of coefficient times monomial over the poles, or that there is none.

    ``rank``: independent monomials. ``residual_rank``: 0 where the target is a sum of them at all
    points, the ``extra`` ones too; 1 where it is not, and then there are no coefficients.
    """

    monomials: tuple[Monomial, ...]
    poles: Mapping[str, int]
    rank: int
    residual_rank: int
    extra: int
    coefficients: tuple[Fraction, ...] | None
    primes: tuple[int, ...]
    confirmations: int

    @property
    def fits(self) -> bool:
        """Whether the target is of this form."""
        return self.residual_rank == 0

    def at(self, point: GramPoint) -> Number:
        """Return the value at a point of any field; ValueError where nothing was fitted."""
        if self.coefficients is None:
            raise ValueError("coefficients: None, expected an ansatz that fits")
        field, total = point.field, point.field.zero
        for coefficient, monomial in zip(self.coefficients, self.monomials, strict=True):
            if coefficient:
                total = total + field.number(coefficient) * monomial_value(monomial, point)
        return field.divide(total, monomial_value(_factors(self.poles), point))

    def __str__(self) -> str:
        if self.coefficients is None:
            return f"no combination of {len(self.monomials)} monomials over these poles"
        names = map(monomial_text, self.monomials)
        above = sum_text(list(zip(self.coefficients, names, strict=True)))
        below = [power_text(name, power) for name, power in self.poles.items() if power]
        if not below:
            return above
        below_text = below[0] if len(below) == 1 else f"({' '.join(below)})"
        return f"{bracketed(above)} / {below_text}"


def fit_ansatz(
    target: Target, n: int, monomials: Sequence[Monomial], poles: Mapping[str, int] | Iterable[str],
    rng: np.random.Generator, *, extra: int = 8, primes: Iterable[int] | None = None,
    confirm: int = 1, most: int = 64,
) -> AnsatzFit:  # fmt: skip
    """Return the combination of monomials over a product of poles that a target is.

    ``target(point)``: the value at a point of n legs over a ResidueArrayField, many in one; such as
    ``lambda point: amplitude("bas", point)``. ``monomials``: tuples of names (see `invariants`).
    ``poles``: names, or name -> power. ``extra``: points beyond the number of monomials, each of
    which a wrong form passes with probability 1/p. Monomials that depend on others at all points
    get the coefficient 0. ``primes``, ``confirm``, ``most`` as in `reconstruct_number`. Raises
    ValueError naming what is no product, NotReconstructed where the primes do not suffice.
    """
    check_confirm(confirm)
    listed, powers = tuple(tuple(one) for one in monomials), _powers(poles, n)
    if not listed:
        raise ValueError("monomials: none, expected at least one, such as ('s_{0,1}',)")
    for name in (name for monomial in listed for name in monomial):
        checked_invariant(name, n)
    if isinstance(extra, bool) or not isinstance(extra, int) or extra < 1:
        raise ValueError(f"extra: {extra!r}, expected at least 1 point")
    samples, solving = PrimeSamples(primes, most), _Solving(len(listed))

    def solved(field: PrimeField) -> tuple[Integers, list[int]]:
        kept = [listed[column] for column in solving.columns]
        point = random_gram_points(n, ResidueArrayField(field.prime), rng, len(kept) + extra)
        return reduced_rows(ansatz_rows(target, kept, powers, point), field.prime)

    for prime, (rows, pivots) in samples.each(solved):
        solving.learn(rows, pivots, prime)
        if solving.failures > confirm or solving.confirmations >= confirm:
            fits = solving.failures <= confirm
            return AnsatzFit(
                listed, powers, solving.rank, int(not fits), extra,
                solving.coefficients() if fits else None, tuple(samples.used),
                solving.confirmations if fits else solving.failures - 1,
            )  # fmt: skip
    raise samples.exhausted("fit_ansatz")


class _Solving:
    """What the systems of all primes so far say of the coefficients.

    The first one tells which are not 0; later ones are solved for those alone, which is a test of
    the zeros too.
    """

    def __init__(self, size: int) -> None:
        self.size, self.columns = size, list(range(size))
        self.lifts: dict[int, RationalLift] = {}
        self.rank = self.failures = 0
        self._agreed = -1

    @property
    def confirmations(self) -> int:
        """Primes that agreed without a part in finding the coefficients."""
        counts = [0 if lift.candidate is None else lift.confirmations
                  for lift in self.lifts.values()]  # fmt: skip
        return min([self._agreed, *counts])

    def learn(self, rows: Integers, pivots: Sequence[int], prime: int) -> None:
        """Take in a reduced system; one that contradicts what was known starts anew."""
        width, whole = len(self.columns), len(self.columns) == self.size
        if width in pivots:
            self.failures += whole
            self.columns, self.lifts, self._agreed = list(range(self.size)), {}, -1
            self.rank = max(self.rank, len(pivots) - 1) if whole else self.rank
            return
        residues = {self.columns[column]: int(row[-1])
                    for column, row in zip(pivots, rows, strict=True)}  # fmt: skip
        if self._agreed >= 0 and len(residues) < width:
            return  # the monomials are dependent modulo this prime alone
        if self._agreed < 0:
            self.rank = max(self.rank, len(pivots))
            self.columns = [column for column, residue in residues.items() if residue]
        self._agreed += 1
        self.lifts = {
            column: self.lifts.get(column, RationalLift()).with_residue(residues[column], prime)
            for column in self.columns
        }  # fmt: skip

    def coefficients(self) -> tuple[Fraction, ...]:
        """Return all coefficients, those of dependent monomials 0."""
        found = {column: lift.candidate for column, lift in self.lifts.items()}
        return tuple(found.get(column) or Fraction(0) for column in range(self.size))


def ansatz_rows(
    target: Target, monomials: Sequence[Monomial], poles: Mapping[str, int], point: GramPoint
) -> Integers:
    """Return (points, monomials + 1): monomials' values, and the target's times the poles.

    Over ``point.field``, a ResidueArrayField.
    """
    field = point.field
    assert isinstance(field, ResidueArrayField)
    columns = [monomial_value(monomial, point) for monomial in monomials]
    columns.append(field.number(target(point)) * monomial_value(_factors(poles), point))
    shape = point.kk[0][1].values.shape
    return np.stack([np.broadcast_to(column.values, shape) for column in columns], axis=1)


def _powers(poles: Mapping[str, int] | Iterable[str], n: int) -> dict[str, int]:
    powers: dict[str, int] = {}
    for name, power in poles.items() if isinstance(poles, Mapping) else ((p, 1) for p in poles):
        checked_invariant(name, n)
        if isinstance(power, bool) or not isinstance(power, int) or power < 0:
            raise ValueError(f"poles[{name!r}]: {power!r}, expected a power of at least 0")
        powers[name] = powers.get(name, 0) + power
    return powers


def _factors(poles: Mapping[str, int]) -> list[str]:
    return [name for name, power in poles.items() for _ in range(power)]

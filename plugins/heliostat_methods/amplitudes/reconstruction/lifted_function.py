"""A rational function of one variable from its residues, along a line through points.

Modulo each prime the function is interpolated through as few points as fix it; its coefficients,
the denominator made monic, are then lifted over the primes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from heliostat_methods.amplitudes.fields.prime import PrimeField, Residue
from heliostat_methods.amplitudes.fields.residue_arrays import (
    Integers,
    ResidueArray,
    ResidueArrayField,
)
from heliostat_methods.amplitudes.reconstruction.errors import NotReconstructed, UnluckyPrime
from heliostat_methods.amplitudes.reconstruction.lifted_number import residue_of
from heliostat_methods.amplitudes.reconstruction.polynomials import (
    interpolated_quotient,
    value_at,
)
from heliostat_methods.amplitudes.reconstruction.prime_samples import PrimeSamples, is_unlucky
from heliostat_methods.amplitudes.reconstruction.rational_function import RationalFunction
from heliostat_methods.amplitudes.reconstruction.rational_lift import RationalLift, check_confirm

SPARE = 2
"""Points beyond those that fix a function: by chance it fits them with probability 1/p^2."""
MOST_FAILED = 20
"""Draws modulo one prime that may give no value, besides as many as gave one."""
Shape = tuple[int, int]
"""Numbers of coefficients of numerator and denominator."""


@dataclass(frozen=True)
class ReconstructedFunction:
    """A rational function, and what it took: primes used and left out, values computed."""

    function: RationalFunction
    primes: tuple[int, ...]
    confirmations: int
    evaluations: int
    skipped: tuple[int, ...] = ()


def reconstruct_function(
    evaluate: Callable[[Any, Any], Any], rng: np.random.Generator, *, lanes: int = 1,
    variable: str = "t", primes: Iterable[int] | None = None, confirm: int = 1, most: int = 64,
    most_points: int = 400,
) -> ReconstructedFunction:  # fmt: skip
    """Return the rational function of t over Q whose residues ``evaluate(field, t)`` gives.

    ``lanes``: how many t are asked for in one call. With 1, field is a PrimeField and t a Residue;
    with more, field is a ResidueArrayField and t a ResidueArray (lanes,), which is cheaper. ``rng``
    draws the t. ``confirm``: primes that have to agree, at a t of their own, without a part in the
    finding. ``primes`` and ``most`` as in `reconstruct_number`; ``most_points``: values asked for
    modulo one prime. Values of t at a pole are drawn again. Raises NotReconstructed where points or
    primes do not suffice.
    """
    check_confirm(confirm)
    if isinstance(lanes, bool) or not isinstance(lanes, int) or lanes < 1:
        raise ValueError(f"lanes: {lanes!r}, expected at least 1")
    samples, found = PrimeSamples(primes, most), _Coefficients()
    evaluations = 0

    def interpolant(field: PrimeField) -> tuple[Integers, Integers]:
        nonlocal evaluations
        lane = _Samples(evaluate, field, lanes, rng, most_points)
        try:
            return _interpolant(lane, found.points)
        finally:
            evaluations += lane.evaluations

    for prime, quotient in samples.each(interpolant):
        found = found.with_prime(*quotient, prime)
        if found.confirmations >= confirm:
            function, used = found.function(variable), tuple(samples.used)
            return ReconstructedFunction(
                function, used, found.confirmations, evaluations, tuple(samples.skipped)
            )
    raise samples.exhausted("reconstruct_function")


class _Samples:
    """Values modulo one prime at random t, more of them when asked for."""

    def __init__(
        self, evaluate: Callable[[Any, Any], Any], field: PrimeField, lanes: int,
        rng: np.random.Generator, most: int,
    ) -> None:  # fmt: skip
        self.evaluate, self.field, self.lanes, self.rng, self.most = (
            evaluate, field, lanes, rng, most
        )  # fmt: skip
        self.arrays = ResidueArrayField(field.prime) if lanes > 1 else None
        self.values: dict[int, int] = {}
        self.evaluations = self.failed = 0
        self.reason = ""

    def at_least(self, count: int) -> None:
        """Draw until there are so many values; UnluckyPrime where the prime does not have them."""
        residues = self.field.prime - 1
        while len(self.values) < count:
            if count > residues or self.failed > MOST_FAILED + len(self.values):
                why = self.reason or f"{count} points are needed"
                raise UnluckyPrime(f"too few values modulo {self.field.prime}: {why}")
            self._draw(min(self.lanes, residues))

    def first(self, count: int) -> tuple[Integers, Integers]:
        """Return t and values (count,), in the order drawn."""
        ts, values = list(self.values)[:count], list(self.values.values())[:count]
        return np.array(ts, dtype=np.int64), np.array(values, dtype=np.int64)

    def _draw(self, count: int) -> None:
        prime = self.field.prime
        ts = list(dict.fromkeys(self.rng.integers(1, prime, size=count).tolist()))
        try:
            found = self._evaluated(ts)
        except (ValueError, ZeroDivisionError) as error:
            if not is_unlucky(error):
                raise
            self.failed, self.reason = self.failed + 1, str(error)
            return
        self.evaluations += len(ts)
        if all(t in self.values for t in ts):
            self.failed += 1  # a small prime is running out of residues
        self.values.update(zip(ts, found, strict=True))

    def _evaluated(self, ts: Sequence[int]) -> list[int]:
        if self.arrays is None:
            return [residue_of(self.evaluate(self.field, Residue(t, self.field.prime)), self.field)
                    for t in ts]  # fmt: skip
        array = ResidueArray(np.array(ts, dtype=np.int64), self.field.prime)
        found = self.evaluate(self.arrays, array)
        values = self.arrays.number(found).values
        if values.shape not in ((), (len(ts),)):
            raise ValueError(
                f"evaluate: {values.shape} values, expected one for each of {len(ts)} t"
            )
        return [int(x) for x in np.broadcast_to(values, (len(ts),))]


def _interpolant(samples: _Samples, points: int | None) -> tuple[Integers, Integers]:
    """Return numerator and denominator modulo the prime.

    ``points``: how many an earlier prime took.
    """
    count = points or 4 + SPARE
    while True:
        if count > samples.most:
            raise NotReconstructed(
                f"most_points: {samples.most} values modulo {samples.field.prime} do not fix a "
                "rational function, expected one of less total degree; allow more points, or check "
                "that the dependence on t is rational"
            )
        samples.at_least(count)
        ts, values = samples.first(count)
        numerator, denominator = interpolated_quotient(ts, values, samples.field.prime)
        needed = max(numerator.size, 1) + denominator.size - 1
        # Cauchy's rows may vanish together with q at a point, which they then do not fit
        regular = all(value_at(denominator, t, samples.field.prime) for t in ts.tolist())
        if needed + SPARE <= count and regular:
            return numerator, denominator
        count = min(count * 3 // 2, samples.most) if count < samples.most else count + 1


@dataclass(frozen=True)
class _Coefficients:
    """Lifts of all coefficients; those of a prime at which the function degenerates stay out."""

    shape: Shape | None = None
    lifts: tuple[RationalLift, ...] = field(default=())

    @property
    def points(self) -> int | None:
        """Points that fix a function of this shape, and spare ones."""
        return None if self.shape is None else max(self.shape[0], 1) + self.shape[1] - 1 + SPARE

    @property
    def confirmations(self) -> int:
        """Primes that confirmed every coefficient."""
        counts = [0 if lift.candidate is None else lift.confirmations for lift in self.lifts]
        return min(counts, default=0)

    def with_prime(self, numerator: Integers, denominator: Integers, prime: int) -> _Coefficients:
        shape = (numerator.size, denominator.size)
        lifts = self.lifts
        if self.shape != shape:
            if self.shape is not None and sum(shape) < sum(self.shape):
                return self  # leading coefficients or a common factor vanish modulo this prime
            lifts = (RationalLift(),) * sum(shape)
        residues = [*numerator.tolist(), *denominator.tolist()]
        made = tuple(lift.with_residue(x, prime) for lift, x in zip(lifts, residues, strict=True))
        return _Coefficients(shape, made)

    def function(self, variable: str) -> RationalFunction:
        assert self.shape is not None
        found = [lift.candidate for lift in self.lifts]
        values = tuple(x for x in found if x is not None)
        return RationalFunction(values[: self.shape[0]], values[self.shape[0] :], variable)

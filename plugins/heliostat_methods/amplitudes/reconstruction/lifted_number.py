"""A rational number from its residues: an amplitude at a rational point, without big integers.

>>> reconstruct_number(lambda field: field.number("-7999/34034")).value
Fraction(-7999, 34034)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from heliostat_methods.amplitudes.fields.prime import PrimeField, Residue
from heliostat_methods.amplitudes.reconstruction.prime_samples import PrimeSamples
from heliostat_methods.amplitudes.reconstruction.rational_lift import RationalLift, check_confirm

CERTAIN = 2**30
"""The confirming primes' product at least: a wrong number passes them with one over it."""


@dataclass(frozen=True)
class ReconstructedNumber:
    """A rational number, the primes that it was found and confirmed by, and those left out."""

    value: Fraction
    primes: tuple[int, ...]
    confirmations: int
    skipped: tuple[int, ...] = ()


def reconstruct_number(
    evaluate: Callable[[PrimeField], Any], primes: Iterable[int] | None = None, confirm: int = 1,
    most: int = 64,
) -> ReconstructedNumber:  # fmt: skip
    """Return the rational number whose residues ``evaluate(field)`` gives.

    ``primes``: by default the largest below 2^31; at most ``most`` are tried. ``confirm``: how many
    primes have to agree that had no part in finding it. A prime that divides a denominator on the
    way (SingularKinematics, ZeroDivisionError, "has no residue") is skipped. Raises
    NotReconstructed where the primes do not suffice, and ValueError for a result that is no
    residue of the field.
    """
    check_confirm(confirm)
    samples, lift = PrimeSamples(primes, most), RationalLift()
    for prime, found in samples.each(lambda field: residue_of(evaluate(field), field)):
        lift = lift.with_residue(found, prime)
        certain = prod(samples.used[len(samples.used) - lift.confirmations :]) >= CERTAIN
        if lift.candidate is not None and lift.confirmations >= confirm and certain:
            used, skipped = tuple(samples.used), tuple(samples.skipped)
            return ReconstructedNumber(lift.candidate, used, lift.confirmations, skipped)
    raise samples.exhausted("reconstruct_number")


def residue_of(value: Any, field: PrimeField) -> int:
    """Return a result as an integer from 0 to p - 1; ValueError naming one that has no place."""
    if isinstance(value, bool) or not isinstance(value, Residue | Fraction | int):
        raise ValueError(f"evaluate: {value!r}, expected a residue modulo {field.prime}")
    return int(field.number(value))

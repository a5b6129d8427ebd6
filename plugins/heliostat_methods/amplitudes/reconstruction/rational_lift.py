"""From residues modulo primes to a rational number: Chinese remainders, then Wang's algorithm.

A rational n/d is determined by its residue modulo m where |n| and d are at most sqrt(m/2). Every
residue, of a larger rational too, may have some such n/d, so a number found counts once a prime
that had no part in finding it confirms it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


def crt(residues: Sequence[int], primes: Sequence[int]) -> tuple[int, int]:
    """Return (value, modulus): 0 <= value < modulus = product of primes, of these residues.

    ``primes``: moduli > 1 of which no two share a factor. Raises ValueError naming two that do, and
    for lists of different lengths or without an entry. Source: the Chinese remainder theorem, in
    Garner's form.
    """
    if len(residues) != len(primes) or not len(primes):
        raise ValueError(
            f"primes: {len(primes)} for {len(residues)} residues, expected as many, at least 1"
        )
    value, modulus = 0, 1
    for i, (residue, prime) in enumerate(zip(residues, primes, strict=True)):
        if prime < 2:
            raise ValueError(f"primes[{i}]: {prime}, expected a modulus above 1")
        if math.gcd(modulus, prime) != 1:
            other = next(p for p in primes[:i] if math.gcd(p, prime) != 1)
            raise ValueError(f"primes[{i}]: {prime}, expected no common factor with {other}")
        value += modulus * ((residue - value) * pow(modulus, -1, prime) % prime)
        modulus *= prime
    return value, modulus


def lift_bound(modulus: int) -> int:
    """Return the largest numerator and denominator that a modulus determines: sqrt(m/2)."""
    return math.isqrt((modulus - 1) // 2)


def rational_reconstruction(residue: int, modulus: int) -> Fraction | None:
    """Return the n/d of this residue with |n|, d <= sqrt(modulus/2); None where there is none.

    There is at most one. Raises ValueError for a modulus below 2. Source: Wang, Guy and Davenport,
    P-adic reconstruction of rational numbers (1982).
    """
    if modulus < 2:
        raise ValueError(f"modulus: {modulus}, expected one above 1")
    bound = lift_bound(modulus)
    above, below = modulus, residue % modulus
    before, factor = 0, 1
    while below > bound:
        quotient = above // below
        above, below = below, above - quotient * below
        before, factor = factor, before - quotient * factor
    # below = factor * residue modulo m; a common factor means that d has no inverse there
    if abs(factor) > bound or math.gcd(below, factor) != 1:
        return None
    return Fraction(below, factor)


@dataclass(frozen=True)
class RationalLift:
    """What the residues seen so far say of a rational number; `with_residue` adds one.

    ``candidate``: the number that they stand for, if there is any. ``confirmations``: how many
    primes agreed with it that had no part in finding it.
    """

    value: int = 0
    modulus: int = 1
    candidate: Fraction | None = None
    confirmations: int = 0

    def with_residue(self, residue: int, prime: int) -> RationalLift:
        """Return the lift that knows the residue modulo one more prime."""
        if self.modulus % prime == 0:
            raise ValueError(f"prime: {prime}, expected one that was not used yet")
        candidate = self.candidate
        agrees = candidate is not None and (
            (candidate.denominator * residue - candidate.numerator) % prime == 0
            and candidate.denominator % prime != 0
        )
        value, modulus = residue % prime, prime
        if self.modulus > 1:
            value, modulus = crt((self.value, residue), (self.modulus, prime))
        if agrees:
            return RationalLift(value, modulus, candidate, self.confirmations + 1)
        return RationalLift(value, modulus, rational_reconstruction(value, modulus))


def stable_reconstruction(
    residues: Sequence[int], primes: Sequence[int], confirm: int = 1
) -> Fraction | None:
    """Return the rational number of these residues once ``confirm`` further primes confirm it.

    None where the primes do not suffice for that. Raises ValueError as `crt` does, and for
    ``confirm`` below 1.
    """
    check_confirm(confirm)
    crt(residues, primes)
    lift = RationalLift()
    for residue, prime in zip(residues, primes, strict=True):
        lift = lift.with_residue(residue, prime)
    return lift.candidate if lift.confirmations >= confirm else None


def check_confirm(confirm: int) -> None:
    """Raise ValueError for fewer confirmations than one."""
    if isinstance(confirm, bool) or not isinstance(confirm, int) or confirm < 1:
        raise ValueError(
            f"confirm: {confirm!r}, expected at least 1: an unconfirmed number may be a wrong one"
        )

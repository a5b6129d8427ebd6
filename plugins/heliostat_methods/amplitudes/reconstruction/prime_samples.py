"""Samples modulo one prime after another, unlucky primes left out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.prime import MERSENNE_31, PrimeField, previous_prime
from heliostat_methods.amplitudes.reconstruction.errors import NotReconstructed, UnluckyPrime

T = TypeVar("T")


def large_primes(below: int = MERSENNE_31 + 1) -> Iterator[int]:
    """Yield the primes below a number, largest first: 2^31 - 1, 2147483629, ..."""
    while below > 2:
        below = previous_prime(below)
        yield below


@dataclass
class PrimeSamples:
    """Goes through primes, at most ``most`` of them; keeps which were used and which skipped.

    ``primes``: by default the largest below 2^31.
    """

    primes: Iterable[int] | None
    most: int
    used: list[int] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    reason: str = ""
    """Why a prime was skipped last."""

    def __post_init__(self) -> None:
        if isinstance(self.most, bool) or not isinstance(self.most, int) or self.most < 2:
            raise ValueError(f"most: {self.most!r}, expected at least 2 primes")

    def each(self, sample: Callable[[PrimeField], T]) -> Iterator[tuple[int, T]]:
        """Yield (prime, sample) where there is one; a prime listed twice counts once."""
        seen: list[int] = []
        primes = large_primes() if self.primes is None else self.primes
        for prime in itertools.islice(primes, self.most):
            if prime in seen:
                continue
            seen.append(prime)
            field = PrimeField(prime)
            try:
                found = sample(field)
            except (ValueError, ZeroDivisionError) as error:
                if not is_unlucky(error):
                    raise
                self.skipped.append(prime)
                self.reason = str(error)
                continue
            self.used.append(prime)
            yield prime, found

    def exhausted(self, what: str) -> NotReconstructed:
        """Return the error that says that the primes did not suffice."""
        tried = len(self.used) + len(self.skipped)
        if not tried:
            return NotReconstructed(f"{what}: no primes given, expected at least 2")
        if not self.used:
            return NotReconstructed(
                f"{what}: no sample modulo any of {tried} primes, the last time because "
                f"{self.reason}"
            )
        left_out = f" and {len(self.skipped)} unlucky ones" if self.skipped else ""
        return NotReconstructed(
            f"{what}: {len(self.used)} primes{left_out} do not suffice, expected a confirmed "
            f"result within most = {self.most}; allow more primes, or check that the samples "
            "are those of one rational object"
        )


def is_unlucky(error: Exception) -> bool:
    """Say whether an error means that a prime divides a denominator, and nothing worse."""
    if isinstance(error, SingularKinematics | ZeroDivisionError | UnluckyPrime):
        return True
    return isinstance(error, ValueError) and "has no residue" in str(error)

"""Residues modulo a prime, many points at once: numbers of a field for the same recursions.

A sum or product of 100 residues costs as much as one of Python's, so samples come cheaply.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.fields.prime import MERSENNE_31, PrimeField, Residue

Integers = NDArray[np.int64]


class ResidueArray:
    """Residues modulo a prime below 2^31, ``values`` (points,) or () from 0 to p - 1, as int64."""

    __slots__ = ("prime", "values")
    __array_ufunc__ = None  # numpy's arrays leave their signs to this class

    def __init__(self, values: Integers, prime: int) -> None:
        self.values, self.prime = values, prime

    def _other(self, other: Any) -> Any:
        if isinstance(other, ResidueArray | Residue):
            if other.prime != self.prime:
                raise ValueError(f"residues modulo {self.prime} and {other.prime} do not mix")
            return other.values if isinstance(other, ResidueArray) else other.value
        if isinstance(other, int):
            return other % self.prime
        return NotImplemented

    def __add__(self, other: Any) -> ResidueArray:
        value = self._other(other)
        if value is NotImplemented:
            return NotImplemented
        return ResidueArray((self.values + value) % self.prime, self.prime)

    def __sub__(self, other: Any) -> ResidueArray:
        value = self._other(other)
        if value is NotImplemented:
            return NotImplemented
        return ResidueArray((self.values - value) % self.prime, self.prime)

    def __rsub__(self, other: Any) -> ResidueArray:
        value = self._other(other)
        if value is NotImplemented:
            return NotImplemented
        return ResidueArray((value - self.values) % self.prime, self.prime)

    def __mul__(self, other: Any) -> ResidueArray:
        value = self._other(other)
        if value is NotImplemented:
            return NotImplemented
        # below 2^62, which int64 holds
        return ResidueArray(self.values * value % self.prime, self.prime)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> ResidueArray:
        return ResidueArray(-self.values % self.prime, self.prime)

    def __pow__(self, exponent: int) -> ResidueArray:
        return ResidueArray(powers(self.values, exponent, self.prime), self.prime)

    def __eq__(self, other: object) -> bool:
        """Say whether all residues are equal."""
        value = self._other(other)
        if value is NotImplemented:
            return NotImplemented
        return bool(np.all(self.values == value))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{self.values} mod {self.prime}"


class ResidueArrayField(Field):
    """GF(p) with arrays of residues as numbers, one entry a point."""

    exact = True

    def __init__(self, prime: int = MERSENNE_31) -> None:
        self.scalar = PrimeField(prime)
        self.prime = prime
        self.name = f"gf:{prime} arrays"
        self.zero = ResidueArray(np.asarray(0, dtype=np.int64), prime)
        self.one = ResidueArray(np.asarray(1, dtype=np.int64), prime)

    def number(self, value: Any) -> ResidueArray:
        """Return a number for all points, or an array of integers as an entry for each."""
        if isinstance(value, ResidueArray):
            if value.prime != self.prime:
                raise ValueError(f"residues of another prime than {self.prime}: {value.prime}")
            return value
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "iu":
                raise ValueError(f"an array of {value.dtype}, expected one of integers")
            return ResidueArray((value % self.prime).astype(np.int64), self.prime)
        return ResidueArray(np.asarray(int(self.scalar.number(value)), dtype=np.int64), self.prime)

    def divide(self, numerator: Number, denominator: Number) -> ResidueArray:
        """Return the quotients; ZeroDivisionError where one of the denominators is 0."""
        inverses = ResidueArray(inverse(self.number(denominator).values, self.prime), self.prime)
        return self.number(numerator) * inverses


def powers(values: Integers, exponent: int, prime: int) -> Integers:
    """Return values^exponent modulo a prime, by repeated squares; exponent >= 0."""
    result, square = np.ones_like(values), values
    while exponent:
        if exponent & 1:
            result = result * square % prime
        square = square * square % prime
        exponent >>= 1
    return result


def inverse(values: Integers, prime: int) -> Integers:
    """Return 1/values modulo a prime, x^{p-2} by Fermat; ZeroDivisionError where one is 0."""
    if not np.all(values % prime):
        raise ZeroDivisionError(f"division by 0 modulo {prime}")
    if values.ndim == 0:
        return np.asarray(pow(int(values), -1, prime), dtype=np.int64)
    return powers(values, prime - 2, prime)


def nonzero(shape: tuple[int, ...], rng: np.random.Generator, prime: int) -> Integers:
    """Return uniform residues other than 0."""
    return rng.integers(1, prime, size=shape)

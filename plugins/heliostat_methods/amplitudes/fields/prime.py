"""Residues modulo a prime below 2^31: exact, of one size, and a zero test for identities."""

from __future__ import annotations

from typing import Any

from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.fields.rational import as_fraction

MERSENNE_31 = 2**31 - 1
"""The largest prime below 2^31."""


class Residue:
    """A number modulo a prime; integers mix with it."""

    __slots__ = ("prime", "value")

    def __init__(self, value: int, prime: int) -> None:
        self.value, self.prime = value % prime, prime

    def _other(self, other: Any) -> Any:
        if isinstance(other, Residue):
            if other.prime != self.prime:
                raise ValueError(f"residues modulo {self.prime} and {other.prime} do not mix")
            return other.value
        if isinstance(other, int):
            return other
        return NotImplemented

    def __add__(self, other: Residue | int) -> Residue:
        value = self._other(other)
        return value if value is NotImplemented else Residue(self.value + value, self.prime)

    def __sub__(self, other: Residue | int) -> Residue:
        value = self._other(other)
        return value if value is NotImplemented else Residue(self.value - value, self.prime)

    def __rsub__(self, other: int) -> Residue:
        return Residue(other - self.value, self.prime)

    def __mul__(self, other: Residue | int) -> Residue:
        value = self._other(other)
        return value if value is NotImplemented else Residue(self.value * value, self.prime)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Residue:
        return Residue(-self.value, self.prime)

    def __truediv__(self, other: Residue | int) -> Residue:
        value = self._other(other)
        if value is NotImplemented:
            return NotImplemented
        if value % self.prime == 0:
            raise ZeroDivisionError(f"division by 0 modulo {self.prime}")
        return Residue(self.value * pow(value, -1, self.prime), self.prime)

    def __rtruediv__(self, other: int) -> Residue:
        return Residue(other, self.prime) / self

    def __pow__(self, exponent: int) -> Residue:
        return Residue(pow(self.value, exponent, self.prime), self.prime)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Residue):
            return self.value == other.value and self.prime == other.prime
        return isinstance(other, int) and self.value == other % self.prime

    def __hash__(self) -> int:
        return hash((self.value, self.prime))

    def __int__(self) -> int:
        return self.value

    def __bool__(self) -> bool:
        return self.value != 0

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return f"{self.value} mod {self.prime}"


class PrimeField(Field):
    """GF(p); ``prime``: odd, below 2^31, otherwise ValueError with the nearest one below."""

    exact = True

    def __init__(self, prime: int = MERSENNE_31) -> None:
        if isinstance(prime, bool) or not isinstance(prime, int) or not is_prime(prime):
            near = previous_prime(min(prime, MERSENNE_31 + 1)) if _above_3(prime) else MERSENNE_31
            raise ValueError(f"prime: {prime!r}, expected a prime below 2^31, such as {near}")
        if prime == 2:
            raise ValueError("prime: 2, expected an odd one, such as 3: amplitudes divide by 2")
        if prime > MERSENNE_31:
            raise ValueError(f"prime: {prime}, expected one below 2^31, such as {MERSENNE_31}")
        self.prime = prime
        self.name = f"gf:{prime}"
        self.zero, self.one = Residue(0, prime), Residue(1, prime)

    def number(self, value: Any) -> Residue:
        """Return a Residue; of a fraction whose denominator has the prime, ValueError."""
        if isinstance(value, Residue):
            if value.prime != self.prime:
                raise ValueError(f"{value!r} is a residue of another prime than {self.prime}")
            return value
        fraction = as_fraction(value)
        if fraction.denominator % self.prime == 0:
            raise ValueError(f"{value} has no residue modulo {self.prime}")
        return Residue(fraction.numerator * pow(fraction.denominator, -1, self.prime), self.prime)

    def divide(self, numerator: Number, denominator: Number) -> Number:
        """Return the quotient."""
        return self.number(numerator) / denominator


def GF(prime: int = MERSENNE_31) -> PrimeField:
    """Return the field of residues modulo a prime below 2^31."""
    return PrimeField(prime)


def is_prime(n: int) -> bool:
    """Say whether n < 3.2 * 10^9 is prime (Miller and Rabin with bases 2, 3, 5 and 7)."""
    if n < 2:
        return False
    for small in (2, 3, 5, 7):
        if n % small == 0:
            return n == small
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (2, 3, 5, 7):
        power = pow(base, odd, n)
        if power in (1, n - 1):
            continue
        if not any((power := power * power % n) == n - 1 for _ in range(twos - 1)):
            return False
    return True


def previous_prime(below: int) -> int:
    """Return the largest prime below a number above 2."""
    return next(n for n in range(below - 1, 1, -1) if is_prime(n))


def primes_below(below: int, count: int) -> list[int]:
    """Return so many primes, the largest first."""
    found: list[int] = []
    while len(found) < count:
        below = previous_prime(below)
        found.append(below)
    return found


def _above_3(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 3

"""Finite sums of c z^m e^{-Kz}: what every field in AdS4 is, exactly.

Source: derived. In d = 3 the free solutions are exponentials, and the radial equation maps these
sums to such sums (see `propagation`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from heliostat_methods.amplitudes.ads.exponents import Exponents, Key
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.kinematics.space import combination

Term = tuple[Key, int]
"""An exponent K and a power m of z."""
Coefficient = Any
"""A number, or a vector: a tuple of numbers."""


class ExpSum:
    """sum of c z^m e^{-Kz}; ``terms``: (K, m) -> c, numbers or vectors (components,).

    ``exponents``: how K are kept. Terms that are 0 are dropped. Sums add and subtract; ``*``
    multiplies by a number, by another sum of numbers, or a sum of vectors by a sum of numbers.
    """

    __slots__ = ("exponents", "terms")
    __array_ufunc__ = None  # numpy's numbers leave the product to this class

    def __init__(self, exponents: Exponents, terms: Mapping[Term, Coefficient]) -> None:
        self.exponents = exponents
        zero = exponents.field.is_zero
        self.terms: dict[Term, Coefficient] = {
            at: c
            for at, c in terms.items()
            if not (all(map(zero, c)) if type(c) is tuple else zero(c))
        }

    @classmethod
    def exponential(
        cls, exponents: Exponents, key: Key, coefficient: Coefficient = None, power: int = 0
    ) -> ExpSum:
        """Return c z^power e^{-Kz}; c is 1 by default."""
        if isinstance(power, bool) or not isinstance(power, int) or power < 0:
            raise ValueError(f"power: {power!r}, expected a whole number from 0")
        one = exponents.field.one if coefficient is None else coefficient
        return cls(exponents, {(key, power): one})

    @property
    def field(self) -> Field:
        """Where the numbers are from."""
        return self.exponents.field

    def __add__(self, other: ExpSum) -> ExpSum:
        if not isinstance(other, ExpSum):
            return NotImplemented
        self._check(other)
        total = dict(self.terms)
        for at, c in other.terms.items():
            total[at] = _added(total[at], c) if at in total else c
        return ExpSum(self.exponents, total)

    def __sub__(self, other: ExpSum) -> ExpSum:
        if not isinstance(other, ExpSum):
            return NotImplemented
        return self + (-other)

    def __neg__(self) -> ExpSum:
        return self.mapped(lambda c: tuple(-x for x in c) if type(c) is tuple else -c)

    def __mul__(self, other: Any) -> ExpSum:
        if isinstance(other, ExpSum):
            return self.joined(other, _multiplied)
        return self.mapped(lambda c: _multiplied(other, c))

    __rmul__ = __mul__

    def joined(
        self, other: ExpSum, bilinear: Callable[[Coefficient, Coefficient], Coefficient]
    ) -> ExpSum:
        """Return the product of two sums whose coefficients multiply as a function says."""
        self._check(other)
        total: dict[Term, Coefficient] = {}
        for (k, m), c in self.terms.items():
            for (q, r), d in other.terms.items():
                at, found = (k + q, m + r), bilinear(c, d)
                total[at] = _added(total[at], found) if at in total else found
        return ExpSum(self.exponents, total)

    def mapped(self, linear: Callable[[Coefficient], Coefficient]) -> ExpSum:
        """Return the sum with a linear function of each coefficient."""
        return ExpSum(self.exponents, {at: linear(c) for at, c in self.terms.items()})

    def derivative(self) -> ExpSum:
        """Return d/dz."""
        total = ExpSum(self.exponents, {})
        for (key, m), c in self.terms.items():
            total += ExpSum(self.exponents, {(key, m): c}) * -self.exponents.value(key)
            if m:
                total += ExpSum(self.exponents, {(key, m - 1): c}) * m
        return total

    def integral(self) -> Coefficient:
        """Return the integral over z from 0 to infinity, sum of c m! / K^{m+1}; 0 of no terms.

        Raises SingularKinematics naming an exponent that is 0.
        """
        field = self.field
        total: Coefficient = None
        for (key, m), c in self.terms.items():
            power = self.exponents.value(key) ** (m + 1)
            try:
                found = _multiplied(field.divide(field.number(math.factorial(m)), power), c)
            except ZeroDivisionError:
                raise SingularKinematics(
                    f"{self.exponents.text(key)} = 0: the integral of z^{m} e^(-Kz) has a pole "
                    "at this sum of norms"
                ) from None
            total = found if total is None else _added(total, found)
        return field.zero if total is None else total

    def at(self, z: Any) -> Any:
        """Return the value at z, a float; of vectors the array (components,)."""
        if self.field.exact:
            raise ValueError(f"z: a sum over {self.field.name} has no value; take floats there")
        total: Any = 0.0
        for (key, m), c in self.terms.items():
            total = total + np.asarray(c) * z**m * np.exp(-self.exponents.value(key) * z)
        return total

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExpSum):
            return NotImplemented
        return self.exponents == other.exponents and self.terms == other.terms

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        listed = (f"{c} z^{m} e^(-({self.exponents.text(k)})z)" for (k, m), c in self.terms.items())
        return " + ".join(listed) or "0"

    def _check(self, other: ExpSum) -> None:
        if self.exponents is not other.exponents and self.exponents != other.exponents:
            raise ValueError("sums with exponents of two kinds do not mix: make both from one")


def sum_of_products(exponents: Exponents, pairs: Iterable[tuple[ExpSum, ExpSum]]) -> ExpSum:
    """Return sum w v over pairs of a sum of numbers and one of numbers or of vectors.

    One pass over all that meet in an exponent, which is faster than to add products.
    """
    met: dict[Term, list[tuple[Number, Coefficient]]] = {}
    for weight, vector in pairs:
        for (k, m), c in weight.terms.items():
            for (q, r), v in vector.terms.items():
                met.setdefault((k + q, m + r), []).append((c, v))
    return gathered(exponents, met)


def gathered(
    exponents: Exponents, met: Mapping[Term, Sequence[tuple[Number, Coefficient]]]
) -> ExpSum:
    """Return the sum whose coefficients are sum a c over pairs of a number and a coefficient."""
    zero = exponents.field.zero
    terms: dict[Term, Coefficient] = {}
    for at, pairs in met.items():
        first = pairs[0][1]
        if type(first) is tuple:
            terms[at] = combination(pairs, len(first), zero)
        else:
            total = zero
            for a, c in pairs:
                total = total + a * c
            terms[at] = total
    return ExpSum(exponents, terms)


def _added(one: Coefficient, other: Coefficient) -> Coefficient:
    if type(one) is tuple:
        return tuple(x + y for x, y in zip(one, other, strict=True))
    return one + other


def _multiplied(one: Coefficient, other: Coefficient) -> Coefficient:
    if type(one) is tuple:
        if type(other) is tuple:
            raise TypeError("two vectors have no product here: say which, with `joined`")
        one, other = other, one
    if type(other) is tuple:
        return tuple(one * x for x in other)
    return one * other

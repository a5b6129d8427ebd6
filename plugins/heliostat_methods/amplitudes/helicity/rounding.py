"""How much rounding may have left in a sum: numbers that carry an error estimate beside them.

A running error analysis in first order: errors of both sides add in a sum; in a product each counts
with the absolute value of the other side; and each result is rounded once more. Terms that cancel
leave a small value with the error of large ones, so that 0 is told from small. Errors are in units
of the spacing of floats, 2.2e-16. Source: derived.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.fields.floating import COMPLEX128


class RoundedNumber:
    """A complex number, or an array of them, with its error; integers mix with it."""

    __slots__ = ("error", "value")
    __array_ufunc__ = None  # an array on the left leaves the operation to this class

    def __init__(self, value: Any, error: Any) -> None:
        self.value, self.error = value, error

    def __add__(self, other: Any) -> RoundedNumber:
        other = _rounded(other)
        found = self.value + other.value
        return RoundedNumber(found, self.error + other.error + np.abs(found))

    def __sub__(self, other: Any) -> RoundedNumber:
        other = _rounded(other)
        found = self.value - other.value
        return RoundedNumber(found, self.error + other.error + np.abs(found))

    def __rsub__(self, other: Any) -> RoundedNumber:
        return _rounded(other) - self

    def __mul__(self, other: Any) -> RoundedNumber:
        other = _rounded(other)
        here, there = np.abs(self.value), np.abs(other.value)
        error = here * other.error + there * self.error + here * there
        return RoundedNumber(self.value * other.value, error)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> RoundedNumber:
        return RoundedNumber(-self.value, self.error)


class RoundingField(Field):
    """Complex numbers with their rounding errors."""

    name, exact = "complex128 with rounding", False
    zero, one = RoundedNumber(0j, 0.0), RoundedNumber(1 + 0j, 0.0)

    def number(self, value: Any) -> RoundedNumber:
        """Return an integer without an error, any other number as one that was rounded."""
        if isinstance(value, RoundedNumber):
            return value
        made = COMPLEX128.number(value)
        return RoundedNumber(made, 0.0 if isinstance(value, int) else np.abs(made))

    def divide(self, numerator: Number, denominator: Number) -> Number:
        """Return the quotient."""
        found = COMPLEX128.divide(numerator.value, denominator.value)
        size = np.abs(found)
        error = numerator.error + size * denominator.error
        return RoundedNumber(found, COMPLEX128.divide(error, np.abs(denominator.value)) + size)

    def is_zero(self, value: Number) -> bool:
        """Say whether a number, or every entry of an array, is 0."""
        return COMPLEX128.is_zero(value.value)

    def text(self, value: Number) -> str:
        """Return the number and its error."""
        return f"{value.value} with {value.error} eps"


def _rounded(value: Any) -> RoundedNumber:
    return value if isinstance(value, RoundedNumber) else RoundedNumber(value, 0.0)


ROUNDING = RoundingField()
EPSILON = float(np.finfo(float).eps)

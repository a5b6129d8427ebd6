"""Rational numbers: Python's, and those of python-flint, which are six times as fast."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from heliostat_methods.amplitudes.fields.field import Field, Number


class RationalField(Field):
    """`fractions.Fraction`."""

    name, exact = "rational", True
    zero, one = Fraction(0), Fraction(1)

    def number(self, value: Any) -> Fraction:
        """Return a Fraction; a float counts as the decimal that it is printed as."""
        return as_fraction(value)

    def divide(self, numerator: Number, denominator: Number) -> Number:
        """Return the quotient."""
        return Fraction(numerator) / denominator


class FlintField(Field):
    """`flint.fmpq`; ImportError naming the extra where python-flint is not installed."""

    name, exact = "flint", True

    def __init__(self) -> None:
        try:
            from flint import fmpq, fmpq_mat
        except ImportError:
            raise ImportError(
                "the field 'flint' needs python-flint: pip install 'heliostat[amplitudes]'; "
                "'rational' gives the same numbers, more slowly"
            ) from None
        self._type, self._matrix = fmpq, fmpq_mat
        self.zero, self.one = fmpq(0), fmpq(1)

    def number(self, value: Any) -> Number:
        """Return an fmpq."""
        if isinstance(value, self._type):
            return value
        fraction = as_fraction(value)
        return self._type(fraction.numerator, fraction.denominator)

    def divide(self, numerator: Number, denominator: Number) -> Number:
        """Return the quotient."""
        return numerator / denominator

    def times_matrix(
        self, rows: Sequence[Sequence[Number]]
    ) -> Callable[[tuple[Number, ...]], tuple[Number, ...]]:
        """Return the function that multiplies a matrix with a vector, by flint's matrices."""
        matrix, size = self._matrix([list(row) for row in rows]), len(rows)

        def times(vector: tuple[Number, ...]) -> tuple[Number, ...]:
            return tuple((matrix * self._matrix(size, 1, vector)).entries())

        return times


def as_fraction(value: Any) -> Fraction:
    """Return an exact number as a Fraction; ValueError for what is none."""
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is no number")
    if isinstance(value, Fraction | int):
        return Fraction(value)
    try:
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ValueError
            return Fraction(repr(float(value)))
        if isinstance(value, str):
            return Fraction(value)
        if hasattr(value, "p") and hasattr(value, "q"):  # an fmpq, or sympy's Rational
            return Fraction(int(value.p), int(value.q))
        return Fraction(int(value.__index__()))
    except (ValueError, TypeError, AttributeError, ZeroDivisionError):
        raise ValueError(f"{value!r} is no rational number such as 3, '-3/7' or 0.25") from None


RATIONAL = RationalField()

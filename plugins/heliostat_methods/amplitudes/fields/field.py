"""What a recursion needs of its numbers, whatever they are.

Numbers are added, subtracted and multiplied with each other and with integers by Python's own
signs; a field says how to make them, divide them and tell 0.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

Number = Any
"""A number of some field: Fraction, fmpq, Residue, float, complex, mpf, polynomial, or an array."""


class Field(ABC):
    """Where numbers come from. ``exact``: no rounding, so equality proves."""

    name: str
    exact: bool
    zero: Number
    one: Number

    @abstractmethod
    def number(self, value: Any) -> Number:
        """Return an integer, a fraction, text such as '-3/7' or a number of the field as its own.

        Raises ValueError, saying what was given, for what has no place in the field.
        """

    @abstractmethod
    def divide(self, numerator: Number, denominator: Number) -> Number:
        """Return the quotient; ZeroDivisionError where the denominator is 0."""

    def is_zero(self, value: Number) -> bool:
        """Say whether a number is exactly 0."""
        return bool(value == self.zero)

    def times_matrix(
        self, rows: Sequence[Sequence[Number]]
    ) -> Callable[[tuple[Number, ...]], tuple[Number, ...]]:
        """Return the function that multiplies a matrix of numbers with a vector."""
        zero = self.zero

        def times(vector: tuple[Number, ...]) -> tuple[Number, ...]:
            used = [(i, x) for i, x in enumerate(vector) if x is not zero]
            return tuple([sum([row[i] * x for i, x in used], zero) for row in rows])

        return times

    def negligible(self, value: Number, scale: Number) -> bool:
        """Say whether a number that should be 0 is, up to rounding where there is any.

        ``scale``: the size of the terms whose sum it is.
        """
        return self.is_zero(value)

    def quiet(self) -> AbstractContextManager[object]:
        """Return a context in which the poles of a batch give no warning."""
        return nullcontext()

    def text(self, value: Number) -> str:
        """Return a number as text that `number` reads."""
        return str(value)

    def __repr__(self) -> str:
        return self.name

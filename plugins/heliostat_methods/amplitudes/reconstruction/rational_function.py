"""A rational function of one variable over the rational numbers, as a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.fields.rational import RATIONAL

Polynomial = tuple[Fraction, ...]
"""Coefficients, the constant first; none for 0."""


@dataclass(frozen=True)
class RationalFunction:
    """numerator / denominator, of no common factor; the denominator's leading coefficient is 1."""

    numerator: Polynomial
    denominator: Polynomial
    variable: str = "t"

    def at(self, t: Any, field: Field = RATIONAL) -> Number:
        """Return the value at a number of a field; ZeroDivisionError at a pole."""
        t = field.number(t)
        return field.divide(
            polynomial_at(self.numerator, t, field), polynomial_at(self.denominator, t, field)
        )

    def __str__(self) -> str:
        above = polynomial_text(self.numerator, self.variable)
        if len(self.denominator) == 1:
            return above
        return f"({above}) / ({polynomial_text(self.denominator, self.variable)})"


def polynomial_at(polynomial: Sequence[Fraction], t: Number, field: Field) -> Number:
    """Return a polynomial's value at a number of a field."""
    total = field.zero
    for coefficient in reversed(polynomial):
        total = total * t + field.number(coefficient)
    return total


def polynomial_text(polynomial: Sequence[Fraction], variable: str) -> str:
    """Return a polynomial in words of algebra, the highest power first: 3/2 t^2 - t + 5."""
    powers = ["" if i == 0 else variable if i == 1 else f"{variable}^{i}"
              for i in range(len(polynomial))]  # fmt: skip
    return sum_text(list(zip(reversed(polynomial), reversed(powers), strict=True)))


def sum_text(terms: Sequence[tuple[Fraction, str]]) -> str:
    """Return a sum of coefficient times name; an empty name is 1."""
    text = ""
    for coefficient, name in terms:
        if not coefficient:
            continue
        size = abs(coefficient)
        factor = f"{size} {name}" if name and size != 1 else name or str(size)
        if not text:
            text = factor if coefficient > 0 else f"-{factor}"
        else:
            text += f" + {factor}" if coefficient > 0 else f" - {factor}"
    return text or "0"

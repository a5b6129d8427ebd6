"""Numbers that depend on the dimension D of the line's vectors: constant + linear D."""

from __future__ import annotations

from typing import Any

from heliostat_methods.amplitudes.fields.field import Field, Number


class DPolynomial:
    """constant + linear * D, of numbers of a field; adds, subtracts, scales and takes a value.

    One loop has one trace, so no power of D above the first appears.
    """

    __slots__ = ("constant", "field", "linear")

    def __init__(self, constant: Number, linear: Number, field: Field) -> None:
        self.constant, self.linear, self.field = constant, linear, field

    def __call__(self, D: Any) -> Number:
        """Return the value at a number of dimensions; ValueError for what is no number."""
        if isinstance(D, bool):
            raise ValueError(f"D: {D!r}, expected a number, or 'D' for the polynomial")
        try:
            at = self.field.number(D)
        except (ValueError, TypeError) as error:
            raise ValueError(f"D: {error}; expected a number, or 'D' for the polynomial") from None
        return self.constant + self.linear * at

    def __add__(self, other: DPolynomial) -> DPolynomial:
        if not isinstance(other, DPolynomial):
            return NotImplemented
        return DPolynomial(self.constant + other.constant, self.linear + other.linear, self.field)

    def __sub__(self, other: DPolynomial) -> DPolynomial:
        if not isinstance(other, DPolynomial):
            return NotImplemented
        return DPolynomial(self.constant - other.constant, self.linear - other.linear, self.field)

    def __mul__(self, factor: Number) -> DPolynomial:
        if isinstance(factor, DPolynomial):
            return NotImplemented
        return DPolynomial(self.constant * factor, self.linear * factor, self.field)

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DPolynomial):
            return NotImplemented
        return bool(self.constant == other.constant and self.linear == other.linear)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.field.text(self.constant)} + {self.field.text(self.linear)} D"

    def __repr__(self) -> str:
        return f"DPolynomial({self.constant!r}, {self.linear!r})"

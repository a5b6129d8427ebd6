"""Polynomials and rational functions of named symbols, as numbers of a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from sympy import QQ
from sympy.polys.fields import FracField
from sympy.polys.rings import PolyRing

from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.fields.rational import as_fraction


class SymbolField(Field):
    """Numbers that are polynomials over the rationals, or their quotients.

    With ``fractions=False`` only rationals divide, which is fast and does where kinematics are
    numbers and polarisations symbols. ``symbol`` maps a name to its number.
    """

    exact = True

    def __init__(self, names: Sequence[str], *, fractions: bool = False) -> None:
        self.name = "symbols"
        self.fractions = fractions
        ring = FracField(names, QQ) if fractions else PolyRing(names, QQ)
        self.ring = ring
        self.zero, self.one = ring.zero, ring.one
        self.symbol: dict[str, Number] = dict(zip(names, ring.gens, strict=True))

    def number(self, value: Any) -> Number:
        """Return a rational number, or one of the field's own, as an element."""
        if isinstance(value, type(self.zero)):
            return value
        fraction = as_fraction(value)
        return self.ring.ground_new(QQ(fraction.numerator, fraction.denominator))

    def divide(self, numerator: Number, denominator: Number) -> Number:
        """Return the quotient; without fractions the denominator has to be a number."""
        if self.is_zero(denominator):
            raise ZeroDivisionError("division by 0")
        if self.fractions:
            return numerator / denominator
        if not denominator.is_ground:
            raise ValueError("a denominator depends on symbols: make the field with fractions=True")
        return numerator.quo_ground(denominator.LC)

    def derivative(self, value: Number, name: str) -> Number:
        """Return d value / d symbol."""
        return value.diff(self.symbol[name])

    def value_at(self, value: Number, at: Mapping[str, Any]) -> Number:
        """Return a polynomial's rational value where every symbol has a number."""
        values = [as_fraction(at[name]) for name in self.symbol]
        total = Fraction(0)
        for powers, factor in value.terms():
            term = as_fraction(factor)
            for base, power in zip(values, powers, strict=True):
                if power:
                    term *= base**power
            total += term
        return total

    def is_zero(self, value: Number) -> bool:
        """Say whether an element is 0, identically."""
        return not value

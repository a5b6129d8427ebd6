"""Exponents of e^{-Kz}: as numbers, or as sums of named norms.

A sum of exponentials adds exponents, looks for equal ones and sometimes needs their values. Numbers
do all three where they are exact. Named norms know which legs an exponent stands for, and floats
that differ by rounding alone, or one float for each of many points, are then one exponent.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Protocol

from heliostat_methods.amplitudes.fields.field import Field, Number

Key = Any
"""How an exponent is kept: hashable, and added with +."""

_BITS = 8
_MOST = 2**_BITS - 1


class Exponents(Protocol):
    """What a sum of exponentials needs of its exponents."""

    field: Field

    @property
    def zero(self) -> Key:
        """The exponent of a constant."""

    def value(self, key: Key) -> Number:
        """Return K."""

    def text(self, key: Key) -> str:
        """Return how an error names K."""


class NumberExponents:
    """Numbers of a field; sums that are equal are one exponent, so floats should be exact sums."""

    def __init__(self, field: Field) -> None:
        self.field = field

    @property
    def zero(self) -> Key:
        """The exponent of a constant."""
        return self.field.zero

    def key(self, value: Any) -> Key:
        """Return a number as an exponent; ValueError for what is none, or is many."""
        made = self.field.number(value)
        if not isinstance(made, Hashable):
            raise ValueError(f"exponent: {value!r}, expected one number; named norms take arrays")
        return made

    def value(self, key: Key) -> Number:
        """Return K."""
        return key

    def text(self, key: Key) -> str:
        """Return K as text."""
        return self.field.text(key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NumberExponents) and self.field.name == other.field.name

    __hash__ = None  # type: ignore[assignment]


class NamedExponents:
    """Sums of named norms; ``norms``: name -> number, or one number for each of many points.

    A key is a whole number, a byte for each name: how often it stands in the sum.
    """

    def __init__(self, field: Field, norms: Mapping[Any, Number]) -> None:
        self.field = field
        self.norms = dict(norms)
        self._places = {name: i for i, name in enumerate(self.norms)}
        self._values: dict[int, Number] = {0: field.zero}

    @property
    def zero(self) -> Key:
        """The exponent of a constant."""
        return 0

    def key(self, *names: Hashable) -> int:
        """Return the sum of named norms; KeyError for a name that is none."""
        return sum(1 << _BITS * self._places[name] for name in names)

    def names(self, key: int) -> tuple[Any, ...]:
        """Return the names that a sum is made of, each as often as it stands in it."""
        found: list[Any] = []
        for name, place in self._places.items():
            found += [name] * (key >> _BITS * place & _MOST)
        return tuple(found)

    def value(self, key: int) -> Number:
        """Return K."""
        if key not in self._values:
            total = self.field.zero
            for name in self.names(key):
                total = total + self.norms[name]
            self._values[key] = total
        return self._values[key]

    def text(self, key: int) -> str:
        """Return the sum of norms, legs by their numbers: |k_0| + |k_1+k_2|."""
        return " + ".join(map(_norm, self.names(key))) or "0"


def _norm(name: Any) -> str:
    if isinstance(name, tuple):
        return f"|{'+'.join(f'k_{leg}' for leg in name)}|"
    return str(name)

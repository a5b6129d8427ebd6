"""A relation by name: what it says, for which numbers of legs, and how both its sides are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.names import RELATIONS

Case = tuple[Any, ...]
"""What one instance of a relation is about, such as the legs that an operator names."""
Sides = tuple[Sequence[Number], Sequence[Number]]
"""Both sides of an instance at a point, number by number."""
Kind = Literal["tree", "ads", "spinor", "loop"]


@dataclass(frozen=True)
class Relation:
    """One family of identities in the number of legs.

    ``cases(n)`` lists its instances, plain values in a fixed order; ``sides(case, point)``
    evaluates one. ``legs``: the fewest there are, and the most that are proved unless somebody asks
    for more. ``most``: above that nobody can. ``limit``: a relation that holds as a parameter goes
    to 0, up to this error.
    """

    name: str
    kind: Kind
    legs: tuple[int, int]
    cases: Callable[[int], list[Case]]
    sides: Callable[[Case, Any], Sides]
    limit: float = 0.0
    most: int = 10
    fields: tuple[str, ...] = ()
    """Kinds of fields that it can be checked in; any without them."""

    @property
    def statement(self) -> str:
        """What it says, in a line."""
        return RELATIONS[self.name]

    def numbers(self) -> list[int]:
        """Return the numbers of legs that are proved by default."""
        first, last = self.legs
        return list(range(first, last + 1))


def one(left: Number, right: Number) -> Sides:
    """Return the sides of an instance that compares a single number."""
    return [left], [right]

"""A loop momentum by its products with the legs of a point."""

from __future__ import annotations

from typing import Any

from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.fields.field import Field
from heliostat_methods.amplitudes.fields.inferred import field_of
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.kinematics.tables import number


class LoopPoint:
    """The momentum l of the line between legs n-1 and 0.

    ``ll``: l.l. ``lk``: (n-1,), l.k_j for j <= n-2. ``le``: (n,), l.e_i. Any numbers are legal in
    sufficiently many dimensions. Raises InvalidPoint naming what does not fit.
    """

    def __init__(self, ll: Any, lk: Any, le: Any, field: Field | str | None = None) -> None:
        lk, le = list(lk), list(le)
        if len(le) < 3:
            raise InvalidPoint(f"le: {len(le)} legs, expected at least 3")
        if len(lk) != len(le) - 1:
            raise InvalidPoint(f"lk: {len(lk)} numbers, expected {len(le) - 1} for {len(le)} legs")
        self.n = len(le)
        self.field = field = field_of((ll, *lk, *le), field)
        self.ll = number("ll", ll, field)
        self.lk = tuple(number(f"lk[{j}]", x, field) for j, x in enumerate(lk))
        self.le = tuple(number(f"le[{i}]", x, field) for i, x in enumerate(le))

    def over(self, field: Field | str) -> LoopPoint:
        """Return the point with its numbers in another field."""
        return LoopPoint(self.ll, self.lk, self.le, field_of((), field))

    def check_fits(self, point: PolarisedPoint) -> None:
        """Raise InvalidPoint unless it has the legs and the field of a point."""
        if self.n != point.n:
            raise InvalidPoint(f"le: {self.n} legs, expected {point.n} as the point has")
        if self.field.name != point.field.name:
            raise InvalidPoint(f"field: {self.field}, expected {point.field} as the point's")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LoopPoint):
            return NotImplemented
        return (self.ll, self.lk, self.le) == (other.ll, other.lk, other.le)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"LoopPoint(n={self.n}, field={self.field})"

"""Massless kinematics by products alone: legal in sufficiently many dimensions."""

from __future__ import annotations

from typing import Any, Self

from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.fields.field import Field
from heliostat_methods.amplitudes.fields.inferred import field_of
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.kinematics.tables import (
    Table,
    check_symmetric,
    check_transverse,
    check_zero,
    entries,
    mapped,
    rows_of,
    size,
    table,
)


class GramPoint(PolarisedPoint):
    """Massless legs 0..n-1 by their products; the rest follows from conservation.

    ``kk``: (n-1, n-1), k_i.k_j. ``ek``: (n, n-1), e_i.k_j. ``ee``: (n, n), e_i.e_j; the diagonal is
    free and drops out. ``field``: where the numbers are from, itself or by name; by default what
    they are. Raises InvalidPoint naming the constraint that is violated, and its value. Source:
    derived; momenta and polarisations enter tree recursions through products alone.
    """

    def __init__(self, kk: Any, ek: Any, ee: Any, field: Field | str | None = None) -> None:
        kk, ek, ee = rows_of("kk", kk), rows_of("ek", ek), rows_of("ee", ee)
        self.n = n = len(ek)
        if n < 3:
            raise InvalidPoint(f"ek: {n} legs, expected at least 3")
        self.field = field = field_of(entries(kk, ek, ee), field)
        self._kk = table("kk", kk, (n - 1, n - 1), field)
        self.ek = table("ek", ek, (n, n - 1), field)
        self.ee = table("ee", ee, (n, n), field)
        check_symmetric("kk", self._kk, field)
        check_symmetric("ee", self.ee, field)
        scale = size(list(entries(self._kk)))
        for i in range(n - 1):
            what = f"kk[{i}][{i}] = k_{i}.k_{i}"
            check_zero(what, [self._kk[i][i]], field, "legs are massless", scale)
        pairs = [self._kk[i][j] for j in range(n - 1) for i in range(j)]
        check_zero("sum over i < j of kk[i][j]", pairs, field, f"leg {n - 1} is massless", scale)
        check_transverse(self.ek, n, field)

    @property
    def kk(self) -> Table:
        """Products of momenta."""
        return self._kk

    def with_polarisations(self, ek: Table, ee: Table) -> Self:
        """Return the point with other products of polarisations, which are not checked."""
        return self._made(self._kk, ek, ee, self.field)

    def over(self, field: Field | str) -> Self:
        """Return the point with its numbers in another field, such as rationals modulo a prime."""
        field = field_of((), field)
        kk, ek, ee = (mapped(rows, field.number) for rows in (self._kk, self.ek, self.ee))
        if field.exact and not self.field.exact:  # what held up to rounding has to hold exactly
            return type(self)(kk, ek, ee, field)
        return self._made(kk, ek, ee, field)

    @classmethod
    def unchecked(cls, kk: Any, ek: Any, ee: Any, field: Field) -> Self:
        """Return a point of numbers of a field that are known to fulfil the constraints."""
        kk, ek, ee = (tuple(map(tuple, rows)) for rows in (kk, ek, ee))
        return cls._made(kk, ek, ee, field)

    @classmethod
    def _made(cls, kk: Table, ek: Table, ee: Table, field: Field) -> Self:
        made = cls.__new__(cls)
        made.n, made.field, made._kk, made.ek, made.ee = len(ek), field, kk, ek, ee
        return made

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GramPoint):
            return NotImplemented
        return (self._kk, self.ek, self.ee) == (other._kk, other.ek, other.ee)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"GramPoint(n={self.n}, field={self.field})"

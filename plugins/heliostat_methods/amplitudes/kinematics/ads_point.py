"""Kinematics of wavefunction coefficients in (A)dS: norms of boundary momenta, all rational.

Products follow from planar norms, 2 k_i.k_j = D(i,j+1) + D(i+1,j) - D(i,j) - D(i+1,j+1) with D the
squared norm, so no square root remains. Boundary products carry the sign of e^{k.x} with k -> ik:
k_P.k_P = -norm(P)^2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from operator import index
from typing import Any, Self

from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.fields.inferred import field_of
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.kinematics.tables import (
    Table,
    check_symmetric,
    check_transverse,
    entries,
    mapped,
    number,
    rows_of,
    table,
)


class AdSPoint(PolarisedPoint):
    """Legs 0..n-1 by norms of their boundary momenta and by products of polarisations.

    ``norms``: (n,), |k_i|. ``planar_norms``: X_ij = |k_i + .. + k_{j-1}| for 0 <= i, i+2 <= j <=
    n-1, (i, j) != (0, n-1), as a mapping from (i, j) or as rows with them in place. ``ek`` and
    ``ee`` as in GramPoint, boundary products. Raises InvalidPoint naming what is missing or
    violated.
    """

    def __init__(
        self, norms: Sequence[Any], planar_norms: Any, ek: Any, ee: Any,
        field: Field | str | None = None,
    ) -> None:  # fmt: skip
        norms = list(norms)
        ek, ee = rows_of("ek", ek), rows_of("ee", ee)
        self.n = n = len(norms)
        if n < 3:
            raise InvalidPoint(f"norms: {n} legs, expected at least 3")
        planar = _planar(planar_norms, n)
        self.field = field = field_of((*norms, *planar.values(), *entries(ek, ee)), field)
        self.norms = tuple(number(f"norms[{i}]", x, field) for i, x in enumerate(norms))
        self.planar_norms = {
            pair: number(f"planar_norms[{pair[0]}, {pair[1]}]", x, field)
            for pair, x in planar.items()
        }
        for i, x in enumerate(self.norms):
            if field.is_zero(x):
                raise InvalidPoint(f"norms[{i}] = 0, expected a norm that is not 0")
        for (i, j), x in self.planar_norms.items():
            if field.is_zero(x):
                raise InvalidPoint(f"planar_norms[{i}, {j}] = 0, expected a norm that is not 0")
        self.ek = table("ek", ek, (n, n - 1), field)
        self.ee = table("ee", ee, (n, n), field)
        check_symmetric("ee", self.ee, field)
        check_transverse(self.ek, n, field)

    @cached_property
    def kk(self) -> Table:
        """Boundary products k_i.k_j with the sign of e^{k.x}: kk[i][i] = -norms[i]^2."""
        field, n = self.field, self.n
        half = field.divide(field.one, field.number(2))

        def squared(i: int, j: int) -> Number:
            x = self.planar_norm(i, j)
            return x * x

        def entry(i: int, j: int) -> Number:
            if i == j:
                return -(self.norms[i] * self.norms[i])
            i, j = min(i, j), max(i, j)
            near = squared(i, j) + squared(i + 1, j + 1) - squared(i, j + 1) - squared(i + 1, j)
            return near * half

        return tuple(tuple(entry(i, j) for j in range(n - 1)) for i in range(n - 1))

    def planar_norm(self, i: int, j: int) -> Number:
        """Return |k_i + .. + k_{j-1}|, legs counted round; 0 for none or all of them."""
        n = self.n
        i, j = i % n, j % n
        if i == j:
            return self.field.zero
        if (j - i) % n == 1:
            return self.norms[i]
        if (i - j) % n == 1:
            return self.norms[j]
        return self.planar_norms[min(i, j), max(i, j)]

    def norm_of(self, legs: Iterable[int]) -> Number:
        """Return |sum of k| over a set of legs that lie side by side, in any order of the word.

        Raises InvalidPoint where they do not: such a norm is none of the point's data.
        """
        n, inside = self.n, frozenset(legs)
        starts = [i for i in sorted(inside) if (i - 1) % n not in inside]
        if len(inside) == n:
            return self.field.zero
        if len(starts) != 1:
            listed = ", ".join(map(str, sorted(inside)))
            raise InvalidPoint(
                f"the norm of k over legs {listed} is needed, but the point has norms of legs side "
                "by side alone: expected a word in cyclic or reversed order"
            )
        return self.planar_norm(starts[0], starts[0] + len(inside))

    def with_polarisations(self, ek: Table, ee: Table) -> Self:
        """Return the point with other products of polarisations, which are not checked."""
        return self._made(self.norms, self.planar_norms, ek, ee, self.field)

    def with_norms(self, norms: Sequence[Any]) -> Self:
        """Return the point with other norms of single legs."""
        made = tuple(number(f"norms[{i}]", x, self.field) for i, x in enumerate(norms))
        return self._made(made, self.planar_norms, self.ek, self.ee, self.field)

    def over(self, field: Field | str) -> Self:
        """Return the point with its numbers in another field."""
        field = field_of((), field)
        planar = {pair: field.number(x) for pair, x in self.planar_norms.items()}
        ek, ee = (mapped(rows, field.number) for rows in (self.ek, self.ee))
        norms = tuple(map(field.number, self.norms))
        if field.exact and not self.field.exact:  # what held up to rounding has to hold exactly
            return type(self)(norms, planar, ek, ee, field)
        return self._made(norms, planar, ek, ee, field)

    @classmethod
    def _made(
        cls, norms: tuple[Number, ...], planar: dict[tuple[int, int], Number], ek: Table, ee: Table,
        field: Field,
    ) -> Self:  # fmt: skip
        made = cls.__new__(cls)
        made.n, made.field, made.norms, made.planar_norms = len(norms), field, norms, planar
        made.ek, made.ee = ek, ee
        return made

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AdSPoint):
            return NotImplemented
        return (self.norms, self.planar_norms, self.ek, self.ee) == (
            other.norms, other.planar_norms, other.ek, other.ee
        )  # fmt: skip

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"AdSPoint(n={self.n}, field={self.field})"


def planar_pairs(n: int) -> list[tuple[int, int]]:
    """Return the pairs (i, j) of planar norms X_ij: diagonals of a polygon of n sides."""
    return [(i, j) for i in range(n) for j in range(i + 2, n) if (i, j) != (0, n - 1)]


def _planar(given: Any, n: int) -> dict[tuple[int, int], Any]:
    if not isinstance(given, Mapping):
        rows = rows_of("planar_norms", given)
        try:
            given = {(i, j): rows[i][j] for i, j in planar_pairs(n)}
        except IndexError:
            raise InvalidPoint(
                f"planar_norms: rows without all of X_ij, expected {planar_pairs(n)}"
            ) from None
    try:
        found = {(index(i), index(j)): x for (i, j), x in given.items()}
    except (TypeError, ValueError):
        raise InvalidPoint(
            f"planar_norms: keys {list(given)[:4]}, expected pairs of legs {planar_pairs(n)}"
        ) from None
    for pair in planar_pairs(n):
        if pair not in found:
            raise InvalidPoint(f"planar_norms: no X_{pair[0]}{pair[1]}, expected {planar_pairs(n)}")
    for pair in found:
        if pair not in planar_pairs(n):
            raise InvalidPoint(
                f"planar_norms: {pair} is no diagonal of {n} legs, expected {planar_pairs(n)}"
            )
    return {pair: found[pair] for pair in planar_pairs(n)}

"""Tables of products: their shapes, their numbers, and what they have to fulfil."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.fields.field import Field, Number

Table = tuple[tuple[Number, ...], ...]


def entries(*tables: Any) -> Iterable[Any]:
    """Yield all numbers of nested sequences."""
    for table in tables:
        for row in table:
            yield from row


def rows_of(name: str, given: Any) -> list[list[Any]]:
    """Return nested sequences as lists; InvalidPoint for what is no table."""
    try:
        return [list(row) for row in given]
    except TypeError:
        raise InvalidPoint(f"{name}: {given!r}, expected rows of numbers") from None


def table(name: str, rows: Any, shape: tuple[int, int], field: Field) -> Table:
    """Return rows as numbers of a field; InvalidPoint naming the entry that does not fit."""
    made = []
    rows = list(rows)
    if len(rows) != shape[0]:
        raise InvalidPoint(f"{name}: {len(rows)} rows, expected {shape[0]}")
    for i, row in enumerate(rows):
        row = list(row)
        if len(row) != shape[1]:
            raise InvalidPoint(f"{name}[{i}]: {len(row)} numbers, expected {shape[1]}")
        made.append(tuple(number(f"{name}[{i}][{j}]", x, field) for j, x in enumerate(row)))
    return tuple(made)


def number(name: str, value: Any, field: Field) -> Number:
    """Return a number of the field; InvalidPoint naming it if it has no place there."""
    try:
        return field.number(value)
    except (ValueError, TypeError) as error:
        raise InvalidPoint(f"{name}: {error}") from None


def check_symmetric(name: str, rows: Table, field: Field) -> None:
    """Raise InvalidPoint naming two entries that differ."""
    scale = size(list(entries(rows)))
    for i, row in enumerate(rows):
        for j in range(i):
            difference = row[j] - rows[j][i]
            if not field.negligible(difference, scale):
                raise InvalidPoint(
                    f"{name}[{i}][{j}] = {row[j]} and {name}[{j}][{i}] = {rows[j][i]}, "
                    "expected equal numbers"
                )


def check_zero(what: str, terms: Sequence[Number], field: Field, why: str, scale: Number) -> None:
    """Raise InvalidPoint with a sum's value unless it vanishes beside a scale."""
    total = field.zero
    for term in terms:
        total = total + term
    if not field.negligible(total, scale):
        raise InvalidPoint(f"{what} = {total}, expected 0: {why}")


def size(values: Sequence[Number]) -> Number:
    """Return the sum of absolute values; 1 where the numbers have none."""
    # no 1 is added: a tolerance has to shrink and grow with the unit that momenta are given in
    total: Number = 0
    for value in values:
        try:
            total = total + abs(value)
        except TypeError:
            return 1
    return total


def check_transverse(ek: Table, n: int, field: Field) -> None:
    """Check e_i.k_i = 0 for every leg; the last leg's momentum is minus the sum of the others."""
    scale, why = size(list(entries(ek))), "polarisations are transverse"
    for i in range(n - 1):
        check_zero(f"ek[{i}][{i}] = e_{i}.k_{i}", [ek[i][i]], field, why, scale)
    last = f"sum over j of ek[{n - 1}][j] = -e_{n - 1}.k_{n - 1}"
    check_zero(last, ek[n - 1], field, why, scale)


def mapped(rows: Table, change: Callable[[Number], Any]) -> Table:
    """Return a table with each number changed."""
    return tuple(tuple(change(x) for x in row) for row in rows)

"""Operators as derivatives of a polynomial in the products of polarisations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.fields.symbols import SymbolField
from heliostat_methods.amplitudes.operators.substitution import direction
from heliostat_methods.amplitudes.operators.terms import Operator, Pair


def derivative(operator: Operator, observable: Callable[[Any], Number], point: Any) -> Number:
    """Return the operator's derivative of an observable at a point with rational momenta.

    Products of polarisations are symbols; momenta are the point's numbers. Raises ValueError for a
    field that is not rational.
    """
    if point.field.name not in ("rational", "flint"):
        raise ValueError(
            f"mode: 'symbolic' over the field {point.field.name}, expected 'rational' or 'flint'"
        )
    n = point.n
    names = [f"e{i}k{j}" for i in range(n) for j in range(n - 1)]
    names += [f"e{i}e{j}" for i in range(n) for j in range(i, n)]
    field = SymbolField(names)
    ek = tuple(tuple(field.symbol[f"e{i}k{j}"] for j in range(n - 1)) for i in range(n))
    ee = tuple(tuple(field.symbol[f"e{min(i, j)}e{max(i, j)}"] for j in range(n)) for i in range(n))
    transverse = tuple(tuple(field.zero if i == j else x for j, x in enumerate(row))
                       for i, row in enumerate(ek[:-1]))  # fmt: skip
    last = list(ek[-1][:-1])
    total = field.zero
    for x in last:
        total = total - x
    # e_{n-1}.k_{n-2} follows from the others: legs stay transverse
    ek = (*transverse, (*last, total))
    value = observable(point.over(field).with_polarisations(ek, ee))
    for factor in operator.factors():
        if isinstance(factor, Pair):
            i, j = sorted((factor.i, factor.j))
            value = field.derivative(value, f"e{i}e{j}")
            continue
        (leg,) = factor.used()
        along = direction(factor, point)
        found = field.zero
        free = range(n - 1) if leg < n - 1 else range(n - 2)
        for j in free:
            if j != leg:
                found = found + field.number(along[j]) * field.derivative(value, f"e{leg}k{j}")
        value = found
    at = {f"e{i}k{j}": point.ek[i][j] for i in range(n) for j in range(n - 1)}
    at |= {f"e{i}e{j}": point.ee[i][j] for i in range(n) for j in range(i, n)}
    return point.field.number(field.value_at(value, at))

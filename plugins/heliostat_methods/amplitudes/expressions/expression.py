"""Amplitudes as SymPy expressions of products, and as LaTeX."""

from __future__ import annotations

import re
from typing import Any

import sympy

from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.expressions.symbolic_point import symbolic_point

_PRODUCT = re.compile(r"([ke])(\d)([ke])(\d)\Z")


def expression(theory: str, n: int, **of: Any) -> sympy.Expr:
    """Return an amplitude of 3 to 5 legs as a factored quotient of products.

    ``of``: ordering, scalars and trace, as for `amplitude`. Symbols are called k0k1, e0k1, e0e1 and
    stand for products; those that follow from conservation are written by the others.
    """
    point = symbolic_point(n)
    found = amplitude(theory, point, **of)
    return sympy.factor(point.field.number(found).as_expr())


def latex(expr: sympy.Expr) -> str:
    """Return an expression of products as LaTeX, k0k1 as k_0 \\cdot k_1."""
    names = {}
    for symbol in sorted(expr.free_symbols, key=str):
        match = _PRODUCT.match(str(symbol))
        if match:
            a, i, b, j = match.groups()
            letter = {"k": "k", "e": r"\varepsilon"}
            names[symbol] = rf"({letter[a]}_{i} \cdot {letter[b]}_{j})"
    return str(sympy.latex(expr, symbol_names=names))

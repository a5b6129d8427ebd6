"""TaylorGLO: a third-order Taylor polynomial as a loss, its eight parameters found by a search.

With ``a = f - t1`` and ``b = y - t0`` the loss is (Gonzalez and Miikkulainen 2021; terms without
``f`` dropped)

    ``m = -[t2 a + t3 a^2/2 + t4 a^3/6 + t5 b a + t6 b a^2/2 + t7 b^2 a/2]``   "corrected".

The code released with EvoMAL computes something else, which is kept to compare with: no minus sign,
``a = y - t1`` and ``b = f - t0`` with label and output in exchanged roles, and ``t0`` in place of
``t1`` in the last factor,

    ``m = t2 a + t3 a^2/2 + t4 a^3/6 + t5 b a + t6 b a^2/2 + t7 b^2 (y - t0)/2``  "as_released".

There t2, t3 and t4 multiply the label alone: they move the value and have no gradient.

As a ``LossExpression`` the polynomial stands in Horner's form, with the parameters on edges, so it
is compiled, trained, exported and printed like any loss that was found.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, get_args

from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.primitives import STANDARD, LossExpressionError, PrimitiveTable

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    Array = npt.NDArray[Any]

Variant = Literal["corrected", "as_released"]
PARAMETERS = 8

_Tree = tuple[tuple[str, ...], tuple[float, ...]]  # names and weights; the first one is the root's


def taylor_glo_expression(
    theta: Iterable[float], variant: Variant = "corrected", table: PrimitiveTable = STANDARD
) -> LossExpression:
    """Return the loss for ``theta = (t0, ..., t7)`` as a tree over ``table``.

    Every ``theta`` of a variant gives the same tree with other weights, so a population of them is
    one program. Raises ``LossExpressionError`` unless they are 8 finite numbers, and for an unknown
    variant.
    """
    t0, t1, t2, t3, t4, t5, t6, t7 = _eight(theta)
    check_variant(variant)
    f_centred, y_centred = _minus("f", t1), _minus("y", t0)
    if variant == "corrected":
        # a * [-t2 + b * (-t5 - t7/2 b) + a * (-t3/2 - t6/2 b - t4/6 a)]
        free = _sum(
            _number(-t2), _product(y_centred, _sum(_number(-t5), _times(-t7 / 2, y_centred)))
        )
        linear = _sum(_number(-t3 / 2), _times(-t6 / 2, y_centred))
        linear = _sum(linear, _times(-t4 / 6, f_centred))
        nodes, weights = _product(f_centred, _sum(free, _product(f_centred, linear)))
    else:
        # a * [t2 + a * (t3/2 + t4/6 a)] + b * [a * (t5 + t6/2 a) + t7/2 (y - t0) b]
        a, b = _minus("y", t1), _minus("f", t0)
        dead = _sum(_number(t2), _product(a, _sum(_number(t3 / 2), _times(t4 / 6, a))))
        slope = _product(a, _sum(_number(t5), _times(t6 / 2, a)))
        live = _sum(slope, _times(t7 / 2, _product(y_centred, b)))
        nodes, weights = _sum(_product(a, dead), _product(b, live))
    return LossExpression(nodes, weights, table)


def taylor_glo(theta: Iterable[float], y: Array, f: Array, variant: Variant = "corrected") -> Array:
    """Return the loss entry by entry, as the module writes it; ``y`` and ``f`` of one shape.

    Raises ``LossExpressionError`` as ``taylor_glo_expression`` does.
    """
    import numpy as np

    t0, t1, t2, t3, t4, t5, t6, t7 = _eight(theta)
    check_variant(variant)
    y, f = np.asarray(y, np.float64), np.asarray(f, np.float64)
    if variant == "corrected":
        a, b, last, sign = f - t1, y - t0, f - t1, -1.0
    else:
        a, b, last, sign = y - t1, f - t0, y - t0, 1.0
    total = t2 * a + t3 * a**2 / 2 + t4 * a**3 / 6
    total = total + t5 * b * a + t6 * b * a**2 / 2 + t7 * b**2 * last / 2
    return np.asarray(sign * total)


def taylor_glo_gradient(
    theta: Iterable[float], y: Array, f: Array, variant: Variant = "corrected"
) -> Array:
    """Return the derivative of ``taylor_glo`` by the output ``f``, entry by entry."""
    import numpy as np

    t0, t1, t2, t3, t4, t5, t6, t7 = _eight(theta)
    check_variant(variant)
    y, f = np.asarray(y, np.float64), np.asarray(f, np.float64)
    if variant == "corrected":
        a, b = f - t1, y - t0
        return np.asarray(-(t2 + t3 * a + t4 * a**2 / 2 + t5 * b + t6 * b * a + t7 * b**2 / 2))
    a, b = y - t1, f - t0
    return np.asarray(t5 * a + t6 * a**2 / 2 + t7 * b * (y - t0))


def check_variant(variant: str) -> None:
    """Raise ``LossExpressionError`` unless ``variant`` is one of those of the module."""
    known = get_args(Variant)
    if variant not in known:
        near = get_close_matches(str(variant)[:32], known, n=1, cutoff=0.0)
        hint = f"; nearest: {near[0]!r}" if near else ""
        raise LossExpressionError(
            f"variant: got {variant!r}; expected one of {', '.join(known)}{hint}"
        )


def _eight(theta: Iterable[float]) -> tuple[float, ...]:
    values = tuple(float(t) for t in theta)
    if len(values) != PARAMETERS:
        raise LossExpressionError(f"theta: got {len(values)} numbers; expected {PARAMETERS}")
    for i, value in enumerate(values):
        if not math.isfinite(value):
            raise LossExpressionError(f"theta[{i}]: got {value}; expected a finite number")
    return values


def _number(value: float) -> _Tree:
    return ("+1",), (value,)


def _minus(name: str, centre: float) -> _Tree:
    return ("sub", name, "+1"), (1.0, 1.0, centre)


def _times(factor: float, tree: _Tree) -> _Tree:
    nodes, weights = tree
    return nodes, (factor * weights[0], *weights[1:])


def _sum(a: _Tree, b: _Tree) -> _Tree:
    return _joined("add", a, b)


def _product(a: _Tree, b: _Tree) -> _Tree:
    return _joined("mul", a, b)


def _joined(name: str, a: _Tree, b: _Tree) -> _Tree:
    return (name, *a[0], *b[0]), (1.0, *a[1], *b[1])

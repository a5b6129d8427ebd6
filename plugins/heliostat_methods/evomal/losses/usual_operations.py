"""Operations that a search may have beside a set of primitives, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heliostat_methods.evomal.losses.operations import Operation


def usual_operation(name: str) -> Operation:
    """Return one of the operations below."""
    return Operation(name, 1, _EXPRESSIONS[name])


def _exp(a: Any) -> Any:
    import sympy

    return sympy.exp(a)


def _softplus(a: Any) -> Any:
    import sympy

    # log(1 + e^a), written so that no power overflows
    return sympy.Max(a, 0) + sympy.log(1 + sympy.exp(-sympy.Abs(a)))


def _huber(a: Any) -> Any:
    import sympy

    size = sympy.Abs(a)
    return sympy.Piecewise((a**2 / 2, size <= 1), (size - sympy.Rational(1, 2), True))


_EXPRESSIONS: dict[str, Callable[..., Any]] = {
    "exp": _exp,
    "softplus": _softplus,
    "huber": _huber,
}

"""Values of parameters checked when a fit begins, as scikit-learn has it: an error names one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real

from heliostat_methods.fams.groups.arguments import ArgumentError, likely

MOST = 2**31 - 1


def integer(name: str, value: object, low: int, high: int = MOST) -> int:
    """Return an integer from `low` to `high`; raises ArgumentError for anything else."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    found = int(value) if whole else low - 1  # type: ignore[call-overload]
    if not low <= found <= high:
        raise ArgumentError(name, value, f"an integer from {low} to {high}")
    return found


def number(name: str, value: object, low: float, high: float, *, above: bool = False) -> float:
    """Return a number from `low` (or just `above` it) to `high`; raises ArgumentError."""
    said = f"a number {f'above {low:g} and up' if above else f'from {low:g}'} to {high:g}"
    real = isinstance(value, Real) and not isinstance(value, bool)
    found = float(value) if real else math.nan  # type: ignore[arg-type]
    if not low <= found <= high or (above and found == low):  # NaN compares false
        raise ArgumentError(name, value, said)
    return found


def truth(name: str, value: object) -> bool:
    """Return True or False; raises ArgumentError for anything else."""
    if value is not True and value is not False:
        raise ArgumentError(name, value, "True or False")
    return value


def one_of(name: str, value: object, choices: tuple[str, ...]) -> str:
    """Return one of some words; raises ArgumentError with the nearest of them."""
    if not isinstance(value, str) or value not in choices:
        expected = f"one of {', '.join(choices)}"
        raise ArgumentError(name, value, expected, likely(value, choices))
    return value


def widths(name: str, value: object) -> tuple[int, ...]:
    """Return the widths of hidden layers, from the input on; raises ArgumentError."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise ArgumentError(name, value, "widths of hidden layers, such as (64, 32)")
    return tuple(integer(f"{name}[{at}]", one, 1, 2**16) for at, one in enumerate(value))

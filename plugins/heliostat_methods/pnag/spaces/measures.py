"""What architectures are worth and what they cost, checked: fractions, and numbers above 0."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat.errors import ConfigError, DataError


def accuracies(values: ArrayLike, name: str = "accuracy") -> NDArray[np.float64]:
    """Return accuracies (n,) as float64.

    Raises DataError naming the first that is not a fraction from 0 to 1.
    """
    found = finite(values, name)
    _refuse(found, found > 1, name, "accuracy as a fraction from 0 to 1, not in percent")
    _refuse(found, found < 0, name, "accuracy as a fraction from 0 to 1")
    return found


def costs(values: ArrayLike, name: str = "cost") -> NDArray[np.float64]:
    """Return costs (n,) as float64; raises DataError naming the first that is not above 0."""
    found = finite(values, name)
    _refuse(found, found <= 0, name, "a cost above 0")
    return found


def finite(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return numbers (n,) as float64; raises DataError naming the first that is not finite."""
    found = _row(values, name)
    _refuse(found, ~np.isfinite(found), name, "a finite number")
    return found


def finite_budget(budget: float) -> float:
    """Return a budget; raises ConfigError for one that is not a finite number above 0."""
    value = float(budget)
    if not (math.isfinite(value) and value > 0):
        raise ConfigError("budget", budget, "a finite number above 0, in the unit of the cost")
    return value


def same_length(**rows: NDArray[np.float64]) -> None:
    """Raise DataError unless all rows are of one length."""
    if len({len(row) for row in rows.values()}) > 1:
        counts = ", ".join(f"{len(row)} of {name}" for name, row in rows.items())
        raise DataError(f"as many values of each needed, got {counts}")


def _row(values: ArrayLike, name: str) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1:
        raise DataError(f"{name}: one value for each architecture needed, got shape {found.shape}")
    return found


def _refuse(found: NDArray[np.float64], bad: NDArray[np.bool_], name: str, expected: str) -> None:
    if bad.any():
        at = int(np.argmax(bad))
        raise DataError(f"{name}[{at}] = {found[at]:g}: expected {expected}")

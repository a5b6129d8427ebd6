"""Rows of a book priced again by other engines: how far apart, in standard errors.

A bound of an engine counts as 4.5 standard errors, by which two right engines may differ: it is
exceeded once in 150,000 comparisons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SIGMAS = 4.5


def allowed(*sides: Mapping[str, Any]) -> float:
    """Return what two engines may differ by; each side has `std_error` or None, and `abs_error`."""
    return sum(_margin(side["std_error"] or 0.0, side["abs_error"]) for side in sides)


def _margin(std_error: float, abs_error: float) -> float:
    # what is stated beyond two standard errors is a bias, which no luck makes smaller
    return float(SIGMAS * std_error + max(abs_error - 2 * std_error, 0.0))


def z_score(difference: float, most: float) -> float:
    """Return a difference in standard errors, where `most` is what is allowed."""
    if most == 0:
        return 0.0 if difference == 0 else float("inf")
    return SIGMAS * difference / most

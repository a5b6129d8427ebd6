"""Which rate of SGD is best for a contestant in each way, on validation rows and other seeds.

Rates are tried as multiples of the configured one; while the best of a way lies at an edge one more
is tried beyond it (`heliostat_search.trainings.rates`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.adalfl.comparison.outcome import Way
from heliostat_search.trainings.rates import TriedRate, at_edge, best, beyond

Array = npt.NDArray[Any]
Valid = Callable[[Sequence[tuple[int, float]]], Sequence[Array]]
"""Gives the validation curves (R, K) of contestants by place at factors of the rate."""
LEAST = 1e-12
"""Smaller factors, and larger ones than its inverse, are not tried: no number would be left."""


@dataclass(frozen=True)
class Choice:
    """The factor of the rate for each way, whether its best lies at an edge, and what was tried."""

    factors: Mapping[Way, float]
    edges: Mapping[Way, bool]
    tried: list[TriedRate]


def choose(
    count: int,
    steps: Sequence[int],
    cost_at: Sequence[int | None],
    factors: Sequence[float],
    growths: int,
    valid: Valid,
) -> list[Choice]:
    """Return the choice for each of ``count`` contestants.

    ``steps`` are those of the curves; ``cost_at`` is the place among them that is equal in cost,
    None for a contestant without one.
    """
    curves: list[dict[float, Array]] = [{} for _ in range(count)]
    if len(factors) == 1:  # given, so there is nothing to choose but the steps
        return [_given(factors[0], place) for place in cost_at]
    asked = [(i, factor) for i in range(count) for factor in factors]
    while asked:
        for (i, factor), found in zip(asked, valid(asked), strict=True):
            curves[i][factor] = found
        asked = [
            (i, factor)
            for i in range(count)
            for factor in _further(_tried(curves[i], steps, cost_at[i]), factors, growths)
        ]
    return [_chosen(*_tried(curves[i], steps, cost_at[i])) for i in range(count)]


def _tried(
    curves: Mapping[float, Array], steps: Sequence[int], cost_at: int | None
) -> tuple[list[TriedRate], list[TriedRate]]:
    """Return what was tried, to the end and up to equal cost (empty without one)."""
    whole = [TriedRate.of(factor, one, steps) for factor, one in curves.items()]
    if cost_at is None:
        return whole, []
    end = cost_at + 1
    return whole, [
        TriedRate.of(factor, one[:, :end], steps[:end]) for factor, one in curves.items()
    ]


def _further(
    tried: tuple[list[TriedRate], list[TriedRate]], factors: Sequence[float], growths: int
) -> list[float]:
    more = [factor for some in tried if some for factor in beyond(some, factors, growths)]
    return [factor for factor in dict.fromkeys(more) if LEAST <= factor <= 1 / LEAST]


def _chosen(whole: list[TriedRate], costly: list[TriedRate]) -> Choice:
    chosen: dict[Way, float] = {
        "equal_steps": best(whole, "at_end").factor,
        "at_best": best(whole, "at_best").factor,
    }
    edges: dict[Way, bool] = {
        "equal_steps": bool(at_edge(whole, "at_end")),
        "at_best": bool(at_edge(whole, "at_best")),
    }
    chosen["area"], edges["area"] = chosen["equal_steps"], edges["equal_steps"]
    if costly:
        chosen["equal_cost"] = best(costly, "at_end").factor
        edges["equal_cost"] = bool(at_edge(costly, "at_end"))
    return Choice(chosen, edges, sorted(whole, key=lambda one: one.factor))


def _given(factor: float, cost_at: int | None) -> Choice:
    ways: list[Way] = ["equal_steps", "at_best", "area"]
    if cost_at is not None:
        ways.append("equal_cost")
    return Choice(dict.fromkeys(ways, factor), dict.fromkeys(ways, False), [])


def area(curves: Array, steps: Sequence[int]) -> npt.NDArray[np.float64]:
    """Return the mean of curves (R, K) over their steps, (R,), by trapezoids."""
    at = np.asarray(steps, np.float64)
    found: npt.NDArray[np.float64] = np.trapezoid(curves, at, axis=1) / (at[-1] - at[0])
    return found

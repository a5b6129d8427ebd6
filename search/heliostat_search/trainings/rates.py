"""Which learning rate, and how many steps, is best on validation data.

A loss times a constant is a learning rate times that constant, and a loss that over-fits late may
be the best one early, so losses are compared at rates and numbers of steps of their own. Rates are
tried as multiples of a configured one. While the best of them is the lowest or the highest, one
more is tried beyond it; if it still is when no more may be added, the best rate is not known.

A rate is judged twice, over trainings with seeds of their own: at the end of all steps, and at each
training's best checkpoint (early stopping). The best checkpoint may be the untrained model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Stopping = Literal["at_end", "at_best"]
STOPPINGS: tuple[Stopping, ...] = ("at_end", "at_best")
_POINTS, _EARLY = 25, 5


@dataclass(frozen=True)
class TriedRate:
    """The mean validation metric at one multiple of the configured rate, lower is better.

    ``at_end`` after all steps, ``at_best`` at each training's best checkpoint; ``steps`` is the
    median of those checkpoints' steps.
    """

    factor: float
    at_end: float
    at_best: float
    steps: float

    @classmethod
    def of(cls, factor: float, valid: Array, steps: Sequence[int]) -> TriedRate:
        """Return what curves (trainings, checkpoints) at these steps say."""
        kept = stopped(valid)
        best = valid[np.arange(len(valid)), kept]
        return cls(factor, float(np.mean(valid[:, -1])), float(np.mean(best)),
                   float(np.median(np.asarray(steps)[kept])))  # fmt: skip


def checkpoints(steps: int) -> tuple[int, ...]:
    """Return the steps after which a training is measured: evenly, and more often at first."""
    even = np.linspace(0, steps, _POINTS + 1)
    early = steps / _POINTS / 2.0 ** np.arange(1, _EARLY + 1)
    return tuple(int(s) for s in np.unique(np.concatenate([even, early]).astype(int)))


def stopped(valid: Array) -> npt.NDArray[np.intp]:
    """Return each training's best checkpoint on validation curves (R, K), the earliest of equals.

    A curve that is NaN or infinite somewhere has its best elsewhere.
    """
    return np.asarray(np.argmin(np.where(np.isnan(valid), np.inf, valid), axis=1))


def best(tried: Sequence[TriedRate], stopping: Stopping) -> TriedRate:
    """Return the best of some rates; ties go to the factor nearest 1."""
    return min(
        tried,
        key=lambda one: (getattr(one, stopping), abs(math.log(one.factor)), one.factor),
    )


def at_edge(tried: Sequence[TriedRate], stopping: Stopping) -> int:
    """Return -1 if the best of several rates is the lowest, 1 if the highest, else 0.

    Where every training diverged, a lower rate is what is missing. A rate alone was given, not
    chosen, and has no edge.
    """
    if len(tried) < 2:
        return 0
    if not any(math.isfinite(getattr(one, stopping)) for one in tried):
        return -1
    factors = sorted(one.factor for one in tried)
    chosen = best(tried, stopping).factor
    return (chosen == factors[-1]) - (chosen == factors[0])


def beyond(tried: Sequence[TriedRate], first: Sequence[float], growths: int) -> list[float]:
    """Return the factors to try next: one beyond each edge where the best one lies.

    ``first`` are the factors that were given; at most ``growths`` are added beyond each edge.
    """
    factors = sorted(one.factor for one in tried)
    more = []
    for side in sorted({at_edge(tried, stopping) for stopping in STOPPINGS} - {0}):
        given = min(first) if side < 0 else max(first)
        added = sum((factor - given) * side > 0 for factor in factors)
        if added < growths:
            more.append(_next(factors if side > 0 else factors[::-1]))
    return more


def _next(factors: Sequence[float]) -> float:
    """Return the factor beyond the last one: two steps on by the ratio of the last two steps.

    So 1, 3, 10 goes on with 30, 100 and not with 33, 111.
    """
    last, before = factors[-1], factors[-2]
    if len(factors) == 2:
        return float(f"{last * last / before:.3g}")
    return float(f"{before * last / factors[-3]:.3g}")

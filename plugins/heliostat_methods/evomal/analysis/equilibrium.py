"""Where a loss lets a model rest: the probability, or the output, that its gradient leads to.

Label smoothing rests below certainty by construction; many learned losses do so without a label
ever being smoothed. The smoothing that would rest at the same place is read off here.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.analysis.curves import (
    Loss,
    entrywise,
    logit_gradients,
    output_gradients,
    shared_probabilities,
)
from heliostat_methods.evomal.losses.expression import LossExpression

Array = npt.NDArray[Any]
CERTAIN = 1e-6
"""Probabilities closer than this to 0 or 1 count as 0 or 1."""
_GRID = 2001
_CANCELLED = 1e-12


def equilibrium(loss: Loss, classes: int) -> float | None:
    """Return the target probability at which training rests, starting from ``1/C``.

    It is the nearest p, in the direction of descent, where dL/dz of the target vanishes while the
    other classes share the rest evenly: ``1/phi1`` for absolute cross-entropy,
    ``1 - xi + xi/C`` for label smoothing, 1 for cross-entropy, 0 for a loss that unlearns. None
    for one that does not push at 1/C at all.
    """
    if classes < 2:
        raise ValueError(f"classes: got {classes}; expected at least 2")
    limit = np.log((1.0 - CERTAIN) / CERTAIN)
    at = _descend(
        lambda log_odds: _pull(loss, log_odds, classes), -np.log(classes - 1.0), -limit, limit
    )
    if at is None:
        return None
    if abs(at) >= limit:
        return float(at > 0)
    return float(1.0 / (1.0 + np.exp(-at)))


def implicit_smoothing(loss: Loss, classes: int) -> float | None:
    """Return the xi of the label smoothing that rests at the same probability.

    ``xi = (1 - p) C / (C - 1)``: 0 for a loss that goes to certainty, 1 for one that rests where
    all classes are equally likely, more for one that unlearns, None without an equilibrium.
    """
    p = equilibrium(loss, classes)
    return None if p is None else (1.0 - p) * classes / (classes - 1.0)


def resting_output(loss: Loss, label: float, reach: float = 10.0) -> float | None:
    """Return the output f at which a regression loss rests for one label, starting from f = 0.

    An unbiased loss rests at the label. None for a loss that does not push at 0, or that pushes
    beyond ``+-reach``. At label 0 a loss that rests at 0 already gives 0.
    """
    at = _descend(lambda f: output_gradients(loss, np.full(f.shape, label), f), 0.0, -reach, reach)
    if at is None:
        around = output_gradients(loss, np.full(2, float(label)), np.array([-1e-3, 1e-3]))
        return 0.0 if around[0] < 0 < around[1] else None
    return None if abs(at) >= reach else at


def _pull(loss: Loss, log_odds: Array, classes: int) -> Array:
    """Return a number with the sign of dL/dz_target, (n,).

    The odds carry 1 - p without cancellation. For an expression dL/dz_target is
    ``p (1 - p) (m'(1, p) - m'(0, (1 - p)/(C - 1)))``; the last factor decides the sign, and
    is rounding where both terms agree.
    """
    p, rest = 1.0 / (1.0 + np.exp(-log_odds)), 1.0 / (1.0 + np.exp(log_odds))
    if not isinstance(loss, LossExpression):
        return np.asarray(logit_gradients(loss, shared_probabilities(p, rest, classes))[:, 0])
    target = entrywise(loss, np.ones_like(p), p)[1]
    other = entrywise(loss, np.zeros_like(p), rest / (classes - 1))[1]
    difference = target - other
    difference[np.abs(difference) <= _CANCELLED * (np.abs(target) + np.abs(other))] = 0.0
    return np.asarray(difference)


def _descend(
    slope: Callable[[Array], Array], start: float, low: float, high: float
) -> float | None:
    """Return where descent from ``start`` first stops, or the end of the range that it runs to."""
    sign = float(np.sign(slope(np.array([start]))[0]))
    if sign == 0 or not np.isfinite(sign):
        return None
    end = low if sign > 0 else high
    grid = np.linspace(start, end, _GRID)
    stopped = np.flatnonzero(np.sign(slope(grid[1:])) != sign)
    if not stopped.size:
        return float(end)
    before, after = float(grid[stopped[0]]), float(grid[stopped[0] + 1])
    for _ in range(200):
        middle = 0.5 * (before + after)
        if middle in (before, after):
            break
        if float(np.sign(slope(np.array([middle]))[0])) == sign:
            before = middle
        else:
            after = middle
    return 0.5 * (before + after)

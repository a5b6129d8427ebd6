"""What a learned loss does: its curves, its pull at the start and at the end, its equilibrium."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.expression import LossExpression
from heliostat_methods.evomal.kernel import gradients, values
from heliostat_methods.evomal.program import LossProgram, stack_weights

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class LossCurve:
    """``m(y, p)`` and its slope over probabilities ``p``, for one label ``y``; all (n,)."""

    label: float
    p: Array
    value: Array
    slope: Array

    @property
    def shape(self) -> Array:
        """The curve shifted to end at 0 and scaled to unit range.

        The factor divided out is an implicit learning rate: for SGD without weight decay, a loss
        times c trains as a rate times c does.
        """
        shifted = self.value - self.value[-1]
        span = np.ptp(shifted)
        result: Array = shifted / span if span > 0 else shifted
        return result


def loss_curve(expression: LossExpression, label: float, p: Array | None = None) -> LossCurve:
    """Return the curve for ``y = label``; ``p`` defaults to 199 points inside (0, 1)."""
    p = np.linspace(0.005, 0.995, 199) if p is None else np.asarray(p, np.float64)
    value, slope = _entrywise(expression, np.full(p.shape, float(label)), p)
    return LossCurve(float(label), p, value, slope)


def logit_gradient(expression: LossExpression, p: Array, target: int) -> Array:
    """Return dL/dz, (C,), at class probabilities ``p`` (C,) that sum to 1.

    ``dL/dz_j = sum_c m'(y_c, p_c) p_c (delta_cj - p_j)``.
    """
    p = np.asarray(p, np.float64)
    if p.ndim != 1 or not np.isclose(p.sum(), 1.0):
        raise ValueError("p: expected the probabilities of one sample, with sum 1")
    if not 0 <= target < p.size:
        raise ValueError(f"target: got {target}; expected 0..{p.size - 1}")
    labels = np.zeros_like(p)
    labels[target] = 1.0
    _, slope = _entrywise(expression, labels, p)
    result: Array = p * (slope - (p * slope).sum())
    return result


def null_epoch_gradient(expression: LossExpression, classes: int) -> tuple[float, float]:
    """Return dL/dz of the target and of any other class where all classes are equally likely.

    This is how an untrained model is first pushed.
    """
    gradient = logit_gradient(expression, np.full(classes, 1.0 / classes), 0)
    return float(gradient[0]), float(gradient[1])


def zero_error_gradient(
    expression: LossExpression, classes: int, gap: float = 1e-4
) -> tuple[float, float]:
    """Return dL/dz of the target and of any other class where the target has ``1 - gap``.

    Cross-entropy goes to 0 there. A positive target entry pushes a perfect prediction back, which
    is label smoothing by another name.
    """
    p = np.full(classes, gap / (classes - 1))
    p[0] = 1.0 - gap
    gradient = logit_gradient(expression, p, 0)
    return float(gradient[0]), float(gradient[1])


def ace_equilibrium(phi1: float) -> float:
    """Return the target probability at which absolute cross-entropy rests: ``min(1, 1/phi1)``."""
    if not phi1 > 0:
        raise ValueError(f"phi1: got {phi1}; expected more than 0")
    return min(1.0, 1.0 / phi1)


def ace_from_smoothing(xi: float, classes: int) -> float:
    """Return the phi1 whose equilibrium is that of label smoothing: ``1 / (1 - xi + xi/C)``."""
    if not 0 <= xi < 1:
        raise ValueError(f"xi: got {xi}; expected 0 <= xi < 1")
    return 1.0 / (1.0 - xi + xi / classes)


def _entrywise(expression: LossExpression, y: Array, f: Array) -> tuple[Array, Array]:
    program = LossProgram.from_expressions([expression])
    weights = stack_weights([expression], np.float64)
    f = np.asarray(f, np.float64)
    return values(program, weights, f, y)[0], gradients(program, weights, f, y)[0]

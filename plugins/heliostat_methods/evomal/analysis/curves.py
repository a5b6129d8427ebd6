"""What a loss does to a model: its curves, its pull at the start and at the end, its scale.

A loss here is a ``LossExpression``, or any torch callable ``loss(outputs, targets)`` that returns
the mean over a batch (the loss parts, for instance). Where it rests stands in ``equilibrium``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.population.evaluation import gradients, values
from heliostat_methods.evomal.population.program import LossProgram, stack_weights

Array = npt.NDArray[Any]
Loss = LossExpression | Callable[[Any, Any], Any]
"""A tree, or a torch callable of outputs and targets."""


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
    value, slope = entrywise(expression, np.full(p.shape, float(label)), p)
    return LossCurve(float(label), p, value, slope)


def sample_curve(loss: Loss, classes: int, p: Array | None = None) -> LossCurve:
    """Return a sample's loss while its target has probability ``p`` and the others share the rest.

    ``slope`` is dL/dz of the target's logit. ``p`` defaults to 199 points inside (0, 1).
    """
    p = np.linspace(0.005, 0.995, 199) if p is None else np.asarray(p, np.float64)
    rows = shared_probabilities(p, 1.0 - p, classes)
    if isinstance(loss, LossExpression):
        value = sum(
            factor * entrywise(loss, np.full(p.shape, label), rows[:, column])[0]
            for label, column, factor in ((1.0, 0, 1), (0.0, 1, classes - 1))
        )
    else:
        value = np.array([_torch_value(loss, np.log(row)[None], np.zeros(1, int)) for row in rows])
    return LossCurve(1.0, p, np.asarray(value), logit_gradients(loss, rows)[:, 0])


def shared_probabilities(p: Array, rest: Array, classes: int) -> Array:
    """Return (n, C) rows: the target's ``p`` first, the others share ``rest`` evenly."""
    if classes < 2:
        raise ValueError(f"classes: got {classes}; expected at least 2")
    rows = np.repeat((np.asarray(rest, np.float64) / (classes - 1))[:, None], classes, axis=1)
    rows[:, 0] = p
    return rows


def logit_gradients(loss: Loss, p: Array, target: int = 0) -> Array:
    """Return dL/dz, (n, C), at class probabilities ``p`` (n, C) whose rows sum to 1.

    ``dL/dz_j = sum_c m'(y_c, p_c) p_c (delta_cj - p_j)``.
    """
    p = np.asarray(p, np.float64)
    if p.ndim != 2 or not np.allclose(p.sum(axis=1), 1.0):
        raise ValueError("p: expected rows of probabilities, each with sum 1")
    if not 0 <= target < p.shape[1]:
        raise ValueError(f"target: got {target}; expected 0..{p.shape[1] - 1}")
    if not isinstance(loss, LossExpression):
        return _torch_gradients(loss, np.log(p), np.full(len(p), target))
    labels = np.zeros_like(p)
    labels[:, target] = 1.0
    slope = entrywise(loss, labels.ravel(), p.ravel())[1].reshape(p.shape)
    result: Array = p * (slope - (p * slope).sum(axis=1, keepdims=True))
    return result


def logit_gradient(loss: Loss, p: Array, target: int) -> Array:
    """Return dL/dz, (C,), at class probabilities ``p`` (C,) that sum to 1."""
    p = np.asarray(p, np.float64)
    if p.ndim != 1:
        raise ValueError("p: expected the probabilities of one sample, with sum 1")
    row: Array = logit_gradients(loss, p[None], target)[0]
    return row


def null_epoch_gradient(loss: Loss, classes: int) -> tuple[float, float]:
    """Return dL/dz of the target and of any other class where all classes are equally likely.

    This is how an untrained model is first pushed.
    """
    gradient = logit_gradient(loss, np.full(classes, 1.0 / classes), 0)
    return float(gradient[0]), float(gradient[1])


def zero_error_gradient(loss: Loss, classes: int, gap: float = 1e-4) -> tuple[float, float]:
    """Return dL/dz of the target and of any other class where the target has ``1 - gap``.

    Cross-entropy goes to 0 there. A positive target entry pushes a perfect prediction back, which
    is label smoothing by another name.
    """
    p = np.full(classes, gap / (classes - 1))
    p[0] = 1.0 - gap
    gradient = logit_gradient(loss, p, 0)
    return float(gradient[0]), float(gradient[1])


def output_gradients(loss: Loss, labels: Array, outputs: Array) -> Array:
    """Return dm/df of a regression loss, (n,), at ``labels`` (n,) and ``outputs`` (n,)."""
    labels, outputs = np.asarray(labels, np.float64), np.asarray(outputs, np.float64)
    if isinstance(loss, LossExpression):
        return entrywise(loss, labels, outputs)[1]
    return _torch_gradients(loss, outputs[:, None], labels)[:, 0]


def output_curve(loss: Loss, label: float, f: Array | None = None) -> LossCurve:
    """Return a regression loss over outputs ``f`` (n,), 241 points from -3 to 3 by default."""
    f = np.linspace(-3.0, 3.0, 241) if f is None else np.asarray(f, np.float64)
    labels = np.full(f.shape, float(label))
    if isinstance(loss, LossExpression):
        value, slope = entrywise(loss, labels, f)
    else:
        value = np.array([_torch_value(loss, np.array([[x]]), labels[:1]) for x in f])
        slope = output_gradients(loss, labels, f)
    return LossCurve(float(label), f, value, slope)


def implicit_learning_rate(loss: Loss, classes: int) -> float:
    """Return the rate hidden in a classification loss: its first push over cross-entropy's.

    ``|dL/dz| / |dCE/dz|`` where all classes are equally likely [R]. A loss times c has c times this
    rate, and for SGD without weight decay trains as a learning rate times c does. What is left when
    it is divided out is the loss's shape.
    """
    usual = np.full(classes, 1.0 / classes)
    gradient = logit_gradient(loss, usual, 0)
    usual[0] -= 1.0
    return float(np.linalg.norm(gradient) / np.linalg.norm(usual))


def implicit_regression_rate(loss: Loss, labels: Array | None = None) -> float:
    """Return the rate hidden in a regression loss: its first push over squared error's.

    Root mean square of dm/df over that of ``2 (f - y)`` at f = 0, the output of an untrained
    model [R]. ``labels`` default to 199 quantiles of the standard normal: targets are standardised.
    """
    labels = standard_labels() if labels is None else np.asarray(labels, np.float64)
    gradient = output_gradients(loss, labels, np.zeros_like(labels))
    return float(np.sqrt(np.mean(gradient**2) / np.mean((2.0 * labels) ** 2)))


def standard_labels(count: int = 199) -> Array:
    """Return evenly spaced quantiles of the standard normal, (count,)."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((k + 0.5) / count) for k in range(count)])


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


def entrywise(expression: LossExpression, y: Array, f: Array) -> tuple[Array, Array]:
    """Return m(y, f) and dm/df, (n,) each, for labels and outputs (n,)."""
    program = LossProgram.from_expressions([expression])
    weights = stack_weights([expression], np.float64)
    f = np.asarray(f, np.float64)
    return values(program, weights, f, y)[0], gradients(program, weights, f, y)[0]


def _torch_value(loss: Callable[[Any, Any], Any], outputs: Array, targets: Array) -> float:
    import torch  # deferred: expressions need only the compiled kernels

    return float(loss(torch.from_numpy(outputs), torch.from_numpy(targets)).detach())


def _torch_gradients(loss: Callable[[Any, Any], Any], outputs: Array, targets: Array) -> Array:
    import torch

    leaf = torch.from_numpy(np.ascontiguousarray(outputs)).requires_grad_()
    # The mean over the batch divides every sample's gradient by their number.
    (gradient,) = torch.autograd.grad(loss(leaf, torch.from_numpy(targets)) * len(outputs), leaf)
    return np.asarray(gradient.numpy())

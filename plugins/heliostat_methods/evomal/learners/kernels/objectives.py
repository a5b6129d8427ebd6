"""The task's own objectives and metrics, over outputs laid out (classes, samples).

Metrics: ``mse``, ``error_rate`` and ``cross_entropy``. The two differentiable ones also serve as
the inner objective that drives the weights. For one class, cross-entropy is that of the sigmoid and
the error rate counts logits on the wrong side of 0.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.learners.kernels.dense import probabilities
from heliostat_methods.evomal.population import elementary
from heliostat_methods.evomal.population.compilation import kernel, window

Array = npt.NDArray[Any]
Metric = Literal["mse", "error_rate", "cross_entropy"]
METRICS: tuple[Metric, ...] = ("mse", "error_rate", "cross_entropy")
_MSE, _ERROR_RATE, _CROSS_ENTROPY = 0, 1, 2


def metric_code(name: str) -> int:
    """Return the kernels' number of a metric; raises ``ValueError`` for another name."""
    if name not in METRICS:
        raise ValueError(f"metric: got {name!r}; expected one of {', '.join(METRICS)}")
    return METRICS.index(name)


@kernel("i, f2, f2 -> d")
def metric_sum(code: int, outputs: Array, labels: Array) -> float:
    """Return the metric summed over samples: (C, L) raw outputs against (C, L) label rows.

    NaN if any output is not finite, whichever the metric: a broken model has no error rate.
    """
    C, L = outputs.shape
    total = 0.0
    for l in range(L):
        best, label, top = 0, 0, outputs[0, l]
        for c in range(C):
            x = outputs[c, l]
            if not np.isfinite(x):
                return np.nan
            if x > top:
                best, top = c, x
            if labels[c, l] > labels[label, l]:
                label = c
        if code == _MSE:
            for c in range(C):
                e = np.float64(outputs[c, l]) - np.float64(labels[c, l])
                total += e * e / C
        elif code == _ERROR_RATE:
            wrong = (top > 0) != (labels[0, l] > 0.5) if C == 1 else best != label
            total += 1.0 if wrong else 0.0
        elif C == 1:
            z = np.float64(top)
            total += (z if z > 0.0 else 0.0) - z * labels[0, l] + np.log1p(np.exp(-abs(z)))
        else:
            partition = 0.0
            for c in range(C):
                partition += np.exp(np.float64(outputs[c, l]) - np.float64(top))
            for c in range(C):
                z = np.float64(outputs[c, l]) - np.float64(top)
                total += labels[c, l] * (np.log(partition) - z)
    return total


@kernel("i, f2, f2, f2, i, f2 -> d")
def objective_gradient(
    code: int, acts: Array, labels: Array, probability: Array, samples: int, deltas: Array
) -> float:
    """Fill the last C rows of ``deltas`` with the gradient of the batch mean; return that mean.

    ``acts`` and ``deltas`` are buffers of all layers, ``labels`` and the scratch ``probability``
    (C, L). Only the first ``samples`` columns count; the others, padding, get gradient 0.
    """
    C, L = labels.shape
    above = (acts.shape[0] - C) * L
    outputs, slope = window(acts, above, C, L), window(deltas, above, C, L)
    loss = 0.0
    zero, one = acts.dtype.type(0.0), acts.dtype.type(1.0)
    tiny = acts.dtype.type(1e-30)
    if code == _MSE:
        share = acts.dtype.type(2.0 / (C * samples))
        for c in range(C):
            for l in range(L):
                e = outputs[c, l] - labels[c, l]
                slope[c, l] = e * share if l < samples else zero
            for l in range(samples):
                loss += (outputs[c, l] - labels[c, l]) ** 2
        return float(loss / (C * samples))
    share = acts.dtype.type(1.0 / samples)
    probabilities(outputs, probability)
    for c in range(C):
        for l in range(L):
            e = probability[c, l] - labels[c, l]
            slope[c, l] = e * share if l < samples else zero
        for l in range(samples):
            q, y = probability[c, l], labels[c, l]
            if y > zero:
                loss -= y * elementary.positive_log(q if q > tiny else tiny)
            if C == 1 and y < one:
                q = one - q
                loss -= (one - y) * elementary.positive_log(q if q > tiny else tiny)
    return float(loss / samples)

"""The rejection protocol: can a loss improve predictions that it may move freely?

The predictions of a fresh network on a few samples are themselves the parameters: Adam takes some
steps on them along the candidate loss. A loss that does not improve the task's metric there cannot
train a network, so it is rejected before any training. The whole optimisation of one candidate is
one call of compiled code.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.compilation import compiled
from heliostat_methods.evomal.dense import probabilities, through_probabilities
from heliostat_methods.evomal.kernel import Tree, kernel_arrays, tree_gradient, tree_values
from heliostat_methods.evomal.networks import forward, xavier_uniform
from heliostat_methods.evomal.objectives import Metric, metric_code, metric_sum
from heliostat_methods.evomal.problem import LearningProblem, Streams
from heliostat_methods.evomal.program import LossProgram

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class RejectionConfig:
    """Samples, Adam steps and step size; the protocol's defaults are those of the released code."""

    samples: int = 100
    steps: int = 1000
    learning_rate: float = 0.01

    def __post_init__(self) -> None:
        for name in ("samples", "steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: got {getattr(self, name)}; expected at least 1")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate: got {self.learning_rate}; expected more than 0")


@compiled()
def _improvements(
    tree: Tree,
    w: Array,
    start: Array,
    labels: Array,
    classify: bool,
    metric: int,
    steps: int,
    learning_rate: float,
    out: Array,
) -> None:
    C, B = start.shape
    # Vector code runs on whole registers: repeat the last sample up to a multiple of 16 and leave
    # the copies out of the metric. Samples do not see each other here, so nothing else changes.
    L = (B + 15) // 16 * 16
    dtype = start.dtype
    one = dtype.type(1.0)
    b1, b2, eps = dtype.type(0.9), dtype.type(0.999), dtype.type(1e-8)
    r1, r2 = dtype.type(1.0 - 0.9), dtype.type(1.0 - 0.999)
    share = dtype.type(1.0 / B)
    first, y = np.empty((C, L), dtype), np.empty((C, L), dtype)
    for c in range(C):
        for l in range(L):
            first[c, l] = start[c, min(l, B - 1)]
            y[c, l] = labels[c, min(l, B - 1)]
    base = metric_sum(metric, start, labels)
    z, q = np.empty((C, L), dtype), np.empty((C, L), dtype)
    m, s, end = np.empty((C, L), dtype), np.empty((C, L), dtype), np.empty((C, B), dtype)
    columns = tree[0].shape[1]
    v, g = np.empty((columns, C * L), dtype), np.empty((columns, C * L), dtype)
    scratch, d = np.empty((4, C * L), dtype), np.empty((C, L), dtype)
    flat_z, flat_q, flat_y = z.reshape(C * L), q.reshape(C * L), y.reshape(C * L)
    flat_d, flat_m, flat_s = d.reshape(C * L), m.reshape(C * L), s.reshape(C * L)
    for p in range(out.shape[0]):
        if not tree[4][p, 0]:
            out[p] = 0.0  # no gradient reaches the predictions: they stay where they are
            continue
        z[:] = first
        m[:] = dtype.type(0.0)
        s[:] = dtype.type(0.0)
        power1, power2 = 1.0, 1.0
        for _ in range(steps):
            if classify:
                probabilities(z, 0, q)
                tree_values(tree, p, w, flat_q, flat_y, v)
                tree_gradient(tree, p, w, v, g, scratch, flat_d)
                through_probabilities(q, d)
            else:
                tree_values(tree, p, w, flat_z, flat_y, v)
                tree_gradient(tree, p, w, v, g, scratch, flat_d)
            power1 *= 0.9
            power2 *= 0.999
            size = dtype.type(learning_rate / (1.0 - power1))
            unbias = one / dtype.type(np.sqrt(1.0 - power2))
            for l in range(C * L):
                x = flat_d[l] * share
                flat_m[l] = b1 * flat_m[l] + r1 * x
                flat_s[l] = b2 * flat_s[l] + r2 * x * x
                flat_z[l] -= size * flat_m[l] / (np.sqrt(flat_s[l]) * unbias + eps)
        for c in range(C):
            for l in range(B):
                end[c, l] = z[c, l]
        out[p] = (base - metric_sum(metric, end, labels)) / B


def improvements(
    program: LossProgram,
    weights: Array,
    predictions: Array,
    labels: Array,
    *,
    classify: bool,
    metric: Metric,
    config: RejectionConfig,
) -> npt.NDArray[np.float64]:
    """Return ``metric(f0) - metric(f*)`` for every candidate, (P,); accept where it is above 0.

    ``predictions`` (C, B) are raw outputs and ``labels`` (C, B) their label rows. NaN where the
    optimisation diverged, which is not above 0 either. The metric is averaged over samples.
    """
    if predictions.shape != labels.shape or predictions.ndim != 2:
        raise ValueError(
            f"labels: shape {labels.shape}; expected that of predictions, {predictions.shape}"
        )
    dtype = predictions.dtype
    out = np.empty(program.count)
    _improvements(
        kernel_arrays(program, dtype),
        np.ascontiguousarray(weights, dtype),
        np.ascontiguousarray(predictions),
        np.ascontiguousarray(labels, dtype),
        classify,
        metric_code(metric),
        config.steps,
        config.learning_rate,
        out,
    )
    return out


def fresh_predictions(
    problem: LearningProblem, samples: int, streams: Streams
) -> tuple[Array, Array]:
    """Return a fresh network's outputs and the labels, both (C, samples), on training samples.

    Uses the streams ``"init"`` and ``"samples"``; more samples than there are rows means all rows.
    """
    rows = problem.x_train.shape[1]
    theta = xavier_uniform(problem.widths, streams("init"), problem.dtype)
    chosen = np.arange(rows)
    if samples < rows:
        chosen = np.sort(streams("samples").choice(rows, samples, replace=False))
    outputs = forward(theta, problem.widths, problem.x_train[:, chosen].T)
    return np.ascontiguousarray(outputs.T), np.ascontiguousarray(problem.y_train[:, chosen])


def accept(
    program: LossProgram,
    weights: Array,
    problem: LearningProblem,
    metric: Metric,
    config: RejectionConfig,
    streams: Streams,
) -> npt.NDArray[np.bool_]:
    """Return the mask (P,) of candidates that pass; give every block the same streams."""
    predictions, labels = fresh_predictions(problem, config.samples, streams)
    gain = improvements(
        program,
        weights,
        predictions,
        labels,
        classify=problem.task == "classification",
        metric=metric,
        config=config,
    )
    passed: npt.NDArray[np.bool_] = gain > 0
    return passed

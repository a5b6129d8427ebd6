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

from heliostat import stored
from heliostat_methods.evomal.learners.kernels.dense import (
    fill,
    model_outputs,
    through_probabilities,
)
from heliostat_methods.evomal.learners.kernels.objectives import Metric, metric_code, metric_sum
from heliostat_methods.evomal.learners.networks import forward, xavier_uniform
from heliostat_methods.evomal.learners.problem import LearningProblem, Streams
from heliostat_methods.evomal.population.compilation import aligned, entry, kernel, window
from heliostat_methods.evomal.population.evaluation import kernel_arrays
from heliostat_methods.evomal.population.interpreter import tree_gradient, tree_values
from heliostat_methods.evomal.population.program import LossProgram

Array = npt.NDArray[Any]


@stored("evomal.rejection_config")
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


@kernel("i, d, d, f, f1, f1, f1, f1")
def _adam(
    n: int, rate: float, unbias: float, share: Any, slope: Array, m: Array, s: Array, z: Array
) -> None:
    dtype = slope.dtype
    b1, b2, eps = dtype.type(0.9), dtype.type(0.999), dtype.type(1e-8)
    r1, r2 = dtype.type(1.0 - 0.9), dtype.type(1.0 - 0.999)
    size, scale = dtype.type(rate), dtype.type(1.0) / dtype.type(unbias)
    for l in range(n):
        x = slope[l] * share
        m[l] = b1 * m[l] + r1 * x
        s[l] = b2 * s[l] + r2 * x * x
        z[l] -= size * m[l] / (np.sqrt(s[l]) * scale + eps)


@entry
def _improvements(
    start: Array,
    labels: Array,
    samples: int,
    w: Array,
    code: Array,
    constant: Array,
    length: Array,
    classify: bool,
    metric: int,
    steps: int,
    learning_rate: float,
    pool: Array,
    ends: Array,
) -> None:
    """Optimise the predictions ``start`` (C, L) under every candidate; ``ends`` (P, C, L)."""
    C, L = start.shape
    E, N = C * L, code.shape[1]
    share, zero = start.dtype.type(1.0 / samples), start.dtype.type(0.0)
    v, g, c = window(pool, 0, N, E), window(pool, N * E, N, E), window(pool, 2 * N * E, 2 * N, E)
    q, d = window(pool, 4 * N * E, C, L), window(pool, (4 * N + 1) * E, C, L)
    moments = window(pool, (4 * N + 2) * E, 2, E)
    flat_q, flat_d = window(q, 0, 1, E)[0], window(d, 0, 1, E)[0]
    flat_y, first = window(labels, 0, 1, E)[0], window(start, 0, 1, E)[0]
    for p in range(ends.shape[0]):
        n, tree, z, flat_z = length[p], code[p], ends[p], window(ends, p * E, 1, E)[0]
        for l in range(E):
            flat_z[l] = first[l]
        if tree[0, 3] == 0:
            continue  # no gradient reaches the predictions: they stay where they are
        fill(moments, zero)
        power1, power2 = 1.0, 1.0
        for _ in range(steps):
            model_outputs(z, classify, q)
            tree_values(tree, n, constant[p], w[p], flat_q, flat_y, v)
            tree_gradient(tree, n, w[p], v, g, c, flat_d)
            if classify:
                through_probabilities(q, d)
            power1 *= 0.9
            power2 *= 0.999
            rate, unbias = learning_rate / (1.0 - power1), np.sqrt(1.0 - power2)
            _adam(E, rate, unbias, share, flat_d, moments[0], moments[1], flat_z)


@entry
def _metrics(outputs: Array, labels: Array, metric: int, out: Array) -> None:
    for p in range(outputs.shape[0]):
        out[p] = metric_sum(metric, outputs[p], labels)


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
    dtype, samples = predictions.dtype, predictions.shape[1]
    # Vector code runs on whole registers: repeat the last sample up to a multiple of 16 and leave
    # the copies out of the metric. Samples do not see each other here, so nothing else changes.
    padded = (samples + 15) // 16 * 16
    column = np.minimum(np.arange(padded), samples - 1)
    entries = predictions.shape[0] * padded
    ends = aligned(program.count * entries, dtype).reshape(program.count, -1, padded)
    code = metric_code(metric)
    _improvements(
        np.ascontiguousarray(predictions[:, column]),
        np.ascontiguousarray(labels[:, column], dtype),
        samples,
        np.array(weights, dtype, order="C"),
        *kernel_arrays(program, dtype),
        classify,
        code,
        config.steps,
        config.learning_rate,
        aligned((4 * program.capacity + 4) * entries, dtype),
        ends,
    )
    points = np.concatenate([predictions[None], ends[:, :, :samples]])
    sums = np.empty(program.count + 1)
    _metrics(points, np.array(labels, dtype, order="C"), code, sums)
    improvement: npt.NDArray[np.float64] = (sums[0] - sums[1:]) / samples
    return improvement


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

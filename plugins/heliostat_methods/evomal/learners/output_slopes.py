"""What a loss and the task's objective say about a network's outputs, compiled.

The part of local search and training that knows no network: outputs and labels (C, L) go in, and
gradients by the outputs come out, or, for a tangent of the outputs, gradients by the loss's
weights. Any model can take them from there.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.learners.kernels.dense import (
    model_outputs,
    row_sums,
    through_probabilities,
)
from heliostat_methods.evomal.learners.kernels.objectives import (
    metric_code,
    metric_sum,
    objective_gradient,
)
from heliostat_methods.evomal.population.compilation import aligned, entry, window
from heliostat_methods.evomal.population.evaluation import kernel_arrays, scratch_numbers
from heliostat_methods.evomal.population.interpreter import tree_gradient, tree_mixed, tree_values
from heliostat_methods.evomal.population.program import LossProgram

Array = npt.NDArray[Any]


@entry
def _loss_slopes(
    outputs: Array, labels: Array, w: Array, code: Array, constant: Array, length: Array,
    classify: bool, pool: Array, slopes: Array, total: Array,
) -> None:  # fmt: skip
    """Fill ``slopes`` (P, C L) and the sums of the loss ``total`` (P, 1)."""
    C, L = outputs.shape
    E, N = C * L, code.shape[1]
    q = window(pool, 0, C, L)
    v, g = window(pool, E, N, E), window(pool, E + N * E, N, E)
    c, loss = window(pool, E + 2 * N * E, 2 * N, E), window(pool, E + 4 * N * E, 1, 1)
    flat_q, flat_y = window(q, 0, 1, E)[0], window(labels, 0, 1, E)[0]
    share = outputs.dtype.type(1.0 / L)
    model_outputs(outputs, classify, q)
    for p in range(w.shape[0]):
        e = window(slopes, p * E, C, L)
        flat = window(slopes, p * E, 1, E)[0]
        tree_values(code[p], length[p], constant[p], w[p], flat_q, flat_y, v)
        row_sums(window(v, 0, 1, E), loss)
        total[p, 0] = loss[0, 0]
        if code[p, 0, 3] == 0:
            for l in range(E):
                flat[l] = outputs.dtype.type(0.0)
            continue
        tree_gradient(code[p], length[p], w[p], v, g, c, flat)
        if classify:
            through_probabilities(q, e)
        for l in range(E):
            flat[l] *= share


@entry
def _weight_slopes(
    outputs: Array, labels: Array, w: Array, code: Array, constant: Array, length: Array,
    classify: bool, tangent: Array, pool: Array, slopes: Array,
) -> None:  # fmt: skip
    """Fill ``slopes`` (P, N) for the outputs' tangents ``tangent`` (P, C L), which is spoilt."""
    C, L = outputs.shape
    E, N = C * L, code.shape[1]
    q = window(pool, 0, C, L)
    v, g = window(pool, E, N, E), window(pool, E + N * E, N, E)
    c, d = window(pool, E + 2 * N * E, 2 * N, E), window(pool, E + 4 * N * E, N, E)
    h, partial = window(pool, E + 5 * N * E, N, E), window(pool, E + 6 * N * E, 2, E)
    unused = window(pool, 3 * E + 6 * N * E, 1, E)[0]
    flat_q, flat_y = window(q, 0, 1, E)[0], window(labels, 0, 1, E)[0]
    model_outputs(outputs, classify, q)
    for p in range(w.shape[0]):
        n = length[p]
        t, flat = window(tangent, p * E, C, L), window(tangent, p * E, 1, E)[0]
        if classify:
            through_probabilities(q, t)
        tree_values(code[p], n, constant[p], w[p], flat_q, flat_y, v)
        tree_gradient(code[p], n, w[p], v, g, c, unused)
        tree_mixed(code[p], n, w[p], flat, v, c, d, g, h, partial, slopes[p])


@entry
def _objective_slopes(
    outputs: Array, labels: Array, objective: int, probability: Array, slopes: Array, value: Array
) -> None:
    value[0] = objective_gradient(objective, outputs, labels, probability, labels.shape[1], slopes)


@entry
def _metric_sums(outputs: Array, labels: Array, codes: Array, out: Array) -> None:
    for code in codes:
        out[code] = metric_sum(code, outputs, labels)


class OutputSlopes:
    """The losses of a program over batches of L samples with C outputs.

    Every result of a candidate depends on that candidate alone. ``rows`` below are candidates'
    numbers, and arrays of weights are (P, N) for the whole program.
    """

    def __init__(
        self, program: LossProgram, classes: int, samples: int, classify: bool, dtype: Any
    ) -> None:
        self.classify, self._entries = classify, classes * samples
        self._tree = kernel_arrays(program, dtype)
        numbers = scratch_numbers(program.capacity, self._entries) + 2 * self._entries + 16
        self._pool = aligned(numbers, dtype)

    def _rows(self, rows: slice) -> tuple[Array, Array, Array]:
        code, constant, length = self._tree
        return code[rows], constant[rows], length[rows]

    def by_outputs(
        self, outputs: Array, labels: Array, w: Array, rows: slice = slice(None)
    ) -> tuple[Array, Array]:
        """Return the gradient of the mean loss by the outputs, (P, C, L), and the loss, (P,)."""
        chosen = w[rows]
        slopes = np.empty((len(chosen), *outputs.shape), outputs.dtype)
        total = np.empty((len(chosen), 1), outputs.dtype)
        _loss_slopes(
            outputs, labels, chosen, *self._rows(rows), self.classify, self._pool,
            slopes.reshape(len(chosen), -1), total,
        )  # fmt: skip
        return slopes, total[:, 0] / outputs.shape[1]

    def by_weights(
        self, outputs: Array, labels: Array, w: Array, tangent: Array, rows: slice = slice(None)
    ) -> Array:
        """Return ``d/dw sum m'(y, f) t / L`` as (P, N) for tangents t of the outputs (P, C, L)."""
        chosen = w[rows]
        slopes = np.zeros_like(chosen)
        _weight_slopes(
            outputs, labels, chosen, *self._rows(rows), self.classify,
            np.array(tangent, order="C").reshape(len(chosen), -1), self._pool, slopes,
        )  # fmt: skip
        slopes[:, 0] = 0  # the root has no edge above it
        slopes /= outputs.dtype.type(outputs.shape[1])
        return slopes


def objective_slopes(outputs: Array, labels: Array, classify: bool) -> tuple[float, Array]:
    """Return the task's differentiable objective and its gradient by the outputs (C, L)."""
    slopes, value = np.empty_like(outputs), np.empty(1)
    code = metric_code("cross_entropy" if classify else "mse")
    _objective_slopes(outputs, labels, code, np.empty_like(outputs), slopes, value)
    return float(value[0]), slopes


def metric_means(outputs: Array, labels: Array, classify: bool) -> npt.NDArray[np.float64]:
    """Return the metrics (3,) in the order of ``METRICS``.

    NaN for those of the other kind of task, +inf for what is not finite.
    """
    names = ("error_rate", "cross_entropy") if classify else ("mse",)
    out = np.full(3, np.nan)
    codes = np.array([metric_code(name) for name in names])
    _metric_sums(np.ascontiguousarray(outputs), np.ascontiguousarray(labels), codes, out)
    measured = out[codes] / outputs.shape[1]
    out[codes] = np.where(np.isfinite(measured), measured, np.inf)
    return out

"""Local search: tune the weights of a whole population by unrolled differentiation.

Per meta step, a fresh network takes one step of SGD along each candidate loss, and the candidate's
weights take one step of Adam along the gradient of the task's objective after that step. With
``g = (1/B) sum_n J_n^T m'(f_n, y_n)`` and ``theta1 = s theta0 - a' g``, ``s = 1 - a' wd`` and
``a' = lr (1 + momentum)`` for Nesterov's momentum (else lr), that gradient is

    ``dL/dphi = -(a'/B) d/dphi sum_n m'(f_n, y_n) t_n``,   ``t = J v``,  ``v = grad L(theta1)``,

so the only second derivative is the scalar mixed one of the tree; for a classification ``t`` goes
through the Jacobian of softmax. All candidates share the network and the batches of a meta step,
hence also the activations and ``D[c]``, the derivative of output c by every pre-activation: the
candidate's backward pass and ``t`` are contractions with them.

Wide layers never form ``theta1``. It differs from ``s theta0`` by a product of rank B, so it acts
on validation activations A as ``s W A - a' delta (H^T A)``, and only ``B x B_valid`` kernels are
needed. Which form a layer takes follows from the shapes alone.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.compilation import compiled
from heliostat_methods.evomal.dense import (
    add_product,
    add_transposed_product,
    fill,
    model_outputs,
    network_backward,
    network_forward,
    outer_product,
    row_sums,
    spread,
    through_probabilities,
)
from heliostat_methods.evomal.kernel import (
    Tree,
    kernel_arrays,
    tree_gradient,
    tree_mixed,
    tree_values,
)
from heliostat_methods.evomal.networks import draw_batches, xavier_uniform
from heliostat_methods.evomal.objectives import metric_code, objective_gradient
from heliostat_methods.evomal.problem import LearningProblem, Streams, columns
from heliostat_methods.evomal.program import LossProgram

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class UnrolledConfig:
    """Meta steps and the inner step; defaults are those of the released regression runs."""

    meta_steps: int = 250
    meta_learning_rate: float = 1e-3
    learning_rate: float = 0.01
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    batch_size: int = 128

    def __post_init__(self) -> None:
        if self.meta_steps < 0:
            raise ValueError(f"meta_steps: got {self.meta_steps}; expected 0 or more")
        if self.batch_size < 1:
            raise ValueError(f"batch_size: got {self.batch_size}; expected at least 1")
        for name in ("meta_learning_rate", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: got {getattr(self, name)}; expected more than 0")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum: got {self.momentum}; expected 0 <= momentum < 1")
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay: got {self.weight_decay}; expected 0 or more")

    @property
    def first_step(self) -> float:
        """Factor a' of the first SGD step from an empty momentum buffer."""
        return self.learning_rate * (1.0 + self.momentum if self.nesterov else 1.0)


@dataclass(frozen=True)
class TunedLosses:
    """Weights (P, N), and the objective after the inner step, (meta_steps, P).

    NaN in the history and in the weights where a candidate diverged; a candidate that cannot pass a
    gradient keeps its weights and has NaN in the history alone.
    """

    weights: Array
    history: Array


@compiled()
def _tangents(
    theta0: Array,
    widths: Array,
    low_rank: Array,
    acts: Array,
    deltas: Array,
    first_v: Array,
    first_kernel: Array,
    kernels: Array,
    acts_v: Array,
    labels_v: Array,
    probability_v: Array,
    samples: int,
    deltas_v: Array,
    theta1: Array,
    v: Array,
    pairs: Array,
    spare: Array,
    u: Array,
    keep: Any,
    step: Any,
    objective: int,
) -> float:
    """Take the inner step and validate it; return the objective.

    ``u`` is filled with the change of the training batch's pre-activations along v, layer by layer
    with the activations below held fixed (the rest of J is in D). ``low_rank`` says for each layer
    whether theta1 and v stay factored. ``first_v`` is the first layer's pre-activation on the
    validation data at theta0 and ``first_kernel`` is X^T X_valid + 1, common to all candidates;
    the 1 stands for the bias.
    """
    L, V = acts.shape[1], acts_v.shape[1]
    zero = acts.dtype.type(0.0)
    last = widths.shape[0] - 2
    flat_acts, flat_deltas = acts.reshape(acts.size), deltas.reshape(deltas.size)
    flat_u = u.reshape(u.size)
    at, row = 0, 0
    for layer in range(last + 1):
        K, J = widths[layer], widths[layer + 1]
        above, bias = row + K, at + J * K
        if low_rank[layer]:
            kernel = kernels[layer]
            if layer == 0:
                acts_v[above : above + J] = first_v
                kernel[:] = first_kernel
            else:
                spread(theta0, bias, J, acts_v, above, V)
                add_product(theta0, at, J, K, acts_v, row, acts_v, above)
                fill(kernel, 0, L, V, 1.0)
                add_transposed_product(flat_acts, row * L, K, L, acts_v, row, kernel, 0)
            fill(spare, 0, J, V, 0.0)
            add_product(flat_deltas, above * L, J, L, kernel, 0, spare, 0)
            for j in range(J):
                for l in range(V):
                    acts_v[above + j, l] = keep * acts_v[above + j, l] - step * spare[j, l]
        else:
            outer_product(deltas, above, J, acts, row, K, theta1, at)
            row_sums(deltas, above, J, theta1, bias, L)
            for i in range(at, bias + J):
                theta1[i] = keep * theta0[i] - step * theta1[i]
            spread(theta1, bias, J, acts_v, above, V)
            add_product(theta1, at, J, K, acts_v, row, acts_v, above)
        if layer < last:
            for j in range(above, above + J):
                for l in range(V):
                    x = acts_v[j, l]
                    acts_v[j, l] = zero if x < zero else x
        at += J * K + J
        row += K
    loss = objective_gradient(objective, acts_v, labels_v, probability_v, samples, deltas_v)
    at, row = theta0.shape[0], acts.shape[0]
    for layer in range(last, -1, -1):
        K, J = widths[layer], widths[layer + 1]
        at -= J * K + J
        row -= J
        below, bias = row - K, at + J * K
        if low_rank[layer]:
            outer_product(deltas_v, row, J, kernels[layer], 0, L, flat_u, row * L)
        else:
            outer_product(deltas_v, row, J, acts_v, below, K, v, at)
            row_sums(deltas_v, row, J, v, bias, V)
            spread(v, bias, J, u, row, L)
            add_product(v, at, J, K, acts, below, u, row)
        if layer == 0:
            break
        fill(deltas_v, below, K, V, 0.0)
        if low_rank[layer]:
            add_transposed_product(theta0, at, J, K, deltas_v, row, deltas_v, below)
            fill(pairs, 0, L, V, 0.0)
            add_transposed_product(flat_deltas, row * L, J, L, deltas_v, row, pairs, 0)
            fill(spare, 0, K, V, 0.0)
            add_product(flat_acts, below * L, K, L, pairs, 0, spare, 0)
            for k in range(K):
                for l in range(V):
                    deltas_v[below + k, l] = keep * deltas_v[below + k, l] - step * spare[k, l]
        else:
            add_transposed_product(theta1, at, J, K, deltas_v, row, deltas_v, below)
        for k in range(below, row):
            for l in range(V):
                x = deltas_v[k, l]
                deltas_v[k, l] = x if acts_v[k, l] > zero else zero
    return loss


@compiled()
def _meta_step(
    tree: Tree,
    w: Array,
    moment1: Array,
    moment2: Array,
    adam_size: float,
    adam_unbias: float,
    theta0: Array,
    widths: Array,
    acts: Array,
    labels: Array,
    acts_v: Array,
    labels_v: Array,
    samples: int,
    keep: float,
    step: float,
    classify: bool,
    low_rank: Array,
    objective: int,
    losses: Array,
) -> None:
    rows, L = acts.shape
    V = acts_v.shape[1]
    C, N, inputs = labels.shape[0], tree[0].shape[1], widths[0]
    dtype = acts.dtype
    zero = dtype.type(0.0)
    keep_, step_, share = dtype.type(keep), dtype.type(step), dtype.type(1.0 / L)
    size, unbias = dtype.type(adam_size), dtype.type(adam_unbias)
    b1, b2, eps = dtype.type(0.9), dtype.type(0.999), dtype.type(1e-8)
    r1, r2 = dtype.type(1.0 - 0.9), dtype.type(1.0 - 0.999)

    # Common to all candidates: activations, outputs, and D[c] for every class.
    network_forward(theta0, widths, acts)
    outputs = np.empty((C, L), dtype)
    model_outputs(acts, classify, outputs)
    D = np.empty((C, rows, L), dtype)
    for c in range(C):
        fill(D[c], rows - C, C, L, 0.0)
        fill(D[c], rows - C + c, 1, L, 1.0)
        network_backward(theta0, widths, acts, D[c])
    flat_f, flat_y = outputs.reshape(C * L), labels.reshape(C * L)
    widest, factored = 0, False
    for layer in range(widths.shape[0] - 1):
        widest = max(widest, widths[layer], widths[layer + 1])
        factored = factored or low_rank[layer]
    theta1, v_theta = np.empty_like(theta0), np.empty_like(theta0)
    first_rows = widths[1] if low_rank[0] else 0
    first_v, first_kernel = np.empty((first_rows, V), dtype), np.empty((L, V), dtype)
    if low_rank[0]:
        K, J = widths[0], widths[1]
        spread(theta0, J * K, J, first_v, 0, V)
        add_product(theta0, 0, J, K, acts_v, 0, first_v, 0)
        fill(first_kernel, 0, L, V, 1.0)
        add_transposed_product(acts.reshape(rows * L), 0, K, L, acts_v, 0, first_kernel, 0)
    kernels = np.empty((widths.shape[0] - 1 if factored else 0, L, V), dtype)
    pairs, spare = np.empty((L, V), dtype), np.empty((widest if factored else 0, V), dtype)

    values, g = np.empty((N, C * L), dtype), np.empty((N, C * L), dtype)
    d, h = np.empty((N, C * L), dtype), np.empty((N, C * L), dtype)
    scratch = np.empty((4, C * L), dtype)
    e, t = np.empty((C, L), dtype), np.empty((C, L), dtype)
    flat_e, flat_t, probability_v = e.reshape(C * L), t.reshape(C * L), np.empty((C, V), dtype)
    deltas, u = np.empty((rows, L), dtype), np.empty((rows, L), dtype)
    deltas_v, gradient = np.empty((rows, V), dtype), np.empty(N, dtype)
    for p in range(w.shape[0]):
        losses[p] = np.nan
        broken = False
        for i in range(1, tree[5][p]):
            broken = broken or not np.isfinite(w[p, i])
        if broken or not tree[4][p, 0]:
            continue  # what is lost stays lost; without a gradient Adam moves nothing
        tree_values(tree, p, w, flat_f, flat_y, values)
        tree_gradient(tree, p, w, values, g, scratch, flat_e)
        if classify:
            through_probabilities(outputs, e)
        for r in range(inputs, rows):
            for l in range(L):
                deltas[r, l] = e[0, l] * share * D[0, r, l]
            for c in range(1, C):
                for l in range(L):
                    deltas[r, l] += e[c, l] * share * D[c, r, l]
        losses[p] = _tangents(
            theta0, widths, low_rank, acts, deltas, first_v, first_kernel, kernels, acts_v,
            labels_v, probability_v, samples, deltas_v, theta1, v_theta, pairs, spare, u, keep_,
            step_, objective,
        )  # fmt: skip
        for c in range(C):
            for l in range(L):
                t[c, l] = zero
            for r in range(inputs, rows):
                for l in range(L):
                    t[c, l] += D[c, r, l] * u[r, l]
        if classify:
            through_probabilities(outputs, t)
        tree_mixed(tree, p, w, flat_t, values, d, g, h, scratch, gradient)
        for i in range(1, tree[5][p]):
            x = -step_ * share * gradient[i]
            moment1[p, i] = b1 * moment1[p, i] + r1 * x
            moment2[p, i] = b2 * moment2[p, i] + r2 * x * x
            w[p, i] -= size * moment1[p, i] / (np.sqrt(moment2[p, i]) * unbias + eps)


def tune(
    program: LossProgram,
    weights: Array,
    problem: LearningProblem,
    config: UnrolledConfig,
    streams: Streams,
) -> TunedLosses:
    """Tune all candidates' weights together; ``weights`` (P, N) are the first ones, kept as is.

    Uses the streams ``"init"``, ``"train"`` and ``"valid"``: give every block of a population the
    same ones, and a candidate's result depends on nothing but itself. The objective is the mean
    squared error of a regression or the cross-entropy of a classification.
    """
    dtype = problem.dtype
    w = np.ascontiguousarray(weights[:, : program.capacity], dtype).copy()
    if w.shape != (program.count, program.capacity):
        raise ValueError(
            f"weights: shape {weights.shape}; expected ({program.count}, {program.capacity})"
        )
    moments = np.zeros_like(w), np.zeros_like(w)
    tree = kernel_arrays(program, dtype)
    classify = problem.task == "classification"
    objective = metric_code("cross_entropy" if classify else "mse")
    train_rows, valid_rows = problem.x_train.shape[1], problem.x_valid.shape[1]
    train = draw_batches(streams("train"), train_rows, config.batch_size, config.meta_steps)
    valid = draw_batches(streams("valid"), valid_rows, config.batch_size, config.meta_steps)
    init = streams("init")
    B, V, C, inputs = train.shape[1], valid.shape[1], problem.classes, problem.widths[0]
    widths = np.array(problem.widths, np.int64)
    low_rank = widths[:-1] * widths[1:] > B * V
    acts = np.empty((int(widths.sum()), B), dtype)
    # Whole vector registers on the validation side: columns of zeros that carry no gradient.
    padded = (V + 15) // 16 * 16
    acts_v = np.zeros((int(widths.sum()), padded), dtype)
    labels, labels_v = np.empty((C, B), dtype), np.zeros((C, padded), dtype)
    taken_x, taken_y = np.empty((inputs, V), dtype), np.empty((C, V), dtype)
    history = np.empty((config.meta_steps, program.count), dtype)
    step = config.first_step
    for k in range(config.meta_steps):
        theta0 = xavier_uniform(problem.widths, init, dtype)
        columns(problem.x_train, train[k], acts[:inputs])
        columns(problem.y_train, train[k], labels)
        columns(problem.x_valid, valid[k], taken_x)
        columns(problem.y_valid, valid[k], taken_y)
        acts_v[:inputs, :V], labels_v[:, :V] = taken_x, taken_y
        _meta_step(
            tree,
            w,
            *moments,
            config.meta_learning_rate / (1.0 - 0.9 ** (k + 1)),
            1.0 / (1.0 - 0.999 ** (k + 1)) ** 0.5,
            theta0,
            widths,
            acts,
            labels,
            acts_v,
            labels_v,
            V,
            1.0 - step * config.weight_decay,
            step,
            classify,
            low_rank,
            objective,
            history[k],
        )
    return TunedLosses(w, history)

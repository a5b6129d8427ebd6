"""One meta step of local search, compiled: see ``unrolled`` for the mathematics.

All candidates share the network and the batches of a step, so the activations and ``D[c]``, the
derivative of output c by every pre-activation, are computed once. The buffers of a step are
windows into one pool, laid out by ``workspace``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.learners.kernels.dense import (
    add_product,
    add_transposed_product,
    affine,
    fill,
    gate,
    model_outputs,
    network_backward,
    network_forward,
    outer_product,
    rectify,
    row_sums,
    through_probabilities,
)
from heliostat_methods.evomal.learners.kernels.objectives import objective_gradient
from heliostat_methods.evomal.population.compilation import aligned, entry, kernel, window
from heliostat_methods.evomal.population.evaluation import scratch_numbers
from heliostat_methods.evomal.population.interpreter import tree_gradient, tree_mixed, tree_values

Array = npt.NDArray[Any]


@kernel("f2, f2, f, f")
def _blend(spare: Array, out: Array, keep: Any, step: Any) -> None:
    """Replace ``out`` by ``keep out - step spare``."""
    for j in range(out.shape[0]):
        x, row = spare[j], out[j]
        for l in range(out.shape[1]):
            row[l] = keep * row[l] - step * x[l]


@kernel("f1, i1, i1, f2, f2, f2, f2, f1, f2, f2, f2, f, f")
def _outputs_after_step(
    theta0: Array,
    widths: Array,
    low_rank: Array,
    acts: Array,
    deltas: Array,
    first: Array,
    kernels: Array,
    theta1: Array,
    acts_v: Array,
    pairs: Array,
    spare: Array,
    keep: Any,
    step: Any,
) -> None:
    """Take the inner step and fill ``acts_v``, the validation data's activations after it.

    ``low_rank`` says for each layer whether theta1 stays factored; where it does not, ``theta1``
    is filled. ``first`` is the first layer's pre-activation on the validation data at theta0 and
    the first of ``kernels`` is X^T X_valid + 1, both common to all candidates if that layer is
    factored; the 1 stands for the bias. The other layers' kernels are filled.
    """
    L, V = acts.shape[1], acts_v.shape[1]
    last = widths.shape[0] - 2
    at, row = 0, 0
    for layer in range(last + 1):
        K, J = widths[layer], widths[layer + 1]
        bias = at + J * K
        below, here = window(acts, row * L, K, L), window(deltas, (row + K) * L, J, L)
        below_v, out = window(acts_v, row * V, K, V), window(acts_v, (row + K) * V, J, V)
        if low_rank[layer]:
            pair = window(kernels, layer * L * V, L, V)
            if layer == 0:
                for j in range(J):
                    source, target = first[j], out[j]
                    for l in range(V):
                        target[l] = source[l]
            else:
                affine(window(theta0, at, J, K), window(theta0, bias, J, 1), below_v, out)
                fill(pair, theta0.dtype.type(1.0))
                add_transposed_product(below, below_v, pair)
            change = window(spare, 0, J, V)
            fill(change, theta0.dtype.type(0.0))
            add_product(here, pair, change)
            _blend(change, out, keep, step)
        else:
            matrix, column = window(theta1, at, J, K), window(theta1, bias, J, 1)
            outer_product(here, below, matrix)
            row_sums(here, column)
            for i in range(at, bias + J):
                theta1[i] = keep * theta0[i] - step * theta1[i]
            affine(matrix, column, below_v, out)
        if layer < last:
            rectify(out)
        at = bias + J
        row += K


@kernel("f1, i1, i1, f2, f2, f2, f1, f2, f2, f1, f2, f2, f2, f, f")
def _tangents(
    theta0: Array,
    widths: Array,
    low_rank: Array,
    acts: Array,
    deltas: Array,
    kernels: Array,
    theta1: Array,
    acts_v: Array,
    deltas_v: Array,
    v: Array,
    pairs: Array,
    spare: Array,
    u: Array,
    keep: Any,
    step: Any,
) -> None:
    """Fill ``u``, given the outputs' rows of ``deltas_v``.

    It is the change of the training batch's pre-activations along v, the objective's gradient at
    theta1, layer by layer with the activations below held fixed (the rest of J is in D).
    """
    L, V = acts.shape[1], acts_v.shape[1]
    zero = theta0.dtype.type(0.0)
    at, row = theta0.shape[0], acts.shape[0]
    for layer in range(widths.shape[0] - 2, -1, -1):
        K, J = widths[layer], widths[layer + 1]
        at -= J * K + J
        row -= J
        low, bias = row - K, at + J * K
        below, here = window(acts, low * L, K, L), window(deltas, row * L, J, L)
        here_v, out = window(deltas_v, row * V, J, V), window(u, row * L, J, L)
        pair = window(kernels, layer * L * V, L, V)
        if low_rank[layer]:
            outer_product(here_v, pair, out)
        else:
            matrix, column = window(v, at, J, K), window(v, bias, J, 1)
            outer_product(here_v, window(acts_v, low * V, K, V), matrix)
            row_sums(here_v, column)
            affine(matrix, column, below, out)
        if layer == 0:
            break
        below_v = window(deltas_v, low * V, K, V)
        fill(below_v, zero)
        if low_rank[layer]:
            add_transposed_product(window(theta0, at, J, K), here_v, below_v)
            fill(pairs, zero)
            add_transposed_product(here, here_v, pairs)
            change = window(spare, 0, K, V)
            fill(change, zero)
            add_product(below, pairs, change)
            _blend(change, below_v, keep, step)
        else:
            add_transposed_product(window(theta1, at, J, K), here_v, below_v)
        gate(window(acts_v, low * V, K, V), below_v)


@kernel("f2, f2, f2, i, f, b")
def _spread_deltas(e: Array, D: Array, deltas: Array, inputs: int, share: Any, add: bool) -> None:
    """Write (or add) one class's part of the batch's deltas: ``share e D``, e a row."""
    slope = e[0]
    for r in range(inputs, deltas.shape[0]):
        d, row = D[r], deltas[r]
        if add:
            for l in range(deltas.shape[1]):
                row[l] += slope[l] * share * d[l]
        else:
            for l in range(deltas.shape[1]):
                row[l] = slope[l] * share * d[l]


@kernel("f2, f2, i, f2")
def _collect_tangent(D: Array, u: Array, inputs: int, t: Array) -> None:
    """Write the row ``t``, the sum of ``D u`` over all pre-activations."""
    total = t[0]
    for l in range(t.shape[1]):
        total[l] = t.dtype.type(0.0)
    for r in range(inputs, u.shape[0]):
        d, row = D[r], u[r]
        for l in range(t.shape[1]):
            total[l] += d[l] * row[l]


@kernel("i, f, f, f, f1, f1, f1, f1")
def _adam(
    n: int, scale: Any, size: Any, unbias: Any, gradient: Array, moment1: Array, moment2: Array,
    w: Array,
) -> None:  # fmt: skip
    dtype = gradient.dtype
    b1, b2, eps = dtype.type(0.9), dtype.type(0.999), dtype.type(1e-8)
    r1, r2 = dtype.type(1.0 - 0.9), dtype.type(1.0 - 0.999)
    for i in range(1, n):
        x = scale * gradient[i]
        moment1[i] = b1 * moment1[i] + r1 * x
        moment2[i] = b2 * moment2[i] + r2 * x * x
        w[i] -= size * moment1[i] / (np.sqrt(moment2[i]) * unbias + eps)


def workspace(
    widths: Array, low_rank: Array, batch: int, samples: int, nodes: int, dtype: npt.DTypeLike
) -> tuple[Array, Array]:
    """Return the pool of numbers that ``meta_step`` works in, (numbers,), and where buffers begin.

    ``widths`` (layers + 1,) of the network, inputs first; ``low_rank`` (layers,) is 1 for a layer
    that is stepped without forming its new matrix. ``batch`` and ``samples`` are columns of the
    training and of the padded validation batch, ``nodes`` the longest tree's.
    """
    rows, widest, C = int(widths.sum()), int(widths.max()), int(widths[-1])
    parameters = int(((widths[:-1] + 1) * widths[1:]).sum())
    factored = int(low_rank.any())
    sizes = (
        [C * rows * batch, rows * batch, rows * batch, rows * samples, parameters, parameters]
        + [scratch_numbers(nodes, C * batch)]
        + [C * batch] * 3
        + [C * samples, nodes]
        + [factored * n * samples for n in (len(low_rank) * batch, batch, widest, widest)]
    )
    ends = np.cumsum([(size + 15) // 16 * 16 for size in sizes])  # each begins a cache line
    return aligned(int(ends[-1]), dtype), np.append(0, ends[:-1])


@entry
def meta_step(
    w: Array,
    moments: Array,
    code: Array,
    constant: Array,
    length: Array,
    theta0: Array,
    widths: Array,
    low_rank: Array,
    acts: Array,
    labels: Array,
    acts_v: Array,
    labels_v: Array,
    samples: int,
    classify: bool,
    objective: int,
    keep: float,
    step: float,
    adam_size: float,
    adam_unbias: float,
    pool: Array,
    begin: Array,
    losses: Array,
) -> None:
    """Take one step of Adam on every candidate's weights; ``losses`` receives the objective.

    P candidates of at most N nodes; a network of ``rows = sum(widths)`` units; C outputs; batches
    of B training samples and V validation samples.

    * Changed in place: ``w`` (P, N) the weights, ``moments`` (2, P, N) Adam's, ``losses`` (P,) the
      objective after the inner step, NaN for a candidate that diverged or passes no gradient.
    * The trees, from ``kernel_arrays``: ``code`` (P, N, 4), ``constant`` (P, N), ``length`` (P,).
    * The network: ``theta0`` (parameters,) layer by layer, ``widths`` (layers + 1,), ``low_rank``
      (layers,) as ``workspace`` has it.
    * The batches: ``acts`` (rows, B) and ``acts_v`` (rows, V) with the inputs in their first rows,
      ``labels`` (C, B), ``labels_v`` (C, V); ``samples`` of the V columns count, the others are 0.
    * The task: ``classify``, and ``objective``, a code of ``metric_code``.
    * The inner step: ``theta1 = keep theta0 - step gradient``.
    * Adam: ``adam_size`` the rate over the first moment's bias, ``adam_unbias`` one over the root
      of the second one's.
    * ``pool``, ``begin``: what ``workspace`` gave for these sizes.
    """
    rows, L = acts.shape
    V, C, N, inputs = acts_v.shape[1], labels.shape[0], code.shape[1], widths[0]
    E, parameters = C * L, theta0.shape[0]
    share, zero = w.dtype.type(1.0 / L), w.dtype.type(0.0)
    D = window(pool, begin[0], C * rows, L)
    deltas, u = window(pool, begin[1], rows, L), window(pool, begin[2], rows, L)
    deltas_v = window(pool, begin[3], rows, V)
    theta1 = window(pool, begin[4], 1, parameters)[0]
    v_theta = window(pool, begin[5], 1, parameters)[0]
    scratch = window(pool, begin[6], 6 * N + 2, E)
    outputs, e = window(pool, begin[7], C, L), window(pool, begin[8], C, L)
    t, probability = window(pool, begin[9], C, L), window(pool, begin[10], C, V)
    gradient = window(pool, begin[11], 1, N)[0]
    # Without a factored layer these four are never touched.
    kernels, pairs = (
        window(pool, begin[12], low_rank.shape[0] * L, V),
        window(pool, begin[13], L, V),
    )
    spare, first = window(pool, begin[14], widths[0], V), window(pool, begin[15], widths[1], V)
    values, g = window(scratch, 0, N, E), window(scratch, N * E, N, E)
    h, d = window(scratch, 2 * N * E, N, E), window(scratch, 3 * N * E, N, E)
    c, partial = window(scratch, 4 * N * E, 2 * N, E), window(scratch, 6 * N * E, 2, E)

    network_forward(theta0, widths, acts)
    model_outputs(acts, classify, outputs)
    for k in range(C):
        slopes = window(D, k * rows * L, rows, L)
        top = window(slopes, (rows - C) * L, C, L)
        fill(top, zero)
        fill(window(top, k * L, 1, L), w.dtype.type(1.0))
        network_backward(theta0, widths, acts, slopes)
    if low_rank[0]:
        K, J = widths[0], widths[1]
        x, x_v, pair = window(acts, 0, K, L), window(acts_v, 0, K, V), window(kernels, 0, L, V)
        matrix, bias = window(theta0, 0, J, K), window(theta0, J * K, J, 1)
        affine(matrix, bias, x_v, first)
        fill(pair, w.dtype.type(1.0))
        add_transposed_product(x, x_v, pair)
    flat_f, flat_y = window(outputs, 0, 1, E)[0], window(labels, 0, 1, E)[0]
    flat_e, flat_t = window(e, 0, 1, E)[0], window(t, 0, 1, E)[0]
    for p in range(w.shape[0]):
        losses[p] = np.nan
        n, broken = length[p], False
        for i in range(1, n):
            broken = broken or not np.isfinite(w[p, i])
        if broken or code[p, 0, 3] == 0:
            continue  # what is lost stays lost; without a gradient Adam moves nothing
        tree_values(code[p], n, constant[p], w[p], flat_f, flat_y, values)
        tree_gradient(code[p], n, w[p], values, g, c, flat_e)
        if classify:
            through_probabilities(outputs, e)
        for k in range(C):
            slopes = window(D, k * rows * L, rows, L)
            _spread_deltas(window(e, k * L, 1, L), slopes, deltas, inputs, share, k > 0)
        _outputs_after_step(
            theta0, widths, low_rank, acts, deltas, first, kernels, theta1, acts_v, pairs, spare,
            keep, step,
        )  # fmt: skip
        losses[p] = objective_gradient(objective, acts_v, labels_v, probability, samples, deltas_v)
        _tangents(
            theta0, widths, low_rank, acts, deltas, kernels, theta1, acts_v, deltas_v, v_theta,
            pairs, spare, u, keep, step,
        )  # fmt: skip
        for k in range(C):
            slopes = window(D, k * rows * L, rows, L)
            _collect_tangent(slopes, u, inputs, window(t, k * L, 1, L))
        if classify:
            through_probabilities(outputs, t)
        tree_mixed(code[p], n, w[p], flat_t, values, c, d, g, h, partial, gradient)
        _adam(
            n, -step * share, adam_size, adam_unbias, gradient, moments[0, p], moments[1, p], w[p]
        )

"""Short trainings of many small networks: every candidate loss, or one loss under many seeds.

A *run* is one network trained by one loss. All parameters stand in one stack (runs, parameters);
each run goes through its steps inside compiled code with the candidate's gradient injected at the
outputs, so there is no automatic differentiation and no interpreter in the loop. Mean squared error
and cross-entropy are trees too and take the same path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.compilation import compiled
from heliostat_methods.evomal.dense import (
    model_outputs,
    network_backward,
    network_forward,
    network_gradient,
    row_sums,
    through_probabilities,
)
from heliostat_methods.evomal.kernel import Tree, kernel_arrays, tree_gradient, tree_values
from heliostat_methods.evomal.networks import draw_batches, xavier_uniform
from heliostat_methods.evomal.objectives import METRICS, Metric, metric_code, metric_sum
from heliostat_methods.evomal.problem import LearningProblem, Streams, columns
from heliostat_methods.evomal.program import LossProgram

Array = npt.NDArray[Any]
_GATHERED_BYTES = 8 << 20  # batches gathered ahead at a time; stays in the outer cache
_EVALUATION_COLUMNS = 256


@dataclass(frozen=True)
class TrainingConfig:
    """Steps of SGD; ``drops`` are (step, factor) pairs that scale the rate from that step on."""

    steps: int = 500
    learning_rate: float = 0.01
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    batch_size: int = 128
    drops: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ValueError(f"steps: got {self.steps}; expected 0 or more")
        if self.batch_size < 1:
            raise ValueError(f"batch_size: got {self.batch_size}; expected at least 1")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate: got {self.learning_rate}; expected more than 0")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum: got {self.momentum}; expected 0 <= momentum < 1")
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay: got {self.weight_decay}; expected 0 or more")

    def rates(self) -> npt.NDArray[np.float64]:
        """Return the learning rate of every step, (steps,)."""
        rates = np.full(self.steps, self.learning_rate)
        for step, factor in self.drops:
            rates[step:] *= factor
        return rates


@dataclass(frozen=True)
class TrainedRuns:
    """What R runs gave on the validation data.

    ``metrics`` (R, 3) in the order of ``METRICS``, +inf for a run that diverged; ``diverged`` (R,);
    ``curve`` (R, K, 3) at ``curve_steps``; ``theta`` (R, parameters). Metrics of the other kind of
    task (cross-entropy of a regression, say) are NaN.
    """

    metrics: npt.NDArray[np.float64]
    diverged: npt.NDArray[np.bool_]
    curve_steps: tuple[int, ...]
    curve: npt.NDArray[np.float64]
    theta: Array

    def fitness(self, metric: Metric) -> npt.NDArray[np.float64]:
        """Return one metric of every run, (R,), lower is better."""
        return self.metrics[:, metric_code(metric)]


@compiled()
def _advance(
    tree: Tree,
    w: Array,
    theta: Array,
    velocity: Array,
    alive: Array,
    widths: Array,
    x: Array,
    y: Array,
    rates: Array,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
    classify: bool,
) -> None:
    """Take ``len(rates)`` steps with every run; x (streams, steps, d, B), y (streams, steps, C, B).

    One tree or one stream serves all runs; otherwise there is one for each.
    """
    runs, steps = theta.shape[0], rates.shape[0]
    C, L, inputs = y.shape[2], x.shape[3], widths[0]
    rows = 0
    for layer in range(widths.shape[0]):
        rows += widths[layer]
    dtype = theta.dtype
    mu, decay, share = dtype.type(momentum), dtype.type(weight_decay), dtype.type(1.0 / L)
    N = tree[0].shape[1]
    acts, deltas = np.empty((rows, L), dtype), np.empty((rows, L), dtype)
    v, g = np.empty((N, C * L), dtype), np.empty((N, C * L), dtype)
    scratch, q, e = np.empty((4, C * L), dtype), np.empty((C, L), dtype), np.empty((C, L), dtype)
    gradient, loss = np.empty(theta.shape[1], dtype), np.empty(1, dtype)
    labels = np.empty((C, L), dtype)
    flat_q, flat_y, flat_e = q.reshape(C * L), labels.reshape(C * L), e.reshape(C * L)
    for run in range(runs):
        parameters, speed = theta[run], velocity[run]
        p = run if tree[0].shape[0] > 1 else 0
        stream = run if x.shape[0] > 1 else 0
        for k in range(steps):
            if not alive[run]:
                break
            for r in range(inputs):
                for l in range(L):
                    acts[r, l] = x[stream, k, r, l]
            for c in range(C):
                for l in range(L):
                    labels[c, l] = y[stream, k, c, l]
            network_forward(parameters, widths, acts)
            model_outputs(acts, classify, q)
            tree_values(tree, p, w, flat_q, flat_y, v)
            row_sums(v, 0, 1, loss, 0, C * L)
            if not np.isfinite(loss[0]):
                alive[run] = False
                break
            tree_gradient(tree, p, w, v, g, scratch, flat_e)
            if classify:
                through_probabilities(q, e)
            for c in range(C):
                for l in range(L):
                    deltas[rows - C + c, l] = e[c, l] * share
            network_backward(parameters, widths, acts, deltas)
            network_gradient(widths, acts, deltas, gradient)
            rate = dtype.type(rates[k])
            if nesterov:
                for i in range(parameters.shape[0]):
                    s = gradient[i] + decay * parameters[i]
                    speed[i] = mu * speed[i] + s
                    parameters[i] -= rate * (s + mu * speed[i])
            else:
                for i in range(parameters.shape[0]):
                    s = gradient[i] + decay * parameters[i]
                    speed[i] = mu * speed[i] + s
                    parameters[i] -= rate * speed[i]


@compiled()
def _measure(
    theta: Array, widths: Array, x: Array, y: Array, codes: Array, block: int, out: Array
) -> None:
    rows = 0
    for layer in range(widths.shape[0]):
        rows += widths[layer]
    C, n = y.shape
    for run in range(theta.shape[0]):
        for code in codes:
            out[run, code] = 0.0
        for begin in range(0, n, block):
            end = min(begin + block, n)
            acts = np.empty((rows, end - begin), theta.dtype)
            acts[: x.shape[0]] = x[:, begin:end]
            network_forward(theta[run], widths, acts)
            for code in codes:
                out[run, code] += metric_sum(code, acts[rows - C :], y[:, begin:end]) / n


def evaluate(theta: Array, problem: LearningProblem) -> npt.NDArray[np.float64]:
    """Return the metrics of a stack of networks on the validation data, (R, 3); +inf for none."""
    names = ("error_rate", "cross_entropy") if problem.task == "classification" else ("mse",)
    out = np.full((theta.shape[0], len(METRICS)), np.nan)
    codes = np.array([metric_code(name) for name in names])
    widths = np.array(problem.widths, np.int64)
    _measure(theta, widths, problem.x_valid, problem.y_valid, codes, _EVALUATION_COLUMNS, out)
    measured = out[:, codes]
    measured[~np.isfinite(measured)] = np.inf
    out[:, codes] = measured
    return out


def run_training(
    program: LossProgram,
    weights: Array,
    problem: LearningProblem,
    config: TrainingConfig,
    theta: Array,
    batches: npt.NDArray[np.int32],
    curve_steps: Sequence[int] = (),
) -> TrainedRuns:
    """Train R networks from given parameters over given batches.

    ``program`` and ``weights`` hold R candidates or one for all; ``theta`` (R, parameters);
    ``batches`` (S, steps, B) row numbers with S = R or 1. Raises ``ValueError`` for other shapes.
    """
    runs, dtype = theta.shape[0], problem.dtype
    if theta.ndim != 2 or theta.shape[1] != problem.parameters:
        raise ValueError(f"theta: shape {theta.shape}; expected (runs, {problem.parameters})")
    if program.count not in (1, runs):
        raise ValueError(f"program: {program.count} expressions; expected 1 or {runs}")
    if weights.shape[0] != program.count or weights.shape[1] < int(program.length.max()):
        raise ValueError(
            f"weights: shape {weights.shape}; expected ({program.count}, {program.capacity})"
        )
    if batches.ndim != 3 or batches.shape[0] not in (1, runs) or batches.shape[1] < config.steps:
        raise ValueError(
            f"batches: shape {batches.shape}; expected (1 or {runs}, {config.steps}, batch)"
        )
    if any(not 0 <= k <= config.steps for k in curve_steps):
        raise ValueError(f"curve_steps: got {list(curve_steps)}; expected 0..{config.steps}")
    theta = np.array(theta, dtype, order="C")
    velocity, alive = np.zeros_like(theta), np.ones(runs, np.bool_)
    tree, w = kernel_arrays(program, dtype), np.ascontiguousarray(weights, dtype)
    widths = np.array(problem.widths, np.int64)
    rates = config.rates()
    streams, _, size = batches.shape
    bytes_a_step = streams * size * (problem.widths[0] + problem.classes) * dtype.itemsize
    ahead = max(1, _GATHERED_BYTES // bytes_a_step)
    wanted = sorted(set(curve_steps))
    curve = np.empty((runs, len(wanted), len(METRICS)))
    done = 0
    while True:
        if done in wanted:
            curve[:, wanted.index(done)] = _with_failures(evaluate(theta, problem), alive)
        if done == config.steps:
            break
        end = min([done + ahead, config.steps, *(k for k in wanted if k > done)])
        x = np.empty((streams, end - done, problem.widths[0], size), dtype)
        y = np.empty((streams, end - done, problem.classes, size), dtype)
        for s in range(streams):
            for k in range(done, end):
                columns(problem.x_train, batches[s, k], x[s, k - done])
                columns(problem.y_train, batches[s, k], y[s, k - done])
        _advance(
            tree,
            w,
            theta,
            velocity,
            alive,
            widths,
            x,
            y,
            rates[done:end],
            config.momentum,
            config.nesterov,
            config.weight_decay,
            problem.task == "classification",
        )
        done = end
    metrics = _with_failures(evaluate(theta, problem), alive)
    code = metric_code("cross_entropy" if problem.task == "classification" else "mse")
    return TrainedRuns(metrics, np.isinf(metrics[:, code]), tuple(wanted), curve, theta)


def _with_failures(
    metrics: npt.NDArray[np.float64], alive: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    # A loss that is not finite ends a run; its network may still look harmless, so it is not asked.
    metrics[~alive] = np.where(np.isnan(metrics[~alive]), np.nan, np.inf)
    return metrics


def train(
    program: LossProgram,
    weights: Array,
    problem: LearningProblem,
    config: TrainingConfig,
    streams: Streams,
    curve_steps: Sequence[int] = (),
) -> TrainedRuns:
    """Train one network with every candidate: all from the same parameters over the same batches.

    Uses the streams ``"init"`` and ``"batch"``; give every block of a population the same ones.
    """
    theta = xavier_uniform(problem.widths, streams("init"), problem.dtype)
    rows = problem.x_train.shape[1]
    batches = draw_batches(streams("batch"), rows, config.batch_size, config.steps)
    stack = np.repeat(theta[None, :], program.count, axis=0)
    return run_training(program, weights, problem, config, stack, batches[None], curve_steps)


def train_replicas(
    program: LossProgram,
    weights: Array,
    problem: LearningProblem,
    config: TrainingConfig,
    replicas: Sequence[Streams],
    curve_steps: Sequence[int] = (),
) -> TrainedRuns:
    """Train one loss under several seeds: replica r draws from its own ``replicas[r]``.

    ``program`` holds one expression, or one for each replica. A replica's result equals that of
    ``train`` with the same streams, whatever the other replicas.
    """
    if not replicas:
        raise ValueError("replicas: expected at least one")
    rows = problem.x_train.shape[1]
    theta = np.stack([xavier_uniform(problem.widths, s("init"), problem.dtype) for s in replicas])
    batches = np.stack(
        [draw_batches(s("batch"), rows, config.batch_size, config.steps) for s in replicas]
    )
    return run_training(program, weights, problem, config, theta, batches, curve_steps)

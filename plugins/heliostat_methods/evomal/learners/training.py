"""Short trainings of many small networks: every candidate loss, or one loss under many seeds.

A *run* is one network trained by one loss. All parameters stand in one stack (runs, parameters);
each run goes through its steps inside compiled code with the candidate's gradient injected at the
outputs, so there is no automatic differentiation and no interpreter in the loop. Mean squared error
and cross-entropy are trees too and take the same path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from heliostat import stored
from heliostat_methods.evomal.learners.kernels.dense import (
    fill,
    layer_rows,
    model_outputs,
    network_backward,
    network_forward,
    network_gradient,
    row_sums,
    through_probabilities,
)
from heliostat_methods.evomal.learners.kernels.objectives import (
    METRICS,
    metric_code,
    metric_sum,
)
from heliostat_methods.evomal.learners.networks import draw_batches, xavier_uniform
from heliostat_methods.evomal.learners.problem import LearningProblem, Streams, columns
from heliostat_methods.evomal.population.compilation import aligned, entry, kernel, window
from heliostat_methods.evomal.population.evaluation import kernel_arrays
from heliostat_methods.evomal.population.interpreter import tree_gradient, tree_values
from heliostat_methods.evomal.population.program import LossProgram
from heliostat_search.augmentation import augment
from heliostat_search.trainings.measures import Measure, measured

if TYPE_CHECKING:
    from torch import Tensor

Array = npt.NDArray[Any]
_GATHERED_BYTES = 8 << 20  # batches gathered ahead at a time; stays in the outer cache
_EVALUATION_COLUMNS = 256


@stored("evomal.training_config")
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


@stored("evomal.augmented_training")
@dataclass(frozen=True)
class AugmentedTraining(TrainingConfig):
    """Steps of SGD on random crops of images padded by ``padding``, every other one flipped.

    A kind of its own: only the comparison augments, so a search's items stay what they are without.
    """

    padding: int = 4
    flip: bool = True

    def batch(self, images: "Tensor", rng: np.random.Generator) -> "Tensor":
        """Return a batch (B, channels, height, width) as a step sees it; the images stay."""
        import torch  # deferred: other trainings of dense networks need only the compiled kernels

        seen = augment(images.cpu().numpy(), rng, self.padding, self.flip)
        return torch.from_numpy(seen).to(images.device)


@stored("evomal.training_state")
@dataclass(frozen=True)
class TrainingState:
    """Where R runs stand after ``step`` steps, so that a training can stop and go on.

    ``theta`` (R, numbers of the network), ``velocity`` (R, parameters) and ``alive`` (R,).
    """

    step: int
    theta: Array
    velocity: Array
    alive: npt.NDArray[np.bool_]

    def select(self, runs: Any) -> "TrainingState":
        """Return the state of some runs, given by index or mask."""
        return TrainingState(self.step, self.theta[runs], self.velocity[runs], self.alive[runs])


@dataclass(frozen=True)
class TrainedRuns:
    """What R runs gave on the validation data.

    ``metrics`` (R, M) in the order of ``names``, which begin with ``METRICS``, +inf for a run that
    diverged; ``diverged`` (R,); ``curve`` (R, K, M) at ``curve_steps``; ``state`` to go on from.
    Metrics of the other kind of task (cross-entropy of a regression, say) are NaN. ``also`` (R, K,
    M') is the curve on the data of another problem, with its names, where one was given.
    """

    metrics: npt.NDArray[np.float64]
    diverged: npt.NDArray[np.bool_]
    curve_steps: tuple[int, ...]
    curve: npt.NDArray[np.float64]
    state: TrainingState
    names: tuple[Measure, ...] = METRICS
    also: npt.NDArray[np.float64] | None = None
    also_names: tuple[Measure, ...] = ()

    @property
    def theta(self) -> Array:
        """Return the networks' parameters, (R, parameters)."""
        return self.state.theta

    def fitness(self, metric: Measure) -> npt.NDArray[np.float64]:
        """Return one metric of every run, (R,), lower is better."""
        return self.metrics[:, self.names.index(metric)]


@kernel("b, f, f, f, f1, f1, f1")
def _descend(
    nesterov: bool, rate: Any, mu: Any, decay: Any, gradient: Array, speed: Array, theta: Array
) -> None:
    """Take one step of SGD with momentum."""
    for i in range(theta.shape[0]):
        s = gradient[i] + decay * theta[i]
        fast = mu * speed[i] + s
        speed[i] = fast
        theta[i] -= rate * (s + mu * fast if nesterov else fast)


@entry
def _advance(
    theta: Array,
    velocity: Array,
    alive: Array,
    code: Array,
    constant: Array,
    length: Array,
    w: Array,
    widths: Array,
    x: Array,
    y: Array,
    rates: Array,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
    classify: bool,
    pool: Array,
) -> None:
    """Take ``len(rates)`` steps with every run; x (streams, steps, d, B), y (streams, steps, C, B).

    One tree or one stream serves all runs; otherwise there is one for each.
    """
    C, L, inputs, N, rows = y.shape[2], x.shape[3], widths[0], code.shape[1], layer_rows(widths)
    E, size = C * L, rows * L
    share = theta.dtype.type(1.0 / L)
    acts, deltas = window(pool, 0, rows, L), window(pool, size, rows, L)
    q, e = window(pool, 2 * size, C, L), window(pool, 2 * size + E, C, L)
    flat_q, flat_e = window(q, 0, 1, E)[0], window(e, 0, 1, E)[0]
    at = 2 * size + 2 * E
    v, g = window(pool, at, N, E), window(pool, at + N * E, N, E)
    c = window(pool, at + 2 * N * E, 2 * N, E)
    at += 4 * N * E
    loss, gradient = window(pool, at, 1, 1), window(pool, at + 16, 1, theta.shape[1])[0]
    for run in range(theta.shape[0]):
        p = run if code.shape[0] > 1 else 0
        stream = run if x.shape[0] > 1 else 0
        n, tree = length[p], code[p]
        for k in range(rates.shape[0]):
            if not alive[run]:
                break
            batch, labels = x[stream, k], y[stream, k]
            for r in range(inputs):
                source, row = batch[r], acts[r]
                for l in range(L):
                    row[l] = source[l]
            network_forward(theta[run], widths, acts)
            model_outputs(acts, classify, q)
            tree_values(tree, n, constant[p], w[p], flat_q, window(labels, 0, 1, E)[0], v)
            row_sums(window(v, 0, 1, E), loss)
            if not np.isfinite(loss[0, 0]):
                alive[run] = False
                break
            if tree[0, 3] == 0:
                fill(window(gradient, 0, 1, theta.shape[1]), theta.dtype.type(0.0))
            else:
                tree_gradient(tree, n, w[p], v, g, c, flat_e)
                if classify:
                    through_probabilities(q, e)
                for r in range(C):
                    source, row = e[r], deltas[rows - C + r]
                    for l in range(L):
                        row[l] = source[l] * share
                network_backward(theta[run], widths, acts, deltas)
                network_gradient(widths, acts, deltas, gradient)
            _descend(
                nesterov, rates[k], momentum, weight_decay, gradient, velocity[run], theta[run]
            )


@entry
def _predict(theta: Array, widths: Array, x: Array, pool: Array, out: Array) -> None:
    rows, inputs, L = layer_rows(widths), x.shape[0], x.shape[1]
    acts, C = window(pool, 0, rows, L), out.shape[1]
    for r in range(inputs):
        for l in range(L):
            acts[r, l] = x[r, l]
    for run in range(theta.shape[0]):
        network_forward(theta[run], widths, acts)
        for r in range(C):
            for l in range(L):
                out[run, r, l] = acts[rows - C + r, l]


@entry
def _measure(
    theta: Array, widths: Array, x: Array, y: Array, codes: Array, pool: Array, out: Array
) -> None:
    rows, inputs, C, L = layer_rows(widths), x.shape[0], y.shape[0], x.shape[1]
    acts = window(pool, 0, rows, L)
    for r in range(inputs):
        for l in range(L):
            acts[r, l] = x[r, l]
    for run in range(theta.shape[0]):
        network_forward(theta[run], widths, acts)
        for code in codes:
            out[run, code] += metric_sum(code, window(acts, (rows - C) * L, C, L), y)


def predictions(theta: Array, problem: LearningProblem) -> Array:
    """Return the raw outputs of a stack of networks on the validation data, (R, C, n)."""
    widths, count = np.array(problem.widths, np.int64), problem.x_valid.shape[1]
    out = np.empty((theta.shape[0], problem.classes, count), theta.dtype)
    pool = aligned(sum(problem.widths) * min(count, _EVALUATION_COLUMNS), theta.dtype)
    for begin in range(0, count, _EVALUATION_COLUMNS):
        x = np.ascontiguousarray(problem.x_valid[:, begin : begin + _EVALUATION_COLUMNS])
        some = np.empty((theta.shape[0], problem.classes, x.shape[1]), theta.dtype)
        _predict(theta, widths, x, pool, some)
        out[:, :, begin : begin + x.shape[1]] = some
    return out


def evaluate(theta: Array, problem: LearningProblem) -> npt.NDArray[np.float64]:
    """Return the metrics of a stack of networks on the validation data, (R, M); +inf for none.

    The kernels' come first, then the problem's further measures.
    """
    names = ("error_rate", "cross_entropy") if problem.task == "classification" else ("mse",)
    out = np.full((theta.shape[0], len(METRICS)), np.nan)
    codes = np.array([metric_code(name) for name in names])
    out[:, codes] = 0.0
    widths, count = np.array(problem.widths, np.int64), problem.x_valid.shape[1]
    pool = aligned(sum(problem.widths) * min(count, _EVALUATION_COLUMNS), theta.dtype)
    for begin in range(0, count, _EVALUATION_COLUMNS):
        part = slice(begin, begin + _EVALUATION_COLUMNS)
        x, y = (np.ascontiguousarray(a[:, part]) for a in (problem.x_valid, problem.y_valid))
        _measure(theta, widths, x, y, codes, pool, out)
    out[:, codes] /= count
    means = out[:, codes]
    means[~np.isfinite(means)] = np.inf
    out[:, codes] = means
    if not problem.measures:
        return out
    further = [measured(problem.measures, one, problem.y_valid)
               for one in predictions(theta, problem)]  # fmt: skip
    return np.hstack([out, further])


def run_training(
    program: LossProgram,
    weights: Array,
    problem: LearningProblem,
    config: TrainingConfig,
    start: Array | TrainingState,
    batches: npt.NDArray[np.int32],
    curve_steps: Sequence[int] = (),
    until: int | None = None,
    also: LearningProblem | None = None,
) -> TrainedRuns:
    """Train R networks from given parameters, or from where they stood, over given batches.

    ``program`` and ``weights`` hold R candidates or one for all; ``start`` is a state or fresh
    parameters (R, parameters); ``batches`` (S, steps, B) row numbers with S = R or 1; ``until`` is
    the step to stop at. The curve is also measured on the validation data of ``also``. Raises
    ``ValueError`` for other shapes.
    """
    theta = start if not isinstance(start, TrainingState) else start.theta
    runs, dtype = theta.shape[0], problem.dtype
    last = config.steps if until is None else until
    if not 0 <= last <= config.steps:
        raise ValueError(f"until: got {until}; expected 0..{config.steps}")
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
    velocity, alive, done = np.zeros_like(theta), np.ones(runs, np.bool_), 0
    if isinstance(start, TrainingState):
        velocity, alive = np.array(start.velocity, dtype, order="C"), np.array(start.alive)
        done = start.step
    tree, w = kernel_arrays(program, dtype), np.array(weights, dtype, order="C")
    widths = np.array(problem.widths, np.int64)
    rates = config.rates()
    streams, _, size = batches.shape
    bytes_a_step = streams * size * (problem.widths[0] + problem.classes) * dtype.itemsize
    ahead = max(1, _GATHERED_BYTES // bytes_a_step)
    entries = problem.classes * size
    pool = aligned(
        2 * sum(problem.widths) * size
        + (4 * program.capacity + 2) * entries
        + 16
        + problem.parameters,
        dtype,
    )
    wanted = sorted(set(curve_steps))
    names = (*METRICS, *problem.measures)
    curve = np.full((runs, len(wanted), len(names)), np.nan)
    also_names = (*METRICS, *also.measures) if also is not None else ()
    seen = np.full((runs, len(wanted), len(also_names)), np.nan)
    while True:
        if done in wanted:
            at = wanted.index(done)
            curve[:, at] = _with_failures(evaluate(theta, problem), alive)
            if also is not None:
                seen[:, at] = _with_failures(evaluate(theta, also), alive)
        if done >= last:
            break
        end = min([done + ahead, last, *(k for k in wanted if k > done)])
        x = np.empty((streams, end - done, problem.widths[0], size), dtype)
        y = np.empty((streams, end - done, problem.classes, size), dtype)
        for s in range(streams):
            for k in range(done, end):
                columns(problem.x_train, batches[s, k], x[s, k - done])
                columns(problem.y_train, batches[s, k], y[s, k - done])
        _advance(
            theta,
            velocity,
            alive,
            *tree,
            w,
            widths,
            x,
            y,
            rates[done:end],
            config.momentum,
            config.nesterov,
            config.weight_decay,
            problem.task == "classification",
            pool,
        )
        done = end
    metrics = _with_failures(evaluate(theta, problem), alive)
    code = metric_code("cross_entropy" if problem.task == "classification" else "mse")
    state = TrainingState(done, theta, velocity, alive)
    return TrainedRuns(
        metrics, np.isinf(metrics[:, code]), tuple(wanted), curve, state, names,
        seen if also is not None else None, also_names,
    )  # fmt: skip


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
    state: TrainingState | None = None,
    until: int | None = None,
) -> TrainedRuns:
    """Train one network with every candidate: all from the same parameters over the same batches.

    ``program`` holds P candidates, ``weights`` (P, N) their weights. The result has the metrics
    (P, 3) on the validation data, and those after each of K ``curve_steps``, (P, K, 3).

    Uses the streams ``"init"`` and ``"batch"``; give every block of a population the same ones.
    A training that stops at step ``until`` and goes on from its ``state`` ends as one in a piece.
    Raises ``ValueError`` naming the argument for shapes that do not fit and steps beyond the last.
    """
    rows = problem.x_train.shape[1]
    batches = draw_batches(streams("batch"), rows, config.batch_size, config.steps)
    start: Array | TrainingState | None = state
    if start is None:
        theta = xavier_uniform(problem.widths, streams("init"), problem.dtype)
        start = np.repeat(theta[None, :], program.count, axis=0)
    return run_training(program, weights, problem, config, start, batches[None], curve_steps, until)


def train_replicas(
    program: LossProgram,
    weights: Array,
    problem: LearningProblem,
    config: TrainingConfig,
    replicas: Sequence[Streams],
    curve_steps: Sequence[int] = (),
    also: LearningProblem | None = None,
) -> TrainedRuns:
    """Train one loss under several seeds: replica r draws from its own ``replicas[r]``.

    ``program`` holds one expression, or one for each replica. A replica's result equals that of
    ``train`` with the same streams, whatever the other replicas. The curve is also measured on the
    validation data of ``also``, a problem of the same network.
    """
    if not replicas:
        raise ValueError("replicas: expected at least one")
    rows = problem.x_train.shape[1]
    theta = np.stack([xavier_uniform(problem.widths, s("init"), problem.dtype) for s in replicas])
    batches = np.stack(
        [draw_batches(s("batch"), rows, config.batch_size, config.steps) for s in replicas]
    )
    return run_training(program, weights, problem, config, theta, batches, curve_steps, also=also)

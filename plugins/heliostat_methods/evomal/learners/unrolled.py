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
needed. Wide networks with one output go further: there the candidates share all but B numbers each
(``gram``). Which form a layer and a network take follows from the shapes alone, never from how many
candidates there are.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat import stored
from heliostat_methods.evomal.learners.gram import GramStep
from heliostat_methods.evomal.learners.gram_cost import gram_suits_trees
from heliostat_methods.evomal.learners.kernels.meta_step import meta_step, workspace
from heliostat_methods.evomal.learners.kernels.objectives import metric_code
from heliostat_methods.evomal.learners.networks import draw_batches, xavier_uniform
from heliostat_methods.evomal.learners.output_slopes import OutputSlopes
from heliostat_methods.evomal.learners.problem import LearningProblem, Streams, columns
from heliostat_methods.evomal.population.compilation import aligned
from heliostat_methods.evomal.population.evaluation import kernel_arrays
from heliostat_methods.evomal.population.program import LossProgram

Array = npt.NDArray[Any]


@stored("evomal.unrolled_config")
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
    inner_steps: int = 1

    def __post_init__(self) -> None:
        if self.inner_steps < 1:
            raise ValueError(f"inner_steps: got {self.inner_steps}; expected at least 1")
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


@dataclass(frozen=True)
class Tuning:
    """What local search changes in place: weights (P, N) and Adam's moments (2, P, N)."""

    weights: Array
    moments: Array

    @classmethod
    def start(cls, program: LossProgram, weights: Array, dtype: npt.DTypeLike) -> "Tuning":
        """Return the state before the first step; ``weights`` (P, N or more) are kept as they are.

        Raises ``ValueError`` for a shape that does not fit the program.
        """
        w = np.ascontiguousarray(weights[:, : program.capacity], dtype).copy()
        if w.shape != (program.count, program.capacity):
            raise ValueError(
                f"weights: shape {weights.shape}; expected ({program.count}, {program.capacity})"
            )
        return cls(w, np.zeros((2, *w.shape), dtype))

    def movable(self, program: LossProgram) -> list[int]:
        """Return the candidates that a gradient can move: the others stay as they are."""
        return [
            p
            for p in np.flatnonzero(program.trainable).tolist()
            if np.isfinite(self.weights[p, 1 : program.length[p]]).all()
        ]

    def descend(self, slopes: Array, rows: list[int], rate: float, k: int) -> None:
        """Take step k of Adam along slopes (P, N), for the candidates ``rows`` alone.

        Weights whose slopes were 0 from the start stay.
        """
        kind, chosen = slopes.dtype.type, slopes[rows]
        first, second = self.moments[:, rows]
        size, unbias = kind(rate / (1.0 - 0.9 ** (k + 1))), kind((1.0 - 0.999 ** (k + 1)) ** -0.5)
        with np.errstate(over="ignore", invalid="ignore"):  # who diverges is seen by its weights
            first = kind(0.9) * first + kind(1.0 - 0.9) * chosen
            second = kind(0.999) * second + kind(1.0 - 0.999) * chosen * chosen
            self.weights[rows] -= size * first / (np.sqrt(second) * unbias + kind(1e-8))
        self.moments[0, rows], self.moments[1, rows] = first, second


Stepper = Callable[[LossProgram, Tuning, Any, UnrolledConfig, Streams], Callable[[int], Array]]
"""``meta_stepper`` of this module or of another kind of problem."""


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
    return tune_by(meta_stepper, program, weights, problem, config, streams)


def tune_by(
    stepper: Stepper,
    program: LossProgram,
    weights: Array,
    problem: Any,
    config: UnrolledConfig,
    streams: Streams,
) -> TunedLosses:
    """Return the weights (P, N) after all meta steps of a stepper, and what each step gave."""
    tuning = Tuning.start(program, weights, problem.dtype)
    step = stepper(program, tuning, problem, config, streams)
    history = np.empty((config.meta_steps, program.count), problem.dtype)
    for k in range(config.meta_steps):
        history[k] = step(k)
    return TunedLosses(tuning.weights, history)


def meta_stepper(
    program: LossProgram,
    tuning: Tuning,
    problem: LearningProblem,
    config: UnrolledConfig,
    streams: Streams,
) -> Callable[[int], Array]:
    """Return what takes meta step ``k`` on ``tuning`` and gives the objective after it, (P,).

    Each call draws the next batches and the next network, so steps that are taken on another
    problem draw nothing here.
    """
    if config.inner_steps != 1:
        raise ValueError(f"inner_steps: got {config.inner_steps}; the closed form has one")
    batch = min(config.batch_size, problem.x_train.shape[1])
    samples = min(config.batch_size, problem.x_valid.shape[1])
    if gram_suits_trees(problem.widths, batch, samples):
        return _by_gram_matrices(program, tuning, problem, config, streams)
    return _compiled(program, tuning, problem, config, streams)


def _batches(
    problem: LearningProblem, config: UnrolledConfig, streams: Streams
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the rows of all training and all validation batches, (meta_steps, B) and (.., V)."""
    rows, valid_rows, size = problem.x_train.shape[1], problem.x_valid.shape[1], config.batch_size
    return (
        draw_batches(streams("train"), rows, size, config.meta_steps),
        draw_batches(streams("valid"), valid_rows, size, config.meta_steps),
    )


def _by_gram_matrices(
    program: LossProgram,
    tuning: Tuning,
    problem: LearningProblem,
    config: UnrolledConfig,
    streams: Streams,
) -> Callable[[int], Array]:
    """Return the stepper of a wide network with one output."""
    dtype, classify = problem.dtype, problem.task == "classification"
    train, valid = _batches(problem, config, streams)
    init, taken, step = streams("init"), itertools.count(), config.first_step
    B, V, inputs = train.shape[1], valid.shape[1], problem.widths[0]
    trees = OutputSlopes(program, 1, B, classify, dtype)
    inner = GramStep(problem.widths, B, V, dtype, keep=1.0 - step * config.weight_decay, step=step)
    x, x_v = np.empty((inputs, B), dtype), np.empty((inputs, V), dtype)
    labels, labels_v = np.empty((1, B), dtype), np.empty((1, V), dtype)

    def take(k: int) -> Array:
        theta0, mine = xavier_uniform(problem.widths, init, dtype), next(taken)
        columns(problem.x_train, train[mine], x)
        columns(problem.y_train, train[mine], labels)
        columns(problem.x_valid, valid[mine], x_v)
        columns(problem.y_valid, valid[mine], labels_v)
        outputs = inner.begin(theta0, x, x_v)
        losses, active = np.full(program.count, np.nan, dtype), tuning.movable(program)
        e, _ = trees.by_outputs(outputs, labels, tuning.weights)
        tangent = np.zeros_like(e)
        for p in active:
            losses[p], tangent[p] = inner.after(e[p], labels_v, classify)
        slopes = trees.by_weights(outputs, labels, tuning.weights, tangent)
        slopes *= -dtype.type(step)
        tuning.descend(slopes, active, config.meta_learning_rate, k)
        return losses

    return take


def _compiled(
    program: LossProgram,
    tuning: Tuning,
    problem: LearningProblem,
    config: UnrolledConfig,
    streams: Streams,
) -> Callable[[int], Array]:
    """Return the stepper of any other dense network, all of it compiled."""
    dtype = problem.dtype
    code, constant, length = kernel_arrays(program, dtype)
    classify = problem.task == "classification"
    objective = metric_code("cross_entropy" if classify else "mse")
    train, valid = _batches(problem, config, streams)
    init = streams("init")
    B, V, C, inputs = train.shape[1], valid.shape[1], problem.classes, problem.widths[0]
    widths = np.array(problem.widths, np.int64)
    low_rank = (widths[:-1] * widths[1:] > B * V).astype(np.int64)
    rows = int(widths.sum())
    # Whole vector registers on the validation side: columns of zeros that carry no gradient.
    padded = (V + 15) // 16 * 16
    acts, acts_v = aligned(rows * B, dtype), aligned(rows * padded, dtype)
    acts, acts_v = acts.reshape(rows, B), acts_v.reshape(rows, padded)
    acts_v[:] = 0
    labels, labels_v = np.empty((C, B), dtype), np.zeros((C, padded), dtype)
    taken_x, taken_y = np.empty((inputs, V), dtype), np.empty((C, V), dtype)
    pool, begin = workspace(widths, low_rank, B, padded, program.capacity, dtype)
    step, taken = config.first_step, itertools.count()

    def take(k: int) -> Array:
        theta0, mine = xavier_uniform(problem.widths, init, dtype), next(taken)
        columns(problem.x_train, train[mine], acts[:inputs])
        columns(problem.y_train, train[mine], labels)
        columns(problem.x_valid, valid[mine], taken_x)
        columns(problem.y_valid, valid[mine], taken_y)
        acts_v[:inputs, :V], labels_v[:, :V] = taken_x, taken_y
        losses = np.empty(program.count, dtype)
        meta_step(
            tuning.weights,
            tuning.moments,
            code,
            constant,
            length,
            theta0,
            widths,
            low_rank,
            acts,
            labels,
            acts_v,
            labels_v,
            V,
            classify,
            objective,
            1.0 - step * config.weight_decay,
            step,
            config.meta_learning_rate / (1.0 - 0.9 ** (k + 1)),
            1.0 / (1.0 - 0.999 ** (k + 1)) ** 0.5,
            pool,
            begin,
            losses,
        )
        return losses

    return take

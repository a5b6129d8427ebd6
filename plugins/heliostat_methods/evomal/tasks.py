"""What runs on a worker: scoring a block of candidates, training one loss under several seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat import Shared, TaskContext
from heliostat_methods.evomal.expression import LossExpression, Task
from heliostat_methods.evomal.objectives import Metric, metric_code
from heliostat_methods.evomal.primitives import table_named
from heliostat_methods.evomal.problem import LearningProblem, Streams
from heliostat_methods.evomal.program import LossProgram, initial_weights, stack_weights
from heliostat_methods.evomal.rejection import RejectionConfig, accept
from heliostat_methods.evomal.training import TrainingConfig, train, train_replicas
from heliostat_methods.evomal.unrolled import UnrolledConfig, tune

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class ProblemData:
    """Everything a worker needs to know of one problem; shared once by hash.

    Inputs are (rows, features), targets (rows,).
    """

    name: str
    task: Task
    classes: int
    hidden: tuple[int, ...]
    train: tuple[Array, Array]
    valid: tuple[Array, Array]
    test: tuple[Array, Array]

    @property
    def metric(self) -> Metric:
        """The outer objective, lower is better."""
        return "mse" if self.task == "regression" else "error_rate"


@dataclass(frozen=True)
class ScoreSettings:
    """How a candidate is scored."""

    primitives: str
    local_search: bool
    weight_noise: float
    tuning: UnrolledConfig
    rejection: RejectionConfig
    training: TrainingConfig


@dataclass(frozen=True)
class Block:
    """Candidates that one task scores: canonical trees in prefix order."""

    problem: Shared[ProblemData]
    settings: ScoreSettings
    trees: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Scores:
    """A block's scores: tuned weights (P, N), fitness (P,), +inf where rejected or diverged.

    `status`: accepted, untrainable (no gradient can reach the model), rejected, diverged.
    """

    weights: Array
    fitness: Array
    status: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """One loss trained under several seeds with the base learning rate times `rate_factor`."""

    problem: Shared[ProblemData]
    loss: dict[str, Any]
    training: TrainingConfig
    seeds: tuple[int, ...]
    measured_on: str
    curve_steps: tuple[int, ...] = ()


@dataclass(frozen=True)
class TrialScores:
    """The metric of each seed, (R,), and on the way, (R, K) at the curve's steps."""

    metric: Array
    curve: Array


def validation_problem(data: ProblemData) -> LearningProblem:
    """Return the problem that is measured on validation data."""
    return _problem(data, data.valid)


def test_problem(data: ProblemData) -> LearningProblem:
    """Return the problem that is measured on test data; training data are the same."""
    return _problem(data, data.test)


def _problem(data: ProblemData, measured: tuple[Array, Array]) -> LearningProblem:
    return LearningProblem.from_rows(
        *data.train, *measured, task=data.task, hidden=data.hidden, classes=data.classes
    )


def _streams(ctx: TaskContext, *prefix: int | str) -> Streams:
    def streams(*name: int | str) -> np.random.Generator:
        return ctx.rng(*prefix, *name)

    return streams


def score_block(block: Block, ctx: TaskContext) -> Scores:
    """Local search, rejection protocol and partial training of a block of candidates.

    All candidates of a search share initialisations and batches: streams are named by phase only.
    """
    problem = ctx.cached(block.problem, validation_problem)
    data: ProblemData = ctx.shared()
    settings = block.settings
    table = table_named(settings.primitives)
    expressions = [LossExpression(tree, table=table) for tree in block.trees]
    program = LossProgram.from_expressions(expressions)
    noise = settings.weight_noise if settings.local_search else 0.0
    weights = initial_weights(expressions, ctx.rng("weights"), scale=noise)
    status = np.where(program.trainable, "accepted", "untrainable").astype("<U12")
    alive = np.flatnonzero(program.trainable)
    fitness = np.full(len(expressions), np.inf)
    if settings.local_search and alive.size:
        part = LossProgram.from_expressions([expressions[i] for i in alive], program.capacity)
        tuned = tune(part, weights[alive], problem, settings.tuning, _streams(ctx, "tuning"))
        weights[alive] = tuned.weights
        finite = np.isfinite(tuned.weights).all(axis=1)
        status[alive[~finite]] = "diverged"
        alive = alive[finite]
    if alive.size:
        part = LossProgram.from_expressions([expressions[i] for i in alive], program.capacity)
        streams = _streams(ctx, "rejection")
        passed = accept(part, weights[alive], problem, data.metric, settings.rejection, streams)
        status[alive[~passed]] = "rejected"
        alive = alive[passed]
    if alive.size:
        part = LossProgram.from_expressions([expressions[i] for i in alive], program.capacity)
        streams = _streams(ctx, "training")
        runs = train(part, weights[alive], problem, settings.training, streams)
        fitness[alive] = runs.fitness(data.metric)
        status[alive[~np.isfinite(fitness[alive])]] = "diverged"
    return Scores(weights, fitness, tuple(str(s) for s in status))


def train_loss(trial: Trial, ctx: TaskContext) -> TrialScores:
    """Train fresh models with a frozen loss, one for each seed; the seeds pair the losses."""
    data: ProblemData = ctx.shared()
    build = test_problem if trial.measured_on == "test" else validation_problem
    problem = ctx.cached(trial.problem, build)
    replicas = [_streams(ctx, "comparison", seed) for seed in trial.seeds]
    if "part" in trial.loss:
        from heliostat_methods.evomal.torch_training import train_part

        metric, curve = train_part(
            trial.loss["part"],
            problem,
            trial.training,
            replicas,
            trial.curve_steps,
            metric_code(data.metric),
        )
        return TrialScores(metric, curve)
    expression = LossExpression.from_dict(trial.loss)
    program = LossProgram.from_expressions([expression])
    runs = train_replicas(
        program,
        stack_weights([expression], problem.dtype),
        problem,
        trial.training,
        replicas,
        trial.curve_steps,
    )
    return TrialScores(runs.fitness(data.metric), runs.curve[:, :, metric_code(data.metric)])

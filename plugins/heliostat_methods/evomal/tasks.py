"""What runs on a worker: scoring candidates, whole or by phase, and training frozen losses.

What is constant for a search (data, settings, the losses of a comparison) is shared and named by a
handle; an item holds what varies. Its ``handles`` are to be declared in the call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from heliostat import Shared, TaskContext, stored, task
from heliostat_methods.evomal.learners.learner import (
    BaseLearner,
    DenseLearner,
    TorchLearner,
    learner,
    train_frozen,
)
from heliostat_methods.evomal.learners.phases import Candidates, ScoreSettings, train
from heliostat_methods.evomal.learners.problem import ProblemData, under
from heliostat_methods.evomal.learners.training import (
    TrainedRuns,
    TrainingConfig,
    TrainingState,
)
from heliostat_methods.evomal.learners.unrolled import UnrolledConfig
from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.tables import table_named
from heliostat_methods.evomal.population.program import LossProgram, initial_weights
from heliostat_search.trainings.measures import OF_TASK, standard_error

Array = np.ndarray[Any, Any]
Problems = tuple[ProblemData, ...]
Tree = tuple[str, ...]


@dataclass(frozen=True)
class _OnShared:
    """An item that names by handles what is constant for a search."""

    problems: Shared[Problems]
    settings: Shared[Any]

    @property
    def handles(self) -> tuple[Shared[Any], ...]:
        """Return what a call with this item has to declare as shared."""
        return self.problems, self.settings


@stored("evomal.block")
@dataclass(frozen=True)
class Block(_OnShared):
    """Candidates that one task scores: canonical trees in prefix order.

    `weights` are given ones, (nodes of the tree,) for each tree; without them each tree starts at
    ones with noise.
    """

    settings: Shared[ScoreSettings]
    trees: tuple[Tree, ...]
    weights: tuple[tuple[float, ...], ...] | None = None


@stored("evomal.tuned_block")
@dataclass(frozen=True)
class TunedBlock(_OnShared):
    """What the phases before training leave of a block, and the training that goes on.

    `weights` (P, N); `states`: one for each problem, or None before the first step.
    """

    settings: Shared[ScoreSettings]
    trees: tuple[Tree, ...]
    weights: Array
    states: tuple[TrainingState, ...] | None
    until: int


@stored("evomal.scores")
@dataclass(frozen=True)
class Scores:
    """A block's scores: tuned weights (P, N), fitness (P,), +inf where rejected or diverged.

    `status`: accepted, untrainable (no gradient can reach the model), label_free (the gradient
    never depends on the label), rejected_early, rejected, diverged. `steps`: candidate steps spent
    in local search, in the rejection protocol and in training.
    """

    weights: Array
    fitness: Array
    status: tuple[str, ...]
    steps: tuple[int, int, int]
    states: tuple[TrainingState, ...] = ()


@stored("evomal.judged")
@dataclass(frozen=True)
class Judged:
    """Losses trained as they are: fitness (P,), and its standard error over validation rows (P,).

    `steps` are the candidate steps of training.
    """

    fitness: Array
    error: Array
    steps: int


@stored("evomal.network_settings")
@dataclass(frozen=True)
class NetworkSettings:
    """How loss networks are tuned and scored; `hidden` are the widths of their hidden layers."""

    hidden: tuple[int, ...]
    tuning: UnrolledConfig
    training: TrainingConfig


@stored("evomal.network_search")
@dataclass(frozen=True)
class NetworkSearch(_OnShared):
    """One loss network to tune (ML3): its start is drawn from the stream of `restart`."""

    settings: Shared[NetworkSettings]
    restart: int


@stored("evomal.tuned_network")
@dataclass(frozen=True)
class TunedNetwork:
    """A tuned loss network as data, its validation metric, and the steps spent."""

    loss: dict[str, Any]
    fitness: float
    steps: tuple[int, int, int]


@stored("evomal.trial_settings")
@dataclass(frozen=True)
class LossTrainingSettings:
    """What the trainings of a comparison have in common: the losses as data, and how they train.

    They are measured after each of `curve_steps`.
    """

    losses: tuple[dict[str, Any], ...]
    training: TrainingConfig
    curve_steps: tuple[int, ...] = ()


@stored("evomal.trial")
@dataclass(frozen=True)
class LossTraining(_OnShared):
    """One loss, by its place, trained under several seeds on one of the problems, by its place.

    `factor` multiplies the learning rate. Measured on validation data, or on test data as well.
    """

    settings: Shared[LossTrainingSettings]
    which: int
    loss: int
    factor: float
    seeds: tuple[int, ...]
    measured_on: Literal["valid", "both"]


@stored("evomal.trial_curves")
@dataclass(frozen=True)
class TrainedCurves:
    """The metric of each seed on validation data at the curve's steps, (R, K), and on test data.

    `test` are all measures of the task, (R, K, M) in the order of ``OF_TASK``; M is 0 where test
    data were not asked for.
    """

    valid: Array
    test: Array


@stored("evomal.surroundings")
@dataclass(frozen=True)
class Surroundings(_OnShared):
    """Networks to train with one loss, and to look around at; places as in ``LossTraining``."""

    settings: Shared[LossTrainingSettings]
    which: int
    loss: int
    seeds: tuple[int, ...]


def validation_learners(problems: Problems) -> list[BaseLearner]:
    """Return the learners that are measured on validation data."""
    return [learner(data, data.valid) for data in problems]


def test_learners(problems: Problems) -> list[BaseLearner]:
    """Return the learners that take all measures on test data; training data are the same."""
    return [learner(data, data.test, measures=OF_TASK[data.task]) for data in problems]


def _learners(
    ctx: TaskContext,
    problems: Shared[Problems],
    build: Callable[[Problems], list[BaseLearner]] = validation_learners,
) -> list[BaseLearner]:
    """Return the learners, built once in each process, on the task's device.

    Their models' parts are this run's.
    """
    learners = ctx.cached(problems, build)
    for one in learners:
        one.parts = ctx.part
    return [one.on(ctx.device) for one in learners]


@task("evomal.score_block")
def score_block(block: Block, ctx: TaskContext) -> Scores:
    """Local search, rejection protocol and partial training of a block of candidates.

    All candidates of a search share initialisations and batches: streams are named by phase only.
    """
    kept: Scores | None = ctx.restore(None)
    tuned = tune_block(block, ctx) if kept is None else kept
    ctx.checkpoint(tuned)  # training is the other long half
    passed = [i for i, status in enumerate(tuned.status) if status == "accepted"]
    if not passed:
        return tuned
    rest = TunedBlock(
        block.problems,
        block.settings,
        tuple(block.trees[i] for i in passed),
        tuned.weights[passed],
        None,
        ctx.shared(block.settings).training.steps,
    )
    trained = train_block(rest, ctx)
    fitness, status = tuned.fitness.copy(), list(tuned.status)
    fitness[passed] = trained.fitness
    for i, outcome in zip(passed, trained.status, strict=True):
        status[i] = outcome
    steps = (tuned.steps[0], tuned.steps[1], trained.steps[2])
    return Scores(tuned.weights, fitness, tuple(status), steps)


@task("evomal.tune_block")
def tune_block(block: Block, ctx: TaskContext) -> Scores:
    """Do all that comes before training; candidates that are still in are called accepted."""
    learners, settings = _learners(ctx, block.problems), ctx.shared(block.settings)
    expressions = _expressions(block.trees, settings)
    noise = settings.weight_noise if settings.local_search else 0.0
    weights = initial_weights(expressions, ctx.rng("weights"), scale=noise)
    for i, given in enumerate(block.weights or ()):
        weights[i, : len(given)] = given
    candidates = Candidates(expressions, weights)
    for phase in settings.phases():
        if (rows := candidates.left()).size:
            phase(candidates, rows, learners, ctx.rng)
    steps = (candidates.tuning_steps, candidates.rejection_steps, 0)
    status = tuple(map(str, candidates.status))
    return Scores(candidates.weights, np.full(len(expressions), np.inf), status, steps)


@task("evomal.train_block")
def train_block(block: TunedBlock, ctx: TaskContext) -> Scores:
    """Train models with tuned losses up to a step, from the beginning or from where they stood."""
    learners, settings = _learners(ctx, block.problems), ctx.shared(block.settings)
    program = LossProgram.from_expressions(_expressions(block.trees, settings))
    begin = 0 if block.states is None else block.states[0].step
    fitness, states = train(
        learners, program, block.weights[:, : program.capacity], settings.training,
        under(ctx.rng, "training"), block.states, block.until,
    )  # fmt: skip
    status = tuple("accepted" if np.isfinite(f) else "diverged" for f in fitness)
    steps = len(status) * (block.until - begin) * len(learners)
    # A training that is over is not asked for again, and its networks are large.
    kept = tuple(states) if block.until < settings.training.steps else ()
    return Scores(block.weights, fitness, status, (0, 0, steps), kept)


@task("evomal.judge_block")
def judge_block(block: Block, ctx: TaskContext) -> Judged:
    """Train models with losses of given weights as a search does, and say how sure the fitness is.

    A loss of a search's archive gets the fitness that it has there.
    """
    learners, settings = _learners(ctx, block.problems), ctx.shared(block.settings)
    expressions = _expressions(block.trees, settings)
    program = LossProgram.from_expressions(expressions)
    weights = initial_weights(expressions, ctx.rng("weights"), scale=0.0)
    for i, given in enumerate(block.weights or ()):
        weights[i, : len(given)] = given
    fitness, states = train(
        learners, program, weights, settings.training, under(ctx.rng, "training")
    )
    variance = np.zeros(len(expressions))
    for one, state in zip(learners, states, strict=True):
        outputs, labels = one.predictions(state)
        errors = [standard_error(one.data.metric, each, labels) for each in outputs]
        variance += np.square(errors) / len(learners) ** 2
    steps = len(expressions) * settings.training.steps * len(learners)
    return Judged(fitness, np.sqrt(variance), steps)


def _expressions(trees: tuple[Tree, ...], settings: ScoreSettings) -> list[LossExpression]:
    table = table_named(settings.primitives)
    return [LossExpression(tree, table=table) for tree in trees]


@task("evomal.tune_network")
def tune_network(item: NetworkSearch, ctx: TaskContext) -> TunedNetwork:
    """Tune one loss network by unrolled differentiation, then score it as any candidate."""
    from heliostat_methods.evomal.losses.ml3 import LossNetwork

    (one,) = _learners(ctx, item.problems)
    settings: NetworkSettings = ctx.shared(item.settings)
    kept: dict[str, Any] | None = ctx.restore(None)
    if kept is None:
        loss = LossNetwork.drawn(one.data.task, ctx.rng("network", item.restart), settings.hidden)
        one.tune_module(loss, settings.tuning, under(ctx.rng, "tuning", item.restart))
        ctx.checkpoint(loss.to_dict())
    else:
        loss = LossNetwork.from_dict(kept)
    training = under(ctx.rng, "training")
    runs = one.train_module(loss, settings.training, [training])
    fitness = float(runs.fitness(one.data.metric)[0])
    spent = (settings.tuning.meta_steps, 0, settings.training.steps)
    return TunedNetwork(loss.to_dict(), fitness, spent)


@task("evomal.train_loss")
def train_loss(item: LossTraining, ctx: TaskContext) -> TrainedCurves:
    """Train fresh models with a frozen loss, one for each seed; the seeds pair the losses.

    One after another, with a checkpoint between: a training does not depend on its neighbours.
    """
    one, also = _learners(ctx, item.problems)[item.which], None
    if item.measured_on == "both":
        also = _learners(ctx, item.problems, test_learners)[item.which]
    settings: LossTrainingSettings = ctx.shared(item.settings)
    rate = settings.training.learning_rate * item.factor
    training = replace(settings.training, learning_rate=rate)
    done: tuple[TrainedCurves, ...] = ctx.restore(())
    for seed in item.seeds[len(done) :]:
        replica = under(ctx.rng, "comparison", seed)
        loss = frozen_loss(settings.losses[item.loss], ctx)
        runs = train_frozen(one, loss, training, [replica], settings.curve_steps, also)
        done = (*done, curves_of(runs, one.data))
        ctx.checkpoint(done)
    return TrainedCurves(
        np.concatenate([s.valid for s in done]), np.concatenate([s.test for s in done])
    )


def curves_of(runs: TrainedRuns, data: ProblemData) -> TrainedCurves:
    """Return what a comparison needs of trainings that were measured on the way."""
    valid = runs.curve[:, :, runs.names.index(data.metric)]
    if runs.also is None:
        return TrainedCurves(valid, np.empty((*valid.shape, 0)))
    return TrainedCurves(valid, runs.also[:, :, [runs.also_names.index(name)
                                                 for name in OF_TASK[data.task]]])  # fmt: skip


@task("evomal.map_surroundings")
def map_surroundings(item: Surroundings, ctx: TaskContext) -> dict[str, Any]:
    """Return what lies around networks that a loss trained: slices and flatness (`landscape`)."""
    one = _learners(ctx, item.problems, test_learners)[item.which]
    replicas = [under(ctx.rng, "comparison", seed) for seed in item.seeds]
    settings: LossTrainingSettings = ctx.shared(item.settings)
    loss = frozen_loss(settings.losses[item.loss], ctx)
    runs = train_frozen(one, loss, settings.training, replicas)
    around = under(ctx.rng, "landscape")
    if isinstance(one, DenseLearner):
        from heliostat_methods.evomal.analysis.landscape import landscape

        return landscape(runs.theta, one.problem, around)
    from heliostat_methods.evomal.analysis.landscape_torch import torch_landscape

    assert isinstance(one, TorchLearner)
    return torch_landscape(runs.theta, one.problem, around)


@task("evomal.describe_loss")
def describe_loss(item: tuple[dict[str, Any], str, int], ctx: TaskContext) -> dict[str, Any]:
    """Return how a loss, given as data, behaves for a task and a number of classes."""
    from heliostat_methods.evomal.analysis.behaviour import behaviour

    loss, task, classes = item
    return behaviour(frozen_loss(loss, ctx), task, classes)  # type: ignore[arg-type]


def frozen_loss(loss: dict[str, Any], ctx: TaskContext) -> Any:
    """Return a loss given as data: a tree as such, a network or a part as a torch callable."""
    if "nodes" in loss:
        return LossExpression.from_dict(loss)
    if "network" in loss:
        from heliostat_methods.evomal.losses.ml3 import stored_network

        return stored_network(loss)
    return ctx.part("loss", loss["part"])

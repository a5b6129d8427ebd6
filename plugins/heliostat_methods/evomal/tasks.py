"""What runs on a worker: scoring candidates, whole or by phase, and training frozen losses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from heliostat import Shared, TaskContext, stored, task
from heliostat_methods.evomal.learners import learner as base_learner
from heliostat_methods.evomal.learners.kernels.objectives import metric_code
from heliostat_methods.evomal.learners.learner import BaseLearner, DenseLearner, TorchLearner
from heliostat_methods.evomal.learners.problem import ProblemData, Streams
from heliostat_methods.evomal.learners.rejection import RejectionConfig
from heliostat_methods.evomal.learners.training import TrainedRuns, TrainingConfig, TrainingState
from heliostat_methods.evomal.learners.unrolled import UnrolledConfig
from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.primitives import table_named
from heliostat_methods.evomal.population.program import LossProgram, initial_weights, stack_weights

Array = np.ndarray[Any, Any]
Problems = tuple[ProblemData, ...]
Tree = tuple[str, ...]
Rejection = Literal["exact", "early", "off"]


@stored("evomal.score_settings")
@dataclass(frozen=True)
class ScoreSettings:
    """How a candidate is scored."""

    primitives: str
    local_search: bool
    weight_noise: float
    skip_label_free: bool
    reject: Rejection
    tuning: UnrolledConfig
    rejection: RejectionConfig
    training: TrainingConfig


@stored("evomal.block")
@dataclass(frozen=True)
class Block:
    """Candidates that one task scores: canonical trees in prefix order.

    `weights` are given ones, (nodes of the tree,) for each tree; without them each tree starts at
    ones with noise.
    """

    problems: Shared[Problems]
    settings: ScoreSettings
    trees: tuple[Tree, ...]
    weights: tuple[tuple[float, ...], ...] | None = None


@stored("evomal.tuned_block")
@dataclass(frozen=True)
class TunedBlock:
    """What the phases before training leave of a block, and the training that goes on.

    `weights` (P, N); `states`: one for each problem, or None before the first step.
    """

    problems: Shared[Problems]
    settings: ScoreSettings
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


@stored("evomal.network_search")
@dataclass(frozen=True)
class NetworkSearch:
    """One loss network to tune (ML3): its start is drawn from the stream of `restart`."""

    problems: Shared[Problems]
    hidden: tuple[int, ...]
    restart: int
    tuning: UnrolledConfig
    training: TrainingConfig


@stored("evomal.tuned_network")
@dataclass(frozen=True)
class TunedNetwork:
    """A tuned loss network as data, its validation metric, and the steps spent."""

    loss: dict[str, Any]
    fitness: float
    steps: tuple[int, int, int]


@stored("evomal.trial")
@dataclass(frozen=True)
class Trial:
    """One loss trained under several seeds on one of the problems."""

    problems: Shared[Problems]
    which: int
    loss: dict[str, Any]
    training: TrainingConfig
    seeds: tuple[int, ...]
    measured_on: Literal["valid", "test"]
    curve_steps: tuple[int, ...] = ()


@stored("evomal.trial_scores")
@dataclass(frozen=True)
class TrialScores:
    """The metric of each seed, (R,), and on the way, (R, K) at the curve's steps."""

    metric: Array
    curve: Array


@stored("evomal.surroundings")
@dataclass(frozen=True)
class Surroundings:
    """Networks to train with one loss, and to look around at."""

    problems: Shared[Problems]
    which: int
    loss: dict[str, Any]
    training: TrainingConfig
    seeds: tuple[int, ...]


def validation_learners(problems: Problems) -> list[BaseLearner]:
    """Return the learners that are measured on validation data."""
    return [base_learner.learner(data, data.valid) for data in problems]


def test_learners(problems: Problems) -> list[BaseLearner]:
    """Return the learners that are measured on test data; training data are the same."""
    return [base_learner.learner(data, data.test) for data in problems]


def learners_of(
    problems: Shared[Problems], build: Callable[[Problems], list[BaseLearner]], ctx: TaskContext
) -> list[BaseLearner]:
    """Return what `build` makes of the problems, once in a process, on the task's device."""
    return [one.on(ctx.device) for one in ctx.cached(problems, build)]


def streams_of(ctx: TaskContext, *prefix: int | str) -> Streams:
    """Return the streams whose names begin with `prefix`."""

    def streams(*name: int | str) -> np.random.Generator:
        return ctx.rng(*prefix, *name)

    return streams


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
        block.settings.training.steps,
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
    learners = learners_of(block.problems, validation_learners, ctx)
    settings = block.settings
    table = table_named(settings.primitives)
    expressions = [LossExpression(tree, table=table) for tree in block.trees]
    program = LossProgram.from_expressions(expressions)
    noise = settings.weight_noise if settings.local_search else 0.0
    weights = initial_weights(expressions, ctx.rng("weights"), scale=noise)
    for i, given in enumerate(block.weights or ()):
        weights[i, : len(given)] = given
    status = np.where(program.trainable, "accepted", "untrainable").astype("<U16")
    if settings.skip_label_free:
        from heliostat_methods.evomal.population.equivalence import label_free

        idle = np.array(label_free(expressions)) & program.trainable
        status[idle] = "label_free"
    spent = [0, 0, 0]

    def alive() -> Any:
        return np.flatnonzero(status == "accepted")

    def part(rows: Any) -> LossProgram:
        return LossProgram.from_expressions([expressions[i] for i in rows], program.capacity)

    def reject(rows: Any, name: str) -> None:
        passed = base_learner.accept(
            learners, part(rows), weights[rows], settings.rejection, streams_of(ctx, "rejection")
        )
        spent[1] += len(rows) * settings.rejection.steps * len(learners)
        status[rows[~passed]] = name

    if settings.reject == "early" and settings.local_search and alive().size:
        reject(alive(), "rejected_early")
    rows = alive()
    if settings.local_search and rows.size:
        tuned = base_learner.tune(
            learners, part(rows), weights[rows], settings.tuning, streams_of(ctx, "tuning")
        )
        spent[0] += len(rows) * settings.tuning.meta_steps
        weights[rows] = tuned.weights
        status[rows[~np.isfinite(tuned.weights).all(axis=1)]] = "diverged"
    if settings.reject != "off" and alive().size:
        reject(alive(), "rejected")
    fitness = np.full(len(expressions), np.inf)
    return Scores(weights, fitness, tuple(map(str, status)), (spent[0], spent[1], 0))


@task("evomal.train_block")
def train_block(block: TunedBlock, ctx: TaskContext) -> Scores:
    """Train models with tuned losses up to a step, from the beginning or from where they stood."""
    learners = learners_of(block.problems, validation_learners, ctx)
    table = table_named(block.settings.primitives)
    program = LossProgram.from_expressions(
        [LossExpression(tree, table=table) for tree in block.trees]
    )
    begin = 0 if block.states is None else block.states[0].step
    fitness, states = base_learner.train(
        learners,
        program,
        block.weights[:, : program.capacity],
        block.settings.training,
        streams_of(ctx, "training"),
        block.states,
        block.until,
    )
    status = tuple("accepted" if np.isfinite(f) else "diverged" for f in fitness)
    steps = len(status) * (block.until - begin) * len(learners)
    # A training that is over is not asked for again, and its networks are large.
    kept = tuple(states) if block.until < block.settings.training.steps else ()
    return Scores(block.weights, fitness, status, (0, 0, steps), kept)


@task("evomal.tune_network")
def tune_network(item: NetworkSearch, ctx: TaskContext) -> TunedNetwork:
    """Tune one loss network by unrolled differentiation, then score it as any candidate."""
    from heliostat_methods.evomal.losses.ml3 import LossNetwork

    learners = learners_of(item.problems, validation_learners, ctx)
    (learner,) = learners
    kept: dict[str, Any] | None = ctx.restore(None)
    if kept is None:
        loss = LossNetwork.drawn(learner.data.task, ctx.rng("network", item.restart), item.hidden)
        learner.tune_module(loss, item.tuning, streams_of(ctx, "tuning", item.restart))
        ctx.checkpoint(loss.to_dict())
    else:
        loss = LossNetwork.from_dict(kept)
    training = streams_of(ctx, "training")
    runs = learner.train_module(loss, item.training, [training])
    fitness = float(runs.fitness(learner.data.metric)[0])
    spent = (item.tuning.meta_steps, 0, item.training.steps)
    return TunedNetwork(loss.to_dict(), fitness, spent)


@task("evomal.train_loss")
def train_loss(trial: Trial, ctx: TaskContext) -> TrialScores:
    """Train fresh models with a frozen loss, one for each seed; the seeds pair the losses.

    One after another, with a checkpoint between: a training does not depend on its neighbours.
    """
    build = test_learners if trial.measured_on == "test" else validation_learners
    learner = learners_of(trial.problems, build, ctx)[trial.which]
    metric = learner.data.metric
    done: tuple[TrialScores, ...] = ctx.restore(())
    for seed in trial.seeds[len(done) :]:
        replica = streams_of(ctx, "comparison", seed)
        runs = train_frozen(learner, trial.loss, trial.training, [replica], trial.curve_steps)
        curve = runs.curve[:, :, metric_code(metric)]
        done = (*done, TrialScores(runs.fitness(metric), curve))
        ctx.checkpoint(done)
    return TrialScores(
        np.concatenate([one.metric for one in done]), np.concatenate([one.curve for one in done])
    )


@task("evomal.map_surroundings")
def map_surroundings(item: Surroundings, ctx: TaskContext) -> dict[str, Any]:
    """Return what lies around networks that a loss trained: slices and flatness (`landscape`)."""
    learner = learners_of(item.problems, test_learners, ctx)[item.which]
    replicas = [streams_of(ctx, "comparison", seed) for seed in item.seeds]
    runs = train_frozen(learner, item.loss, item.training, replicas)
    around = streams_of(ctx, "landscape")
    if isinstance(learner, DenseLearner):
        from heliostat_methods.evomal.analysis.landscape import landscape

        return landscape(runs.theta, learner.problem, around)
    from heliostat_methods.evomal.analysis.landscape_torch import torch_landscape

    assert isinstance(learner, TorchLearner)
    return torch_landscape(runs.theta, learner.problem, around)


@task("evomal.describe_loss")
def describe_loss(item: tuple[dict[str, Any], str, int], ctx: TaskContext) -> dict[str, Any]:
    """Return how a loss, given as data, behaves for a task and a number of classes."""
    from heliostat_methods.evomal.analysis.behaviour import behaviour

    loss, task, classes = item
    form = LossExpression.from_dict(loss) if "nodes" in loss else loss_module(loss, task)
    return behaviour(form, task, classes)  # type: ignore[arg-type]


def train_frozen(
    learner: BaseLearner,
    loss: dict[str, Any],
    config: TrainingConfig,
    replicas: list[Streams],
    curve_steps: tuple[int, ...] = (),
) -> TrainedRuns:
    """Train under several seeds with a loss given as data: a tree, a network or a part."""
    if "nodes" in loss:
        expression = LossExpression.from_dict(loss)
        program = LossProgram.from_expressions([expression])
        weights = stack_weights([expression], np.float32)
        return learner.train_replicas(program, weights, config, replicas, curve_steps)
    return learner.train_module(loss_module(loss, learner.data.task), config, replicas, curve_steps)


def loss_module(loss: dict[str, Any], task: str) -> Any:
    """Return a loss given as data as something to call: `module(outputs, targets)`."""
    if "network" in loss:
        from heliostat_methods.evomal.losses.ml3 import LossNetwork

        return LossNetwork.from_dict(loss)
    if "part" in loss:
        from heliostat import registry

        ref = loss["part"]
        spec = registry().part("loss", ref.name)
        return spec.build(spec.config.model_validate(dict(ref.params)))
    return LossExpression.from_dict(loss).to_torch_module(task)  # type: ignore[arg-type]

"""What runs on a worker: the supernet trained, networks evaluated, whole searches on known results.

What is constant for a run (images, weights, a table of results) is shared and named by a handle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heliostat import PartRef, Shared, TaskContext, stored, task
from heliostat_methods.pnag.config import RetrainConfig
from heliostat_methods.pnag.generator.teaching import TeachingSettings, taught
from heliostat_methods.pnag.searchers.by_name import recipe
from heliostat_methods.pnag.searchers.searcher import Streams
from heliostat_methods.pnag.searchers.unique import search
from heliostat_methods.pnag.spaces.layout import TrainableSpace
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.parallel import ShardGradient, shards_of
from heliostat_methods.pnag.supernet.prefixes import accuracies
from heliostat_methods.pnag.supernet.recalibration import recalibrate
from heliostat_methods.pnag.supernet.sandwich import Sandwich
from heliostat_methods.pnag.supernet.schedule import Schedule
from heliostat_methods.pnag.supernet.shrinking import ProgressiveShrinking
from heliostat_methods.pnag.supernet.training import StepReport, SupernetTrainer, TrainingSettings
from heliostat_methods.pnag.training.alone import Alone, alone, only
from heliostat_methods.pnag.training.building import (
    PartBuilder,
    TrainedSupernet,
    choices_of,
    fresh_supernet,
    layers_of,
    layout_of,
    space_of,
    trained_supernet,
    weights_of,
)
from heliostat_methods.pnag.training.known import Table, answers
from heliostat_methods.pnag.training.problem import Images, Part, Problem


@stored("pnag.training")
@dataclass(frozen=True)
class Training:
    """A supernet to train."""

    problem: Shared[Problem]


@stored("pnag.progress")
@dataclass(frozen=True, eq=False)
class Progress:
    """Where a training stands: the trainer's state, and losses of the epochs that are over."""

    state: Mapping[str, NDArray[Any]]
    losses: tuple[float, ...]


@task("pnag.train_supernet")
def train_supernet(item: Training, ctx: TaskContext) -> TrainedSupernet:
    """Train the network that holds all others, with a checkpoint after each epoch."""
    problem: Problem = ctx.shared(item.problem)
    space = space_of(problem, ctx.part)
    net = fresh_supernet(problem, space, ctx.part, ctx.torch_generator("weights"))
    trainer = trainer_of(problem, space, net.to(ctx.device), ctx.rng, ctx.part)
    losses = train_epochs(trainer, problem.train, ctx)
    return TrainedSupernet(weights_of(net), np.array(losses))


def trainer_of(
    problem: Problem, space: TrainableSpace, net: Supernet, streams: Streams, part: PartBuilder
) -> SupernetTrainer:
    """Return what trains a supernet as a problem's settings say."""
    chosen = problem.settings
    settings = TrainingSettings(
        epochs=chosen.epochs, batch=chosen.batch, rate=chosen.learning_rate,
        momentum=chosen.momentum, weight_decay=chosen.weight_decay, soft=chosen.distillation,
        shards=chosen.shards,
    )  # fmt: skip
    schedule: Schedule = (
        Sandwich(chosen.random) if chosen.schedule == "sandwich" else ProgressiveShrinking()
    )
    choices = choices_of(space, layout_of(problem, space))
    return SupernetTrainer(net, choices, schedule, settings, streams, part("loss", problem.loss))


def train_epochs(trainer: SupernetTrainer, images: Images, ctx: TaskContext) -> tuple[float, ...]:
    """Train to the end from where a checkpoint stands; return the first subnet's loss by epoch."""
    pixels, labels = images.tensors(ctx.device)
    kept: Progress | None = ctx.restore(None)
    losses: tuple[float, ...] = ()
    if kept is not None:
        trainer.load(kept.state)
        losses = kept.losses
    steps = trainer.steps(len(pixels)) // trainer.settings.epochs
    while not trainer.done(len(pixels)):
        reports: list[StepReport] = []
        trainer.train(pixels, labels, (len(losses) + 1) * steps, reports.append)
        losses = (*losses, float(np.mean([step.losses[0] for step in reports])))
        ctx.checkpoint(Progress(trainer.state(), losses))
    return losses


@stored("pnag.gradient_of_shard")
@dataclass(frozen=True)
class GradientOfShard:
    """One shard of the next step's batch; `state` is the trainer's before the step."""

    problem: Shared[Problem]
    state: Shared[Mapping[str, NDArray[Any]]]
    shard: int


@stored("pnag.shard_gradient")
@dataclass(frozen=True, eq=False)
class FoundGradient:
    """The gradient of all parameters (float32), losses by subnet, and how many images it is of."""

    values: NDArray[np.float32]
    losses: tuple[float, ...]
    images: int

    def gradient(self) -> ShardGradient:
        """Return it as a trainer takes it."""
        return ShardGradient(np.array(self.values), self.losses, self.images)


@task("pnag.shard_gradient")
def shard_gradient(item: GradientOfShard, ctx: TaskContext) -> FoundGradient:
    """Return the gradient of one shard."""
    problem: Problem = ctx.shared(item.problem)
    space = space_of(problem, ctx.part)
    net = fresh_supernet(problem, space, ctx.part, torch.Generator().manual_seed(0))
    trainer = trainer_of(problem, space, net, ctx.rng, ctx.part)
    trainer.load(ctx.shared(item.state))
    count = len(problem.train.pixels)
    plan = trainer.begin(count)
    rows = shards_of(trainer.batch(count), problem.settings.shards)[item.shard]
    pixels = torch.from_numpy(problem.train.pixels[rows])
    labels = torch.from_numpy(problem.train.labels[rows])
    found = trainer.shard(plan, pixels, labels)
    return FoundGradient(found.values, found.losses, found.images)


@stored("pnag.evaluation")
@dataclass(frozen=True, eq=False)
class Evaluation:
    """Networks of the supernet to evaluate on one part of the images."""

    problem: Shared[Problem]
    supernet: Shared[TrainedSupernet]
    archs: Archs
    part: Part = "valid"


@task("pnag.evaluate")
def evaluate(item: Evaluation, ctx: TaskContext) -> NDArray[np.float64]:
    """Return the accuracy of each network, recalibrated for it, (n,)."""
    problem: Problem = ctx.shared(item.problem)
    space, net = space_of(problem, ctx.part), _network(item, ctx)
    calibration, _ = problem.calibration.tensors(ctx.device)
    images, labels = problem.part(item.part).tensors(ctx.device)
    subnets = [space.blocks(arch) for arch in item.archs]
    return accuracies(net, subnets, calibration, images, labels)


def _network(item: Evaluation | Statistics, ctx: TaskContext) -> Supernet:
    problem: Problem = ctx.shared(item.problem)
    trained: TrainedSupernet = ctx.shared(item.supernet)
    space = space_of(problem, ctx.part)
    return trained_supernet(problem, trained.weights, space, ctx.part).to(ctx.device)


@stored("pnag.statistics")
@dataclass(frozen=True, eq=False)
class Statistics:
    """Networks of the supernet whose BatchNorm statistics are wanted."""

    problem: Shared[Problem]
    supernet: Shared[TrainedSupernet]
    archs: Archs


@task("pnag.recalibrate")
def recalibrate_networks(
    item: Statistics, ctx: TaskContext
) -> list[dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]]:
    """Return mean and variance at every place of normalisation, by its name, of each network."""
    problem: Problem = ctx.shared(item.problem)
    space, net = space_of(problem, ctx.part), _network(item, ctx)
    calibration, _ = problem.calibration.tensors(ctx.device)
    return [
        {
            name: (mean.cpu().numpy(), variance.cpu().numpy())
            for name, (mean, variance) in recalibrate(net, space.blocks(arch), calibration).items()
        }
        for arch in item.archs
    ]


@stored("pnag.retraining")
@dataclass(frozen=True, eq=False)
class Retraining:
    """A network to train by itself; `seed` names its streams."""

    problem: Shared[Problem]
    settings: RetrainConfig
    arch: NDArray[np.int16]
    seed: int


@task("pnag.retrain")
def retrain(item: Retraining, ctx: TaskContext) -> tuple[float, float]:
    """Return validation and test accuracy of a network that was trained by itself."""
    problem: Problem = ctx.shared(item.problem)
    space = space_of(problem, ctx.part)
    blocks = space.blocks(item.arch)
    layout = only(layout_of(problem, space), blocks)
    net = Supernet(
        layout, space.middle, ctx.torch_generator("retrained weights", item.seed),
        layers_of(problem, ctx.part), problem.memory_format,
    ).to(ctx.device)  # fmt: skip
    settings = TrainingSettings(
        epochs=item.settings.epochs, batch=item.settings.batch, rate=item.settings.learning_rate,
        momentum=problem.settings.momentum, weight_decay=problem.settings.weight_decay,
    )  # fmt: skip
    trainer = SupernetTrainer(
        net, alone(layout), Alone(), settings,
        lambda *name: ctx.rng("retraining", item.seed, *name), ctx.part("loss", problem.loss),
    )  # fmt: skip
    train_epochs(trainer, problem.train, ctx)
    calibration, _ = problem.calibration.tensors(ctx.device)
    valid, test = (
        float(accuracies(net, [blocks], calibration, *part.tensors(ctx.device))[0])
        for part in (problem.valid, problem.test)
    )
    return valid, test


@stored("pnag.known_search")
@dataclass(frozen=True)
class KnownSearch:
    """One search whose evaluations are looked up; searches of one `seed` begin alike.

    `cost_is_found`: what an architecture costs is known once it is evaluated, and not before.
    """

    table: Shared[Table]
    searcher: str
    settings: Mapping[str, Any]
    evaluations: int
    batch: int
    seed: int
    cost_is_found: bool


@stored("pnag.searched")
@dataclass(frozen=True, eq=False)
class Searched:
    """What a search evaluated, in the order of asking.

    `filled`: how many were drawn at random because the searcher had nothing new to propose.
    """

    archs: Archs
    accuracy: NDArray[np.float64]
    cost: NDArray[np.float64]
    filled: int


@task("pnag.search_known")
def search_known(item: KnownSearch, ctx: TaskContext) -> Searched:
    """Make one whole search on results that are known."""
    torch.manual_seed(0)  # whatever a library draws behind our back does not vary
    table: Table = ctx.shared(item.table)
    space: SearchSpace = ctx.part("space", table.space)
    streams = lambda *name: ctx.rng("search", item.seed, *name)  # noqa: E731
    look_up = answers(table, space)
    cost = None if item.cost_is_found else lambda archs: look_up(archs)[1]
    searcher = recipe(item.searcher, item.settings).start(space, item.evaluations, streams, cost)
    found = search(searcher, space, look_up, item.evaluations, streams("fill"), item.batch)
    return Searched(found.known.archs, found.known.accuracy, found.known.cost, found.filled)


@stored("pnag.everything")
@dataclass(frozen=True, eq=False)
class Everything:
    """All that a run evaluated: different networks of a space, accuracy and cost (n,)."""

    space: PartRef
    archs: Archs
    accuracy: NDArray[np.float64]
    cost: NDArray[np.float64]


@stored("pnag.teaching")
@dataclass(frozen=True)
class Teaching:
    """A generator to teach by all that is known, and how many budgets it is asked for."""

    known: Shared[Everything]
    knots: int
    budgets: int


@stored("pnag.said")
@dataclass(frozen=True, eq=False)
class Said:
    """What a generator says for budgets (n,), and its parameters by name."""

    budgets: NDArray[np.float64]
    archs: Archs
    parameters: Mapping[str, NDArray[Any]]


@task("pnag.teach_generator")
def teach_generator(item: Teaching, ctx: TaskContext) -> Said:
    """Teach one generator all budgets, and ask it for some between those it was taught at."""
    known: Everything = ctx.shared(item.known)
    space: SearchSpace = ctx.part("space", known.space)
    made = taught(
        space, known.archs, known.accuracy, known.cost, TeachingSettings(item.knots),
        lambda *name: ctx.rng("teaching", *name),
    )  # fmt: skip
    budgets = made.spread(item.budgets)
    said = [
        made.answer(float(budget), None, ctx.rng("answers", place)).archs[0]
        for place, budget in enumerate(budgets)
    ]
    parameters = {
        name: value.detach().cpu().numpy().copy()
        for name, value in made.generator.state_dict().items()
    }
    return Said(budgets, space.canonical(np.stack(said)), parameters)

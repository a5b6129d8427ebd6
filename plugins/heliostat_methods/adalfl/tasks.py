"""What runs on a worker: losses begun for a block of seeds, and a block of trainings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from heliostat import HeliostatError, PartRef, Shared, TaskContext, stored, task
from heliostat.contract import Model
from heliostat_methods.adalfl.losses.beginning import Beginning
from heliostat_methods.adalfl.losses.task_fit import fitted_to_task_loss
from heliostat_methods.adalfl.losses.usable import change_of_task_loss
from heliostat_methods.adalfl.stacks.dense_networks import DenseNetworks
from heliostat_methods.adalfl.stacks.loss_networks import LossNetworkStack
from heliostat_methods.adalfl.stacks.modules import ModuleStack, Networks
from heliostat_methods.adalfl.training.adam import Adam
from heliostat_methods.adalfl.training.measuring import Measured, Measuring
from heliostat_methods.adalfl.training.offline import OfflineState, OfflineTraining
from heliostat_methods.adalfl.training.sides import Batch, FrozenSide, Side, TaskSide
from heliostat_methods.adalfl.training.stacked import (
    LossSide,
    OnDivergence,
    Schedule,
    StackedTraining,
    State,
)
from heliostat_search.loss_networks.network import drawn_layers
from heliostat_search.supervised.batches import Batches
from heliostat_search.supervised.problem import Data, Problem, create, fresh
from heliostat_search.supervised.streams import under
from heliostat_search.unrolled.drawing import draw_seeds
from heliostat_search.unrolled.sgd import SGD

Array = npt.NDArray[Any]
_CHECK_EVERY = 50
"""Steps between offers of a checkpoint; the platform keeps one every so many seconds."""
_HISTORY = 100
_NOTES = 60
"""Meta steps of which Algorithm 1 keeps the objective; steps of a training that are noted."""


@stored("adalfl.settings")
@dataclass(frozen=True)
class Settings:
    """How a model is trained; shared once by hash."""

    learning_rate: float
    momentum: float
    nesterov: bool
    weight_decay: float
    batch_size: int
    steps: int
    drops: tuple[tuple[int, float], ...]
    measured_at: tuple[int, ...]
    drawn_at: tuple[int, ...]
    on_divergence: OnDivergence

    def sgd(self) -> SGD:
        """Return SGD at the configured learning rate."""
        return SGD(self.learning_rate, self.momentum, self.nesterov, self.weight_decay)


@stored("adalfl.begin")
@dataclass(frozen=True)
class Begin:
    """Losses to begin, one for each seed."""

    problem: Shared[Problem]
    settings: Shared[Settings]
    beginning: Beginning
    seeds: tuple[int, ...]
    on_unusable: Literal["keep", "regression", "fail"]
    regression_steps: int


@stored("adalfl.begun")
@dataclass(frozen=True)
class Begun:
    """Losses that begin: weights (R, Q), and how a step along each changes the task's loss, (R,).

    ``history`` (H, R) is the task's loss after the meta steps ``at`` of Algorithm 1;
    ``replaced``: which were unusable and begin from the task's loss instead.
    """

    phi: Array
    change: Array
    replaced: Array
    at: tuple[int, ...]
    history: Array


class UnusableLossError(HeliostatError):
    """A loss whose steps do not lower the task's, where the configuration says to fail."""


@stored("adalfl.training")
@dataclass(frozen=True)
class Training:
    """Trainings of one contestant at some factors of the rate, each under the same seeds.

    Rows of the stack are the seeds of the first factor, then those of the second, and so on.
    """

    problem: Shared[Problem]
    settings: Shared[Settings]
    adapts: Literal["nothing", "loss", "rate"]
    meta_rate: float
    beginning: Beginning | None
    begun: Shared[Begun] | None
    frozen: PartRef | None
    factors: tuple[float, ...]
    seeds: tuple[int, ...]
    detail: bool
    """whether test rows are measured and the history is noted, which a choice of rates needs not"""


@stored("adalfl.kept_beginning")
@dataclass(frozen=True)
class _KeptBeginning:
    taken: int
    numbers: tuple[Array, ...]
    """what is learned, and Adam's two moments"""
    at: tuple[int, ...]
    history: tuple[Array, ...]


@stored("adalfl.kept_training")
@dataclass(frozen=True)
class _KeptTraining:
    state: State
    measured: Measured


@task("adalfl.begin")
def begin(item: Begin, ctx: TaskContext) -> Begun:
    """Draw losses, teach them what their beginning says, and look whether they can be used."""
    problem, settings = ctx.shared(item.problem), ctx.shared(item.settings)
    stack = _Stack(problem, settings, item.seeds, ctx)
    beginning, task_ = item.beginning, problem.task
    phi = _drawn(beginning, stack)
    at: tuple[int, ...] = ()
    history: tuple[Array, ...] = ()
    if beginning.start == "task_loss_regression":
        phi = _fitted(beginning, phi, stack, beginning.steps)
    elif beginning.start == "offline":
        phi, at, history = _offline(beginning, phi, stack, ctx)
    side = LossSide(LossNetworkStack(phi, beginning.shape, task_))
    change = stack.change(side)
    unusable = ~(change < 0)
    replaced = np.zeros(len(change), bool)
    if unusable.any() and item.on_unusable == "fail":
        number = item.seeds[int(np.flatnonzero(unusable)[0])]
        raise UnusableLossError(
            f"seed {number}: a step along the loss of {beginning.start!r} raises the task's loss "
            f"of fresh models by {change[unusable][0]:.3g}; on_unusable = 'regression' begins "
            "such a loss from the task's"
        )
    if unusable.any() and item.on_unusable == "regression":
        fitted = _fitted(beginning, _drawn(beginning, stack), stack, item.regression_steps)
        rows = torch.from_numpy(unusable)[:, None].to(phi.device)
        phi, replaced = torch.where(rows, fitted, phi), unusable
    noted = np.stack(history) if history else np.empty((0, len(item.seeds)))
    return Begun(phi.cpu().numpy(), change, replaced, at, noted)


@task("adalfl.train")
def train(item: Training, ctx: TaskContext) -> Measured:
    """Train models of some rates and seeds side by side, measured on the way."""
    problem, settings = ctx.shared(item.problem), ctx.shared(item.settings)
    stack = _Stack(problem, settings, item.seeds * len(item.factors), ctx)
    side = _side(item, problem, stack, ctx)
    schedule = Schedule(
        settings.sgd(), settings.drops, item.adapts, item.meta_rate, settings.on_divergence,
        tuple(factor for factor in item.factors for _ in item.seeds),
    )  # fmt: skip
    training = StackedTraining(
        (stack.networks(), stack.networks()), side, stack.data, stack.batches(), schedule,
        problem.task, stack.draws(settings.steps),
    )  # fmt: skip
    training.networks.theta = stack.fresh("init")
    training.networks.load_buffers(stack.buffers("init"))
    every = max(1, settings.steps // _NOTES)
    measuring = Measuring.start(
        problem, stack.data, settings.measured_at, settings.drawn_at,
        tuple(range(0, settings.steps, every)), item.detail,
        None if item.beginning is None else item.beginning.shape, len(item.seeds),
    )  # fmt: skip
    kept: _KeptTraining | None = ctx.restore(None)
    if kept is not None:
        training.load(kept.state)
        measuring.load(kept.measured)
    while True:
        measuring.look(training)
        if training.taken == settings.steps:
            break
        training.step(note=item.detail and training.taken in measuring.noted_at)
        measuring.note(training)
        if training.taken % _CHECK_EVERY == 0:
            ctx.checkpoint(_KeptTraining(training.state(), measuring.so_far(training)))
    return measuring.so_far(training)


class _Stack:
    """Models, data and draws of the seeds of a stack's rows on the task's device."""

    def __init__(
        self, problem: Problem, settings: Settings, seeds: Sequence[int], ctx: TaskContext
    ) -> None:
        self.problem, self.settings, self.seeds = problem, settings, seeds
        self.device = ctx.device
        self.recipe: Model = ctx.part("model", problem.model)
        self.replicas = [under(ctx.rng, "seed", seed) for seed in seeds]
        self.data = Data.of(problem, self.device)

    def networks(self) -> Networks:
        """Return a stack of networks whose parameters are to be assigned."""
        if self.problem.widths is not None:
            return DenseNetworks(self.problem.widths, self._tensor(self._drawn_models("init")))
        modules = [create(self.problem, self.recipe, 0) for _ in self.seeds]
        return ModuleStack(modules, self.problem.classes, self.device)

    def fresh(self, *name: str | int) -> Tensor:
        """Return fresh parameters (R, P) of the streams of that name."""
        numbers = self._drawn_models(*name)
        return self._tensor(numbers[:, : self._parameters(numbers)])

    def buffers(self, *name: str | int) -> Tensor:
        """Return what else fresh models hold, (R, N)."""
        numbers = self._drawn_models(*name)
        return self._tensor(numbers[:, self._parameters(numbers) :])

    def _drawn_models(self, *name: str | int) -> Array:
        return np.stack(
            [fresh(self.problem, self.recipe, streams(*name)) for streams in self.replicas]
        )

    def _parameters(self, numbers: Array) -> int:
        if self.problem.widths is not None:
            return int(numbers.shape[1])
        module = create(self.problem, self.recipe, 0)
        return sum(p.numel() for p in module.parameters() if p.requires_grad)

    def _tensor(self, numbers: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(numbers)).to(self.device)

    def batches(self, *name: str | int) -> tuple[Batches, Batches]:
        """Return batches of training and of validation rows."""
        replicas = [under(streams, *name) for streams in self.replicas]
        size = self.settings.batch_size
        return (
            Batches(replicas, "train", len(self.data.train), size, self.device),
            Batches(replicas, "valid", len(self.data.valid), size, self.device),
        )

    def draws(self, steps: int) -> Callable[[int], Sequence[int]] | None:
        """Return the seeds of the draws inside models, two of each run and step."""
        if self.problem.widths is not None:
            return None
        drawn = [draw_seeds(streams("dropout"), 2 * steps) for streams in self.replicas]
        return lambda step: [
            *(one[2 * step] for one in drawn), *(one[2 * step + 1] for one in drawn),
        ]  # fmt: skip

    def change(self, side: Side) -> Array:
        """Return how steps along losses change the task's loss of fresh models, (R,)."""
        _, valid = self.batches("usable")
        # Without weight decay, which lowers the loss of fresh models by itself.
        sgd = SGD(self.settings.learning_rate, 0.0, False, 0.0)

        def rows(number: int) -> Batch:
            chosen, part = valid.at(number), self.data.valid
            return Batch(part.x[chosen], part.labels[chosen], part.targets[chosen])

        found = change_of_task_loss(
            side, self.problem.task, self.networks(),
            lambda number: self.fresh("usable", number), rows, sgd,
        )  # fmt: skip
        return np.asarray(found.cpu().numpy(), np.float64)


def _drawn(beginning: Beginning, stack: _Stack) -> Tensor:
    rows = [
        torch.cat([w.reshape(-1) for w in drawn_layers(streams("loss"), beginning.hidden)])
        for streams in stack.replicas
    ]
    return torch.stack(rows).to(stack.device)


def _fitted(beginning: Beginning, phi: Tensor, stack: _Stack, steps: int) -> Tensor:
    rngs = [streams("pairs") for streams in stack.replicas]
    return fitted_to_task_loss(phi, beginning.shape, stack.problem.task, steps, rngs)


def _offline(
    beginning: Beginning, phi: Tensor, stack: _Stack, ctx: TaskContext
) -> tuple[Tensor, tuple[int, ...], tuple[Array, ...]]:
    side = LossSide(LossNetworkStack(phi, beginning.shape, stack.problem.task))
    training = OfflineTraining(
        stack.networks(), side, stack.data, stack.batches("offline"), stack.settings.sgd(),
        beginning.inner, stack.problem.task, lambda t: stack.fresh("offline", t),
    )  # fmt: skip
    state = training.start(beginning.rate)
    at: list[int] = []
    history: list[Array] = []
    kept: _KeptBeginning | None = ctx.restore(None)
    if kept is not None:
        meta, first, second = (torch.tensor(part).to(stack.device) for part in kept.numbers)
        state = OfflineState(kept.taken, meta, Adam(beginning.rate, first, second))
        at, history = list(kept.at), list(kept.history)
    every = max(1, beginning.steps // _HISTORY)
    while state.taken < beginning.steps:
        values = training.step(state)
        if (state.taken - 1) % every == 0 or state.taken == beginning.steps:
            at.append(state.taken)
            history.append(values.cpu().numpy().astype(np.float64))
        if state.taken % max(1, _CHECK_EVERY // beginning.inner) == 0:
            numbers = [
                part.cpu().numpy().copy()
                for part in (state.meta, state.adam.first, state.adam.second)
            ]
            ctx.checkpoint(_KeptBeginning(state.taken, tuple(numbers), tuple(at), tuple(history)))
    return state.meta, tuple(at), tuple(history)


def _side(item: Training, problem: Problem, stack: _Stack, ctx: TaskContext) -> Side:
    if item.beginning is not None:
        begun: Begun = ctx.shared(item.begun)
        phi = torch.tensor(begun.phi).to(stack.device).repeat(len(item.factors), 1)
        return LossSide(LossNetworkStack(phi, item.beginning.shape, problem.task))
    if item.frozen is not None:
        loss: Any = ctx.part("loss", item.frozen)
        return FrozenSide(loss.to(stack.device) if hasattr(loss, "to") else loss)
    return TaskSide(problem.task)

"""Trainings side by side: every step moves the models, and what adapts moves after them.

Rows are seeds and learning rates of one kind of training.

One step (Algorithm 2; Algorithm 4 for the learning rate): slopes of the loss on a training batch,
a step of SGD that is kept, the task's loss on a validation batch after it, and from that

* the loss's gradient ``k d/dphi <dM/df, J v>`` (`heliostat_search.unrolled`), or
* the gradient by the logarithm of the rate, ``-a <v, d>``, d the direction of the step.

Rows of the stack share nothing but the kernels that they run in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from heliostat import stored
from heliostat.errors import HeliostatError
from heliostat_methods.adalfl.stacks.loss_networks import LossNetworkStack
from heliostat_methods.adalfl.stacks.modules import Networks
from heliostat_methods.adalfl.stacks.objectives import objective
from heliostat_methods.adalfl.training.adam import Adam
from heliostat_methods.adalfl.training.sides import Batch, Side, TaskSide
from heliostat_search.supervised.batches import Batches
from heliostat_search.supervised.problem import Data, Part
from heliostat_search.trainings.measures import Task
from heliostat_search.unrolled.sgd import SGD

Array = npt.NDArray[Any]
Adapts = Literal["nothing", "loss", "rate"]
OnDivergence = Literal["stop", "revert", "raise"]
MOST_REVERTS = 100
"""Steps that are undone before a training is given up."""
HISTORY = ("loss", "objective", "ratio", "cos", "rate")
"""What is noted of a step: M, L after it on the validation batch, ||grad M|| / ||grad L_T||, the
cosine of the two, and the learning rate."""


class TrainingDivergedError(HeliostatError):
    """Numbers of a training are not finite, and the configuration says to fail."""


@dataclass(frozen=True)
class Schedule:
    """How a step is taken, at which steps the rate drops, and what adapts at which rate.

    ``factors`` multiply the rate of each row; without them all rows have the same.
    """

    sgd: SGD
    drops: tuple[tuple[int, float], ...] = ()
    adapts: Adapts = "nothing"
    meta_rate: float = 0.0
    on_divergence: OnDivergence = "stop"
    factors: tuple[float, ...] = ()

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, without what adapts."""
        rate = self.sgd.learning_rate
        for first, factor in self.drops:
            rate *= factor if step >= first else 1.0
        return rate


@stored("adalfl.state")
@dataclass(frozen=True)
class State:
    """A stack between two steps, R rows: everything that the next step depends on.

    ``ended``: the step at which a run was stopped, -1 while it goes on; ``reverts``: steps undone.
    """

    step: int
    theta: Array
    buffers: Array
    momentum: Array | None
    meta: Array
    first: Array
    second: Array
    ended: Array
    reverts: Array


class StackedTraining:
    """R runs of one setting; ``step()`` takes the next step of all.

    ``pair`` are two stacks of networks, which take turns; the first holds the fresh parameters.
    ``side`` trains them; where the loss adapts it is a `LossNetworkStack`. ``seeds(step)`` starts
    the draws inside the networks, two for each run.
    """

    def __init__(
        self,
        pair: tuple[Networks, Networks],
        side: Side,
        data: Data,
        batches: tuple[Batches, Batches],
        schedule: Schedule,
        task: Task,
        seeds: Callable[[int], Sequence[int]] | None = None,
    ) -> None:
        self.networks, self._moved = pair
        self._side, self._data, self._task = side, data, task
        self._train, self._valid = batches
        self.schedule, self._seeds = schedule, seeds
        theta = self.networks.theta
        runs = len(theta)
        if schedule.factors and len(schedule.factors) != runs:
            raise ValueError(f"factors: got {len(schedule.factors)}; expected one for {runs} runs")
        self._factors = theta.new_tensor(schedule.factors)[:, None] if schedule.factors else None
        self._momentum: Tensor | None = None
        self.meta = self._first_meta(side)
        self._adam = Adam.start(self.meta, schedule.meta_rate)
        self.taken = 0
        self.ended = np.full(runs, -1)
        self.reverts = np.zeros(runs, np.int64)
        self.noted: dict[str, Tensor] = {}

    def _first_meta(self, side: Side) -> Tensor:
        """Return what adapts, (R, Q): weights of the loss, or the logarithm of a factor."""
        theta = self.networks.theta
        if isinstance(side, LossSide):
            return side.stack.phi
        return theta.new_zeros((len(theta), 1 if self.schedule.adapts == "rate" else 0))

    @property
    def runs(self) -> int:
        """The number of runs R."""
        return len(self.networks.theta)

    def step(self, note: bool = False) -> None:
        """Take the next step of all runs; with ``note`` what `HISTORY` names is in ``noted``."""
        schedule, start, moved = self.schedule, self.networks, self._moved
        theta, before = start.theta, start.buffers()
        batch = _rows(self._data.train, self._train.at(self.taken))
        seeds = self._seeds(self.taken) if self._seeds else [0] * (2 * self.runs)
        outputs = start.forward(batch.x, seeds[: self.runs])
        values, slopes = self._side.slopes(outputs, batch)
        gradient = start.pull(slopes)
        if note:
            gradient = gradient.clone()
            self._note_shape(start, outputs, batch, gradient, values)
        direction, momentum = schedule.sgd.direction(theta, gradient, self._momentum)
        rate = self._rate()
        stepped = theta - rate * direction
        meta, kept_moments = self.meta, (self._adam.first, self._adam.second)
        after, sums = start.buffers(), values + stepped.sum(1)
        if schedule.adapts != "nothing" or note:
            meta, judged = self._adapted(stepped, after, direction, rate, seeds[self.runs :], note)
        if schedule.adapts != "nothing":
            # Adam's moments too: once they are infinite, what adapts would stand still unnoticed.
            sums = sums + judged + meta.sum(1) + self._adam.second.sum(1)
        good = sums.isfinite()  # a sum carries every NaN and infinity
        if (self.ended >= 0).any():
            good &= self._going()
        if not bool(good.all()):
            stepped, meta, momentum, after = self._mended(
                good, (theta, stepped), (self.meta, meta), momentum, (before, after), kept_moments
            )
        self._momentum = momentum if schedule.sgd.momentum else None
        moved.theta = stepped
        moved.load_buffers(after)
        self.networks, self._moved = moved, start
        self._take_over(meta)
        self.taken += 1

    def _going(self) -> Tensor:
        """Return which runs have not ended, (R,), and take the others out of what is noted."""
        going = torch.from_numpy(self.ended < 0).to(self.meta.device)
        for name, values in self.noted.items():
            self.noted[name] = torch.where(going, values, torch.full_like(values, torch.nan))
        return going

    def _rate(self) -> Tensor | float:
        rate: Tensor | float = self.schedule.rate_at(self.taken)
        if self._factors is not None:
            rate = rate * self._factors
        return rate * self.meta.exp() if self.schedule.adapts == "rate" else rate

    def _adapted(
        self, stepped: Tensor, buffers: Tensor, direction: Tensor, rate: Tensor | float,
        seeds: Sequence[int], note: bool,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return what adapts after the step, and the validation batch's loss after it, (R,)."""
        schedule, start, moved = self.schedule, self.networks, self._moved
        batch = _rows(self._data.valid, self._valid.at(self.taken))
        moved.theta = stepped
        moved.load_buffers(buffers)
        judged, slopes = objective(moved.forward(batch.x, seeds), batch.labels, self._task)
        if note:
            self.noted["objective"] = judged
            self.noted["rate"] = torch.as_tensor(rate).expand(self.runs, 1)[:, 0]
        if schedule.adapts == "nothing":
            return self.meta, judged
        v = moved.pull(slopes)
        if schedule.adapts == "rate":
            assert isinstance(rate, Tensor)
            gradient = -rate * (v * direction).sum(1, keepdim=True)
        else:
            assert isinstance(self._side, LossSide)
            gradient = self._side.stack.by_weights(start.push(v))
            factor = schedule.sgd.factor / schedule.sgd.learning_rate
            gradient = gradient * (rate * factor)
        if not schedule.meta_rate:
            return self.meta, judged  # bit for bit what it was
        self._adam = Adam(schedule.meta_rate, self._adam.first.clone(), self._adam.second.clone())
        return self._adam.step(self.meta, gradient, self.taken), judged

    def _take_over(self, meta: Tensor) -> None:
        self.meta = meta
        if isinstance(self._side, LossSide):
            self._side.stack.phi = meta

    def _note_shape(
        self, start: Networks, outputs: Tensor, batch: Batch, gradient: Tensor, values: Tensor
    ) -> None:
        _, slopes = TaskSide(self._task).slopes(outputs, batch)
        usual = start.pull(slopes)
        mine, theirs = gradient.norm(dim=1), usual.norm(dim=1)
        self.noted["loss"] = values
        self.noted["ratio"] = mine / theirs
        self.noted["cos"] = (gradient * usual).sum(1) / (mine * theirs)

    def _mended(
        self, good: Tensor, theta: tuple[Tensor, Tensor], meta: tuple[Tensor, Tensor],
        momentum: Tensor, buffers: tuple[Tensor, Tensor], moments: tuple[Tensor, Tensor],
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
        """Return the new numbers, with rows that are not finite as they were before the step."""
        bad = ~good.cpu().numpy()
        fresh = bad & (self.ended < 0)
        if self.schedule.on_divergence == "raise" and fresh.any():
            first = int(np.flatnonzero(fresh)[0])
            factor = self.schedule.factors[first] if self.schedule.factors else 1.0
            raise TrainingDivergedError(
                f"step {self.taken}: numbers of training {first} of the stack are not finite "
                f"at learning rate {self.schedule.rate_at(self.taken) * factor:g}; "
                f"on_divergence = 'stop' keeps the others, a lower learning_rate may avoid it"
            )
        if self.schedule.on_divergence == "revert":
            self.reverts += fresh
            fresh = fresh & (self.reverts >= MOST_REVERTS)
        self.ended = np.where(fresh, self.taken, self.ended)
        row = good[:, None]
        carried = torch.where(row, momentum, torch.zeros_like(momentum))
        self._adam.first = torch.where(row, self._adam.first, moments[0])
        self._adam.second = torch.where(row, self._adam.second, moments[1])
        return (
            torch.where(row, theta[1], theta[0]), torch.where(row, meta[1], meta[0]), carried,
            torch.where(row, buffers[1], buffers[0]),
        )  # fmt: skip

    def outputs(self, part: Part) -> Array:
        """Return the raw outputs on a part of the data, (R, C, n); NaN for a run that ended."""
        found: Array = self.networks.evaluate(part.x).transpose(1, 2).cpu().numpy()
        found[self.ended >= 0] = np.nan
        return found

    def state(self) -> State:
        """Return everything that the next step depends on."""
        momentum = None if self._momentum is None else _array(self._momentum)
        return State(
            self.taken, _array(self.networks.theta), _array(self.networks.buffers()), momentum,
            _array(self.meta), _array(self._adam.first), _array(self._adam.second),
            self.ended.copy(), self.reverts.copy(),
        )  # fmt: skip

    def load(self, state: State) -> None:
        """Go on from a state."""
        like = self.networks.theta

        def tensor(array: Array) -> Tensor:
            return torch.tensor(array, dtype=like.dtype, device=like.device)

        self.taken = state.step
        self.networks.theta = tensor(state.theta)
        self.networks.load_buffers(tensor(state.buffers))
        self._momentum = None if state.momentum is None else tensor(state.momentum)
        self._adam = Adam(self.schedule.meta_rate, tensor(state.first), tensor(state.second))
        self._take_over(tensor(state.meta))
        self.ended, self.reverts = np.array(state.ended), np.array(state.reverts)


@dataclass(frozen=True)
class LossSide:
    """A stack of loss networks, which may adapt."""

    stack: LossNetworkStack

    def slopes(self, outputs: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return values (R,) and slopes (R, B, C)."""
        return self.stack.slopes(outputs, batch.labels)


def _rows(part: Part, rows: Tensor) -> Batch:
    return Batch(part.x[rows], part.labels[rows], part.targets[rows])


def _array(tensor: Tensor) -> Array:
    found: Array = tensor.detach().cpu().numpy().copy()
    return found

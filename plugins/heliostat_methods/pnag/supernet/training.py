"""Training of a supernet, one step at a time, that can stop anywhere and go on with equal bits.

    trainer = SupernetTrainer(net, choices, Sandwich(), TrainingSettings(epochs=6), streams)
    while not trainer.done(len(images)):
        trainer.step(images, labels)

What a step does follows from its number, the named streams and the state: `state()` returns that as
arrays, and a trainer that loads it goes on as if it had never stopped.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from heliostat.errors import ConfigError, DataError, did_you_mean
from heliostat_methods.pnag.supernet.choices import SubnetChoices
from heliostat_methods.pnag.supernet.distillation import Loss
from heliostat_methods.pnag.supernet.flat_parameters import FlatParameters, NesterovSGD
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.parallel import (
    ShardGradient,
    shard_gradient,
    shards_of,
    summed,
)
from heliostat_methods.pnag.supernet.rates import RATES
from heliostat_methods.pnag.supernet.schedule import Schedule, StepPlan

Streams = Callable[..., np.random.Generator]
"""Random streams by name: `streams("batches", 3)`."""
State = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class TrainingSettings:
    """How a supernet is trained.

    `rate`: the greatest learning rate. `soft`: the share of a taught subnet's loss that is the
    teacher's. `shards`: parts of a batch whose gradients are taken apart, whoever takes them.
    """

    epochs: int = 6
    batch: int = 128
    rate: float = 0.2
    rates: Literal["one_cycle", "cosine"] = "one_cycle"
    momentum: float = 0.9
    weight_decay: float = 3e-5
    soft: float = 0.5
    shards: int = 1

    def __post_init__(self) -> None:
        for field, least in (("epochs", 1), ("batch", 2), ("shards", 1)):
            if getattr(self, field) < least:
                raise ConfigError(field, getattr(self, field), f"{least} or more")
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise ConfigError("rate", self.rate, "a number above 0")
        for field, top in (("momentum", 1.0), ("soft", 1.0), ("weight_decay", math.inf)):
            if not 0 <= getattr(self, field) <= top:
                raise ConfigError(field, getattr(self, field), f"0 to {top}")
        if self.rates not in RATES:
            raise ConfigError(
                "rates", self.rates, " or ".join(RATES), did_you_mean(self.rates, RATES)
            )


@dataclass(frozen=True)
class StepReport:
    """What a step says of itself: its number from 0, the rate, the losses of its subnets."""

    step: int
    rate: float
    losses: tuple[float, ...]


class SupernetTrainer:
    """A supernet under training. The network's parameters become views of one buffer.

    Streams used: "batches", epoch and "subnets", step. `loss(logits, labels)` is a mean over a
    batch. Raises ConfigError, naming step and rate, when a loss is not finite.
    """

    def __init__(
        self, net: Supernet, choices: SubnetChoices, schedule: Schedule,
        settings: TrainingSettings, streams: Streams, loss: Loss = F.cross_entropy,
    ) -> None:  # fmt: skip
        self.net, self.choices, self.schedule = net, choices, schedule
        self.settings, self._streams, self._loss = settings, streams, loss
        self._flat = FlatParameters(net)
        self._optimiser = NesterovSGD(self._flat, settings.momentum, settings.weight_decay)
        self._teacher: Supernet | None = None
        self._order: tuple[int, NDArray[np.int64]] | None = None
        self.steps_done = 0

    def steps(self, images: int) -> int:
        """Return the steps of the whole training on so many images."""
        return self.settings.epochs * self._per_epoch(images)

    def done(self, images: int) -> bool:
        """Whether all steps are done."""
        return self.steps_done >= self.steps(images)

    def step(self, images: Tensor, labels: Tensor) -> StepReport:
        """Train the next step's subnets on the next batch of (images, channels, h, w)."""
        plan = self.begin(len(images))
        shards = shards_of(self.batch(len(images)), self.settings.shards)
        found = [self.shard(plan, images[part], labels[part]) for part in _indices(shards)]
        return self.apply(found, self.steps(len(images)))

    def train(
        self, images: Tensor, labels: Tensor, until: int | None = None,
        progress: Callable[[StepReport], None] | None = None,
    ) -> None:  # fmt: skip
        """Go on to the end, or until so many steps are done; `progress` hears of each."""
        last = self.steps(len(images)) if until is None else min(until, self.steps(len(images)))
        while self.steps_done < last:
            report = self.step(images, labels)
            if progress is not None:
                progress(report)

    def begin(self, images: int) -> StepPlan:
        """Return the next step's plan, and bring teacher and channels to where it starts from.

        Workers that take shards load the state as it is afterwards.
        """
        rng = self._streams("subnets", self.steps_done)
        plan = self.schedule.plan(self.choices, self.steps_done, self.steps(images), rng)
        if plan.freeze:
            self._teacher = copy.deepcopy(self.net).requires_grad_(False)
        if plan.sort:
            self.net.sort_channels()
            self._optimiser.velocity.zero_()  # it belongs to the channels as they were
        return plan

    def batch(self, images: int) -> NDArray[np.int64]:
        """Return the indices of the next step's images; an epoch leaves out what fills no batch."""
        epoch, place = divmod(self.steps_done, self._per_epoch(images))
        if self._order is None or self._order[0] != epoch or len(self._order[1]) != images:
            self._order = epoch, self._streams("batches", epoch).permutation(images)
        size = min(self.settings.batch, images)
        return self._order[1][place * size : (place + 1) * size]

    def shard(self, plan: StepPlan, images: Tensor, labels: Tensor) -> ShardGradient:
        """Return the gradient of the step's losses on one shard of its batch."""
        return shard_gradient(
            self.net, self._flat, self._teacher, self.choices.largest, plan, images, labels,
            self._loss, self.settings.soft,
        )  # fmt: skip

    def apply(self, gradients: Sequence[ShardGradient], steps: int) -> StepReport:
        """Make the step from its shards' gradients, in their order."""
        total = summed(gradients)
        rate = RATES[self.settings.rates](self.steps_done, steps, self.settings.rate)
        if not all(math.isfinite(l) for l in total.losses):
            raise ConfigError(
                "rate", self.settings.rate, "a rate at which the losses stay finite",
                f"at step {self.steps_done} of {steps}, with rate {rate:.3g}, they are "
                f"{', '.join(f'{l:.3g}' for l in total.losses)}; try a third of it",
            )  # fmt: skip
        gradient = torch.tensor(total.values, device=self._flat.values.device)
        self._optimiser.step(gradient, rate)
        self.steps_done += 1
        return StepReport(self.steps_done - 1, rate, total.losses)

    def state(self) -> State:
        """Return all that a step depends on beside settings, streams and data, as arrays."""
        found: State = {
            "steps_done": np.array(self.steps_done),
            "parameters": _array(self._flat.values),
            "velocity": _array(self._optimiser.velocity),
        }
        for name, value in self.net.named_buffers():
            found[f"buffer {name}"] = _array(value)
        if self._teacher is not None:
            for name, value in self._teacher.state_dict().items():
                found[f"teacher {name}"] = _array(value)
        return found

    def load(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go on from a state; DataError if it is of another network."""
        for name, own in (
            ("parameters", self._flat.values), ("velocity", self._optimiser.velocity),
        ):  # fmt: skip
            if name not in state or state[name].shape != tuple(own.shape):
                got = state[name].shape if name in state else "nothing"
                raise DataError(f"state of a training: {name} {got}, the network has {own.numel()}")
            own.copy_(torch.from_numpy(np.array(state[name])))
        self.steps_done = int(state["steps_done"])
        for name, value in self.net.named_buffers():
            value.copy_(torch.from_numpy(np.array(state[f"buffer {name}"])))
        taught = {k.removeprefix("teacher "): v for k, v in state.items() if k.startswith("teach")}
        self._teacher = self._loaded_teacher(taught) if taught else None

    def _loaded_teacher(self, values: Mapping[str, NDArray[np.generic]]) -> Supernet:
        teacher = copy.deepcopy(self.net).requires_grad_(False)
        teacher.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in values.items()})
        return teacher

    def _per_epoch(self, images: int) -> int:
        return max(1, images // self.settings.batch)


def _array(values: Tensor) -> NDArray[np.generic]:
    found: NDArray[np.generic] = values.detach().cpu().numpy().copy()
    return found


def _indices(shards: Sequence[NDArray[np.int64]]) -> list[Tensor]:
    return [torch.from_numpy(part) for part in shards]

"""Algorithm 2 for one model of torch, a step at a time: the loss moves after every step.

    trainer = OnlineTrainer(model, MetaLossNetwork.drawn("classification", rng))
    for batch, valid_batch in batches:
        said = trainer.step(batch, valid_batch)

The model's own parameters are moved. It is the plain form of what runs do stacked, in whatever
precision the model has.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from heliostat_methods.adalfl.training.stacked import MOST_REVERTS, TrainingDivergedError
from heliostat_search.loss_networks.conventions import Task, task_objective
from heliostat_search.unrolled.meta_gradient import Batch, MetaStep, unrolled_meta_gradient
from heliostat_search.unrolled.sgd import SGD

OnDivergence = Literal["stop", "revert", "raise"]


@dataclass(frozen=True)
class OnlineStep:
    """What a step was: its number from 0, M on the training batch, L after it on the other.

    ``ratio`` = ||grad M|| / ||grad L_T|| and ``cos`` of the two on the training batch, NaN where
    they were not asked for. ``taken`` is False for one that was undone, or not taken any more.
    """

    number: int
    loss: float
    objective: float
    ratio: float = float("nan")
    cos: float = float("nan")
    taken: bool = True


class OnlineTrainer:
    """Trains ``model`` with a loss that adapts.

    ``loss(outputs, targets)`` is a module with parameters, such as a `MetaLossNetwork`, whose
    ``task`` says what it is measured by; ``objective`` is any other measure. The loss moves by Adam
    (or plain SGD) at ``meta_learning_rate``; at 0 it stays as it is, bit for bit. What
    ``on_divergence`` does with numbers that are not finite: "raise" `TrainingDivergedError`,
    "revert" undoes the step, "stop" takes no further one and leaves the last finite loss. Raises
    ``ValueError`` naming the argument that cannot be.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        *,
        sgd: SGD | None = None,
        meta_learning_rate: float = 1e-5,
        meta_optimizer: Literal["adam", "sgd"] = "adam",
        objective: Callable[[Tensor, Tensor], Tensor] | None = None,
        on_divergence: OnDivergence = "raise",
        seed: int = 0,
    ) -> None:
        if not 0 <= meta_learning_rate < math.inf:
            raise ValueError(f"meta_learning_rate: got {meta_learning_rate}; expected 0 or more")
        if on_divergence not in ("stop", "revert", "raise"):
            raise ValueError(
                f"on_divergence: got {on_divergence!r}; expected stop, revert or raise"
            )
        if meta_optimizer not in ("adam", "sgd"):
            raise ValueError(f"meta_optimizer: got {meta_optimizer!r}; expected 'adam' or 'sgd'")
        self.model, self.loss, self.sgd = model, loss, sgd or SGD()
        self._weights = [p for p in loss.parameters() if p.requires_grad]
        if not self._weights:
            raise ValueError("loss: expected a module with parameters that adapt")
        self._objective = objective or _objective_of(loss)
        self._rate, self._kind = meta_learning_rate, meta_optimizer
        self._on_divergence, self._seed = on_divergence, seed
        self._own = {n: p for n, p in model.named_parameters() if p.requires_grad}
        if not self._own:
            raise ValueError("model: expected parameters to train")
        self._momentum: dict[str, Tensor] | None = None
        self._meta = self._meta_optimizer()
        self.number = 0
        self.reverts = 0
        self.stopped_at: int | None = None

    def _meta_optimizer(self) -> torch.optim.Optimizer:
        if self._kind == "sgd":
            return torch.optim.SGD(self._weights, lr=self._rate)
        return torch.optim.Adam(self._weights, lr=self._rate, foreach=False)

    def step(self, batch: Batch, valid_batch: Batch, *, note: bool = False) -> OnlineStep:
        """Take one step on ``batch`` and move the loss by ``valid_batch``, pairs (x, targets).

        The two must not share rows, or the loss learns to hide overfitting. ``note`` asks for
        ``ratio`` and ``cos``, which costs a gradient of the task's loss. Raises ``ValueError`` for
        an empty batch, and what ``on_divergence`` says.
        """
        for name, (x, _) in (("batch", batch), ("valid_batch", valid_batch)):
            if not len(x):
                raise ValueError(f"{name}: got no rows; expected at least 1")
        number, nan = self.number, float("nan")
        if self.stopped_at is not None:
            return OnlineStep(number, nan, nan, taken=False)
        shape = self._shape(batch) if note else (nan, nan)
        self.model.train()
        found = unrolled_meta_gradient(
            self.model, self._own, self.loss, self._weights, batch, valid_batch, self.sgd,
            self._momentum, objective=self._objective, seed=self._seed + 2 * number,
        )  # fmt: skip
        self.number += 1
        values = float(found.loss), float(found.objective)
        # Squared as Adam does it: an infinite moment would hold the loss where it is for good.
        squares = all(bool(slope.square().sum().isfinite()) for slope in found.gradient)
        if not (found.finite and squares):
            self._diverged(number)
            return OnlineStep(number, *values, *shape, taken=False)
        self._take(found)
        return OnlineStep(number, *values, *shape)

    def _take(self, found: MetaStep) -> None:
        with torch.no_grad():
            for name, part in self._own.items():
                part.copy_(found.parameters[name])
            for name, buffer in self.model.named_buffers():
                buffer.copy_(found.statistics[name])
        self._momentum = found.momentum if self.sgd.momentum else None
        if not self._rate:
            return
        for weight, slope in zip(self._weights, found.gradient, strict=True):
            weight.grad = slope
        self._meta.step()
        self._meta.zero_grad()

    def _diverged(self, number: int) -> None:
        if self._on_divergence == "raise":
            raise TrainingDivergedError(
                f"step {number}: the loss, the parameters or the loss's gradient are not finite; "
                "the loss and the model are as they were before it"
            )
        self._momentum = None
        self.reverts += 1
        if self._on_divergence == "stop" or self.reverts >= MOST_REVERTS:
            self.stopped_at = number

    def _shape(self, batch: Batch) -> tuple[float, float]:
        """Return ratio and cosine of the two losses' gradients, at statistics that are put back."""
        kept = {name: part.clone() for name, part in self.model.named_buffers()}
        generator = torch.default_generator.get_state()
        gradients = []
        for loss in (self.loss, self._objective):
            torch.default_generator.manual_seed(self._seed + 2 * self.number)
            value = loss(self.model(batch[0]), batch[1])
            found = torch.autograd.grad(value, list(self._own.values()), allow_unused=True)
            slopes = (
                torch.zeros_like(p) if g is None else g
                for p, g in zip(self._own.values(), found, strict=True)
            )
            gradients.append(torch.cat([slope.reshape(-1) for slope in slopes]))
        torch.default_generator.set_state(generator)
        with torch.no_grad():
            for name, part in self.model.named_buffers():
                part.copy_(kept[name])
        mine, theirs = gradients
        sizes = mine.norm(), theirs.norm()
        return float(sizes[0] / sizes[1]), float((mine * theirs).sum() / (sizes[0] * sizes[1]))

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next step depends on, as torch saves it."""
        return {
            "model": {k: v.clone() for k, v in self.model.state_dict().items()},
            "loss": {k: v.clone() for k, v in self.loss.state_dict().items()},
            "meta": copy.deepcopy(self._meta.state_dict()),  # its moments move in place
            "momentum": None if self._momentum is None else dict(self._momentum),
            "number": self.number, "reverts": self.reverts, "stopped_at": self.stopped_at,
        }  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` returned, bit for bit."""
        self.model.load_state_dict(state["model"])
        self.loss.load_state_dict(state["loss"])
        self._meta.load_state_dict(copy.deepcopy(state["meta"]))
        momentum = state["momentum"]
        self._momentum = None if momentum is None else {k: v.clone() for k, v in momentum.items()}
        self.number, self.reverts = state["number"], state["reverts"]
        self.stopped_at = state["stopped_at"]


def _objective_of(loss: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
    task: Task | None = getattr(loss, "task", None)
    if task not in ("regression", "classification"):
        raise ValueError(
            "objective: expected one, since the loss does not say its task ('regression' or "
            "'classification')"
        )
    return lambda outputs, targets: task_objective(task, outputs, targets)

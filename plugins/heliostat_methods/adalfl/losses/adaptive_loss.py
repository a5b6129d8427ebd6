"""A loss that adapts in a training loop of one's own, around an optimiser of torch.

    adaptive = AdaptiveLoss(model, optimizer, "classification")
    for (x, y), (x_valid, y_valid) in batches:
        optimizer.zero_grad()
        adaptive(model(x), y).backward()
        optimizer.step()
        adaptive.adapt(x_valid, y_valid)

What ``adapt`` needs of the step it takes from hooks (`recorded_step`): inputs and random state of
the model's forward passes, the parameters before the optimiser's step, and by what factor the loss
was scaled before it went backwards.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from heliostat_methods.adalfl.losses.recorded_pass import devices_of
from heliostat_methods.adalfl.losses.recorded_step import RecordedStep, check_optimizer
from heliostat_search.loss_networks.conventions import Task, task_objective
from heliostat_search.loss_networks.network import MetaLossNetwork
from heliostat_search.unrolled.loss_slopes import LossSlopes

_COARSE = (torch.float16, torch.bfloat16)


class AdaptiveLoss(nn.Module):
    """``adaptive(outputs, targets)`` is the loss; ``adapt`` moves it after the optimiser's step.

    ``optimizer`` is a `torch.optim.SGD` of the model's parameters, of any number of groups; its
    ``step`` may take a closure. ``network`` is the loss that adapts, without one a network fitted
    to the task's loss (``seed`` draws it); it moves by Adam at ``lr`` and takes the model's
    precision, or float32 where that has 16 bits. ``objective`` is what the loss is to lower,
    without one the task's own. Several batches may be accumulated in one step of the optimiser, and
    several of these losses may stand around one model.

    Every backward since the last step counts, at the factor that the loss had in it. What happens
    to gradients between a backward and the step is not seen: clipping, unscaling as a GradScaler
    does it, and ``zero_grad`` after a backward; for the last there is ``forget``.

    ``state_dict`` holds the network and Adam's moments: between ``adapt`` and the next pass a
    training goes on from it bit for bit. Raises ``ValueError`` naming what cannot be.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        task: Task = "classification",
        *,
        network: MetaLossNetwork | None = None,
        lr: float = 1e-5,
        objective: Callable[[Tensor, Tensor], Tensor] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not 0 <= lr < math.inf:
            raise ValueError(f"lr: got {lr}; expected 0 or more")
        if network is not None and network.task != task:
            raise ValueError(f"network: it is for {network.task}; expected one for {task}")
        check_optimizer(optimizer, () if network is None else network.parameters())
        first = _first_parameter(model, optimizer)
        precision = torch.float32 if first.dtype in _COARSE else first.dtype
        self.network = (network or _usual(task, seed)).to(first.device, precision)
        self.task: Task = task
        self._objective = objective
        self._adam = torch.optim.Adam(self.network.parameters(), lr=lr, foreach=False)
        # No module of this one: the model is no part of its loss.
        self._record: RecordedStep | None = RecordedStep(
            model, optimizer, self.network.parameters()
        )

    def detach_hooks(self) -> None:
        """Leave model and optimiser as they were; the loss no longer adapts."""
        self._recorded().remove_hooks()

    def forget(self) -> None:
        """Drop the passes since the last step, and that step: for gradients that are thrown away.

        Call it with ``optimizer.zero_grad()`` when a backward is not to be stepped on.
        """
        self._recorded().forget()

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the scalar loss of a batch; ``outputs`` are those of a pass of the model.

        Raises ``ValueError`` for outputs without rows and for those of no recorded pass.
        """
        if not outputs.numel():
            raise ValueError(f"outputs: shape {tuple(outputs.shape)}; expected at least 1 row")
        value = self._loss(outputs, targets)
        if torch.is_grad_enabled() and outputs.requires_grad:
            self._recorded().take(outputs, targets, value)
        return value

    def adapt(self, x: Any, targets: Tensor) -> float:
        """Move the loss by a validation batch and return the objective there, after the step.

        ``x`` is what the model takes, a tuple for several arguments. The batch must share no row
        with those of the step. Raises ``RuntimeError`` without a step since the last call, and if
        tensors of the step's batch were changed in place since; ``ValueError`` without rows.
        """
        if torch.is_inference_mode_enabled():
            raise RuntimeError(
                "adapt: got called under torch.inference_mode, which makes no gradients; expected "
                "a call outside of it"
            )
        record = self._recorded()
        if not record.stepped:
            raise RuntimeError(
                "adapt: expected a step before it: adaptive(model(x), y).backward(), "
                "optimizer.step()"
            )
        if not targets.numel():
            raise ValueError(f"targets: shape {tuple(targets.shape)}; expected at least 1 row")
        record.check_unwritten()
        inputs = x if isinstance(x, tuple) else (x,)
        value, slopes = self._judged(record, inputs, targets)
        change = {name: slope * record.factors[name] for name, slope in slopes.items()}
        weights = [w for w in self.network.parameters() if w.requires_grad]
        total = [torch.zeros_like(w) for w in weights]
        for one in record.passes:
            if not one.scaled:
                continue
            tangent = record.tangent(one, change)
            for taken in one.taken:
                said = LossSlopes(self._loss, taken.outputs, taken.targets, weights)
                along = tangent.reshape(said.slopes.shape)
                found = said.along(along.to(weights[0].dtype), taken.scale)
                total = [a + b for a, b in zip(total, found, strict=True)]
        record.spend()
        # Squared as Adam does it: an infinite moment would hold the loss where it is for good.
        if not all(bool(g.square().sum().isfinite()) for g in total) or not math.isfinite(value):
            raise RuntimeError(
                "adapt: the loss's gradient or the objective is not finite; the loss is as it was"
            )
        for weight, gradient in zip(weights, total, strict=True):
            weight.grad = gradient
        self._adam.step()
        self._adam.zero_grad()
        return value

    def get_extra_state(self) -> dict[str, Any]:
        """Return Adam's moments and settings, as ``state_dict`` takes them up."""
        return copy.deepcopy(self._adam.state_dict())  # its moments move in place

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take over what ``get_extra_state`` returned."""
        self._adam.load_state_dict(copy.deepcopy(state))

    def __getstate__(self) -> dict[str, Any]:
        """Leave model and optimiser out of copies and pickles."""
        return {**self.__dict__, "_record": None}

    def _recorded(self) -> RecordedStep:
        if self._record is None:
            raise RuntimeError(
                "AdaptiveLoss: a copy stands around no model; expected "
                "AdaptiveLoss(model, optimizer, network=copy.network)"
            )
        return self._record

    def _loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        precision = next(self.network.parameters()).dtype
        with torch.autocast(outputs.device.type, enabled=False):
            value: Tensor = self.network(outputs.to(precision), targets)
        return value

    def _judge(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if self._objective is not None:
            return self._objective(outputs, targets)
        precision = next(self.network.parameters()).dtype
        return task_objective(self.task, outputs.to(precision), targets)

    def _judged(
        self, record: RecordedStep, inputs: tuple[Any, ...], targets: Tensor
    ) -> tuple[float, dict[str, Tensor]]:
        model = record.model
        moved = {
            name: part.detach().requires_grad_()
            for name, part in model.named_parameters()
            if part.requires_grad
        }
        rest = {name: part.clone() for name, part in model.named_buffers()}
        forked = torch.random.fork_rng(devices=devices_of(moved))
        with record.quiet(), torch.enable_grad(), forked:
            outputs = functional_call(model, {**moved, **rest}, inputs)
            value = self._judge(outputs, targets)
        found = torch.autograd.grad(value, list(moved.values()), allow_unused=True)
        return float(value.detach()), {
            name: torch.zeros_like(part) if g is None else g
            for (name, part), g in zip(moved.items(), found, strict=True)
        }


def _first_parameter(model: nn.Module, optimizer: torch.optim.Optimizer) -> Tensor:
    """Return one of the model's parameters; raises ``ValueError`` for a model that cannot be."""
    for part in model.modules():
        if isinstance(part, nn.DataParallel | nn.parallel.DistributedDataParallel):
            raise ValueError(
                f"model: it is or holds a {type(part).__name__}, whose passes are several; "
                "expected a model without"
            )
    own = list(model.parameters())
    if not own:
        raise ValueError("model: expected parameters to train")
    held = {id(part) for group in optimizer.param_groups for part in group["params"]}
    if not any(id(part) in held for part in own):
        raise ValueError(
            "optimizer: it holds none of the model's parameters; expected at least one of them"
        )
    return own[0]


def _usual(task: Task, seed: int) -> MetaLossNetwork:
    from heliostat_methods.adalfl.losses.starting import fitted_network

    return fitted_network(task, np.random.default_rng(seed))

"""A loss that adapts in a training loop of one's own, around an optimiser of torch.

    adaptive = AdaptiveLoss(model, optimizer, "classification")
    for (x, y), (x_valid, y_valid) in batches:
        optimizer.zero_grad()
        adaptive(model(x), y).backward()
        optimizer.step()
        adaptive.adapt(x_valid, y_valid)

What ``adapt`` needs of the step it takes from hooks: inputs and random state of the model's forward
passes, the parameters before the optimiser's step, and by what factor the loss was scaled before it
went backwards.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from heliostat_search.loss_networks.conventions import Task, task_objective
from heliostat_search.loss_networks.network import MetaLossNetwork
from heliostat_search.unrolled.forward_derivative import derivative_along
from heliostat_search.unrolled.loss_slopes import LossSlopes


@dataclass
class _Taken:
    """The loss as it was taken of a pass, and the factor at which it went backwards."""

    outputs: Tensor
    targets: Tensor
    scale: float = 0.0


@dataclass
class _Pass:
    """A forward pass of the model in training mode, and the losses that were taken of it.

    ``modes`` says of each module whether it was in training mode, ``random`` are the states of the
    generators, the CPU's first.
    """

    inputs: tuple[tuple[Any, ...], dict[str, Any]]
    random: list[Tensor]
    modes: list[bool]
    buffers: dict[str, Tensor]
    outputs: weakref.ref[Tensor] | None = None
    taken: list[_Taken] = field(default_factory=list)


class AdaptiveLoss(nn.Module):
    """``adaptive(outputs, targets)`` is the loss; ``adapt`` moves it after the optimiser's step.

    ``optimizer`` is a `torch.optim.SGD` of the model's parameters, of any number of groups.
    ``network`` is the loss that adapts, without one a network fitted to the task's loss
    (``seed`` draws it); it moves by Adam at ``lr``. ``objective`` is what the loss is to lower,
    without one the task's own. Several batches may be accumulated in one step of the optimiser.
    Clipping of gradients is not seen: the factor of the step is then only nearly right.
    Raises ``ValueError`` naming what cannot be.
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
        _check_optimizer(optimizer)
        if not 0 <= lr < math.inf:
            raise ValueError(f"lr: got {lr}; expected 0 or more")
        if network is not None and network.task != task:
            raise ValueError(f"network: it is for {network.task}; expected one for {task}")
        first = next(iter(model.parameters()), None)
        if first is None:
            raise ValueError("model: expected parameters to train")
        self.network = (network or _usual(task, seed)).to(first)
        self.task: Task = task
        self._objective = objective or (lambda out, targets: task_objective(task, out, targets))
        self._adam = torch.optim.Adam(self.network.parameters(), lr=lr, foreach=False)
        # Not as attributes: the model is no part of its loss.
        self._of = (model, optimizer)
        self._passes: list[_Pass] = []
        self._before: dict[str, Tensor] | None = None
        self._quiet = False
        self._hooks = [
            model.register_forward_pre_hook(self._on_forward, with_kwargs=True),
            model.register_forward_hook(self._after_forward),
            optimizer.register_step_pre_hook(self._on_step),
        ]

    def detach_hooks(self) -> None:
        """Leave model and optimiser as they were; the loss no longer adapts."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the scalar loss of a batch; ``outputs`` are those of the model's last pass."""
        value: Tensor = self.network(outputs, targets)
        if torch.is_grad_enabled() and outputs.requires_grad:
            taken = _Taken(outputs.detach(), targets)
            self._pass_of(outputs).taken.append(taken)
            value.register_hook(  # type: ignore[no-untyped-call]
                lambda slope: _add_scale(taken, slope)
            )
        return value

    def adapt(self, x: Any, targets: Tensor) -> float:
        """Move the loss by a validation batch and return the objective there, after the step.

        ``x`` is what the model takes, a tuple for several arguments. The batch must share no row
        with those of the step. Raises ``RuntimeError`` without a step since the last call.
        """
        model, optimizer = self._of
        passes = [one for one in self._passes if any(taken.scale for taken in one.taken)]
        if self._before is None or not passes:
            raise RuntimeError(
                "adapt: expected a step before it: adaptive(model(x), y).backward(), "
                "optimizer.step()"
            )
        inputs = x if isinstance(x, tuple) else (x,)
        own: dict[str, Tensor] = {
            name: part for name, part in model.named_parameters() if part.requires_grad
        }
        value, slopes = self._judged(model, own, inputs, targets)
        change = _stepped_slopes(optimizer, own, slopes)
        weights = [w for w in self.network.parameters() if w.requires_grad]
        total = [torch.zeros_like(w) for w in weights]
        for one in passes:
            tangent = self._tangent(model, one, change)
            for taken in one.taken:
                said = LossSlopes(self.network, taken.outputs, taken.targets, weights)
                found = said.along(tangent.view_as(said.slopes), taken.scale)
                total = [a + b for a, b in zip(total, found, strict=True)]
        self._passes, self._before = [], None
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

    def _judged(
        self, model: nn.Module, own: dict[str, Tensor], inputs: tuple[Any, ...], targets: Tensor
    ) -> tuple[float, dict[str, Tensor]]:
        moved = {name: part.detach().requires_grad_() for name, part in own.items()}
        rest = {name: part.clone() for name, part in model.named_buffers()}
        self._quiet = True
        try:
            with torch.enable_grad(), torch.random.fork_rng(devices=_devices(own)):
                outputs = functional_call(model, {**moved, **rest}, inputs)
                value = self._objective(outputs, targets)
        finally:
            self._quiet = False
        found = torch.autograd.grad(value, list(moved.values()), allow_unused=True)
        return float(value.detach()), {
            name: torch.zeros_like(part) if g is None else g
            for (name, part), g in zip(moved.items(), found, strict=True)
        }

    def _tangent(self, model: nn.Module, one: _Pass, change: dict[str, Tensor]) -> Tensor:
        assert self._before is not None
        before = {name: self._before[name] for name in change}

        def outputs_of(values: dict[str, Tensor]) -> Tensor:
            rest = {name: part.clone() for name, part in one.buffers.items()}
            with _drawing_again(one.random, _devices(before)), _in_modes(model, one.modes):
                made: Tensor = functional_call(model, {**values, **rest}, *one.inputs)
            return made

        self._quiet = True
        try:
            return derivative_along(outputs_of, before, change)
        finally:
            self._quiet = False

    def _pass_of(self, outputs: Tensor) -> _Pass:
        for one in reversed(self._passes):
            made = None if one.outputs is None else one.outputs()
            if made is outputs or (made is not None and _same_numbers(made, outputs)):
                return one
        raise ValueError(
            "outputs: expected those of the model's forward pass in training mode, as they are"
        )

    def _on_forward(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._quiet or not (module.training and torch.is_grad_enabled()):
            return
        if self._before is not None:  # a step was taken, and nothing adapted to it
            self._passes, self._before = [], None
        buffers = {name: part.clone() for name, part in module.named_buffers()}
        modes = [part.training for part in module.modules()]
        random = _random_states(_devices(dict(module.named_parameters())))
        self._passes.append(_Pass((args, kwargs), random, modes, buffers))

    def _after_forward(self, module: nn.Module, args: Any, outputs: Any) -> None:
        recording = not self._quiet and module.training and torch.is_grad_enabled()
        if recording and self._passes and isinstance(outputs, Tensor):
            self._passes[-1].outputs = weakref.ref(outputs)

    def _on_step(self, *_: Any) -> None:
        model, _optimizer = self._of
        self._before = {name: p.detach().clone() for name, p in model.named_parameters()}


def _add_scale(taken: _Taken, slope: Tensor) -> None:
    taken.scale += float(slope)


def _same_numbers(made: Tensor, given: Tensor) -> bool:
    """Return whether one tensor is the other but for axes of length 1."""
    shapes = [[n for n in one.shape if n != 1] for one in (made, given)]
    strides = [
        [step for n, step in zip(one.shape, one.stride(), strict=True) if n != 1]
        for one in (made, given)
    ]
    return (
        made.data_ptr() == given.data_ptr() and shapes[0] == shapes[1] and strides[0] == strides[1]
    )


def _random_states(devices: Sequence[int]) -> list[Tensor]:
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state(one) for one in devices)]


@contextmanager
def _drawing_again(states: Sequence[Tensor], devices: Sequence[int]) -> Iterator[None]:
    """Let all generators begin at ``states``, and put them back as they were."""
    with torch.random.fork_rng(devices=devices):
        torch.set_rng_state(states[0])
        for device, state in zip(devices, states[1:], strict=True):
            torch.cuda.set_rng_state(state, device)
        yield


@contextmanager
def _in_modes(model: nn.Module, modes: Sequence[bool]) -> Iterator[None]:
    """Let every module be in training mode or not as it was in a pass."""
    parts = list(model.modules())
    now = [part.training for part in parts]
    try:
        for part, training in zip(parts, modes, strict=True):
            part.training = training
        yield
    finally:
        for part, training in zip(parts, now, strict=True):
            part.training = training


def _devices(parameters: dict[str, Tensor]) -> list[int]:
    found = [p.device.index or 0 for p in parameters.values() if p.device.type == "cuda"]
    return sorted(dict.fromkeys(found))


def _check_optimizer(optimizer: torch.optim.Optimizer) -> None:
    if not isinstance(optimizer, torch.optim.SGD):
        raise ValueError(
            f"optimizer: got {type(optimizer).__name__}; expected torch.optim.SGD, whose step is a "
            "multiple of the gradient"
        )
    for number, group in enumerate(optimizer.param_groups):
        for name in ("dampening", "maximize"):
            if group[name]:
                raise ValueError(f"optimizer: {name} = {group[name]} in group {number}; expected 0")


def _stepped_slopes(
    optimizer: torch.optim.Optimizer, own: dict[str, Tensor], slopes: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Return ``k v`` by name, with the factor k of each parameter's group; 0 where none is."""
    factors: dict[int, float] = {}
    for group in optimizer.param_groups:
        nesterov = 1.0 + group["momentum"] if group["nesterov"] else 1.0
        factors.update((id(part), -float(group["lr"]) * nesterov) for part in group["params"])
    return {name: slopes[name] * factors.get(id(part), 0.0) for name, part in own.items()}


def _usual(task: Task, seed: int) -> MetaLossNetwork:
    from heliostat_methods.adalfl.losses.starting import fitted_network

    return fitted_network(task, np.random.default_rng(seed))

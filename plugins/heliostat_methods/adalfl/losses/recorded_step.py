"""What a step of an optimiser was: the passes that led to it, parameters before it, its factors.

Hooks on model and optimiser write it down. They refer to the record weakly, and to nothing at all
in a copy or a pickle of the model: a copy is not recorded.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from heliostat_methods.adalfl.losses.recorded_pass import (
    Named,
    Pass,
    Scaling,
    Taken,
    pass_of,
    version,
)
from heliostat_search.unrolled.forward_derivative import derivative_along


class Hook:
    """Calls a method of a record while there is one; a copy, or what a pickle gives, does nothing.

    ``method`` is the name of the method of ``record``.
    """

    def __init__(self, record: RecordedStep | None = None, method: str = "") -> None:
        self._record = None if record is None else weakref.ref(record)
        self._method = method

    def __call__(self, *args: Any) -> None:
        """Pass on what torch says."""
        record = None if self._record is None else self._record()
        if record is not None:
            getattr(record, self._method)(*args)

    def __reduce__(self) -> tuple[type[Hook], tuple[()]]:
        """Let copies and pickles refer to no record."""
        return Hook, ()


class RecordedStep:
    """``passes`` since the last step, ``before`` and ``factors`` once that step is taken.

    ``factors[name]`` is k, by which a parameter moves per change of its gradient: minus the rate,
    times 1 + momentum for Nesterov's; 0 for a parameter that no group of the optimiser has.
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, foreign: Iterable[Tensor]
    ) -> None:
        self.model, self.optimizer = model, optimizer
        self._foreign = list(foreign)
        check_optimizer(optimizer, self._foreign)
        self.passes: list[Pass] = []
        self.before: Named | None = None
        self.factors: dict[str, float] = {}
        self._stepping = False
        self._quiet = False
        self._hooks = [
            model.register_forward_pre_hook(Hook(self, "on_forward"), with_kwargs=True),
            model.register_forward_hook(Hook(self, "after_forward")),
            optimizer.register_step_pre_hook(Hook(self, "on_step")),
            optimizer.register_step_post_hook(Hook(self, "after_step")),
        ]

    def remove_hooks(self) -> None:
        """Leave model and optimiser as they were."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def forget(self) -> None:
        """Drop everything that was recorded."""
        self.passes, self.before, self._stepping = [], None, False

    def spend(self) -> None:
        """Drop the step that was taken; passes whose loss is still to be taken stay."""
        self.passes, self.before = [one for one in self.passes if not one.taken], None

    @property
    def stepped(self) -> bool:
        """Whether a step was taken that a loss led to."""
        return self.before is not None and not self._stepping and any(p.scaled for p in self.passes)

    def take(self, outputs: Tensor, targets: Tensor, value: Tensor) -> None:
        """Note that ``value`` is the loss of the outputs of one of the passes."""
        if self.before is not None and not self._stepping:  # nothing adapted to that step
            self.spend()
        made_by = self._pass_of(outputs)
        taken = Taken(outputs.detach(), targets, (version(outputs), version(targets)))
        made_by.taken.append(taken)
        scaling = Scaling(taken)
        taken.graph = weakref.ref(scaling)
        value.register_hook(scaling)  # type: ignore[no-untyped-call]

    def check_unwritten(self) -> None:
        """Raise ``RuntimeError`` if what the passes refer to was written in place since."""
        for one in self.passes:
            changed = one.changed() if one.scaled else []
            if changed:
                raise RuntimeError(
                    f"adapt: {' and '.join(changed)} of the step's batch were changed in place "
                    "since the model's pass; clone them before, or adapt before they change"
                )

    def tangent(self, one: Pass, change: Named) -> Tensor:
        """Return how a pass's outputs change along a change of the parameters before the step."""
        assert self.before is not None
        before = {name: self.before[name] for name in change}
        with self.quiet():
            return derivative_along(lambda moved: one.again(self.model, moved), before, change)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Let passes of the model go unrecorded."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def _pass_of(self, outputs: Tensor) -> Pass:
        for one in reversed(self.passes):
            made = one.made
            if made is not None and (made is outputs or _same_numbers(made, outputs)):
                if version(outputs) != one.versions[-1]:
                    raise ValueError("outputs: they were changed in place since the model's pass")
                return one
        raise ValueError(
            "outputs: expected those of the model's forward pass in training mode, as they are, "
            "since the optimiser's last step (passes of a copy of the model, or of one inside "
            "nn.DataParallel, are not seen)"
        )

    def _records(self, module: nn.Module) -> bool:
        seen = module is self.model and not self._quiet
        return seen and module.training and torch.is_grad_enabled()

    def on_forward(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Begin a pass; those of which no loss can be taken any more go."""
        if not self._records(module):
            return
        for one in self.passes:
            one.taken = [taken for taken in one.taken if taken.counts]
        self.passes = [one for one in self.passes if one.taken or one.made is not None]
        self.passes.append(pass_of(module, args, kwargs))

    def after_forward(self, module: nn.Module, _args: Any, outputs: Any) -> None:
        """Note what the pass gave."""
        if self._records(module) and self.passes and isinstance(outputs, Tensor):
            self.passes[-1].outputs = weakref.ref(outputs)
            self.passes[-1].versions.append(version(outputs))

    def on_step(self, *_: Any) -> None:
        """Note parameters and factors before a step, which may call a closure that makes passes."""
        check_optimizer(self.optimizer, self._foreign)
        if self.before is not None and not self._stepping:  # two steps on one gradient
            self.passes = [one for one in self.passes if not one.taken]
        self._stepping = True
        named = dict(self.model.named_parameters())
        self.before = {name: part.detach().clone() for name, part in named.items()}
        factors: dict[int, float] = {}
        for group in self.optimizer.param_groups:
            nesterov = 1.0 + group["momentum"] if group["nesterov"] else 1.0
            factors.update((id(part), -float(group["lr"]) * nesterov) for part in group["params"])
        self.factors = {name: factors.get(id(part), 0.0) for name, part in named.items()}

    def after_step(self, *_: Any) -> None:
        """Keep the passes that led to the step; no loss of others fits its parameters."""
        self._stepping = False
        self.passes = [one for one in self.passes if one.scaled]
        if not self.passes:
            self.before = None


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


def check_optimizer(optimizer: torch.optim.Optimizer, foreign: Iterable[Tensor]) -> None:
    """Raise ``ValueError`` unless a step is a multiple of the gradient, of no foreign part."""
    if not isinstance(optimizer, torch.optim.SGD):
        raise ValueError(
            f"optimizer: got {type(optimizer).__name__}; expected torch.optim.SGD, whose step is a "
            "multiple of the gradient"
        )
    others = {id(part) for part in foreign}
    for number, group in enumerate(optimizer.param_groups):
        for name in ("dampening", "maximize"):
            if group[name]:
                raise ValueError(f"optimizer: {name} = {group[name]} in group {number}; expected 0")
        if any(id(part) in others for part in group["params"]):
            raise ValueError(
                f"optimizer: group {number} holds weights of the loss, which adapt moves; expected "
                "the model's parameters only"
            )

"""A forward pass of a model, kept so that it can be repeated at other parameters."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

Named = dict[str, Tensor]


@dataclass
class Taken:
    """The loss as it was taken of a pass, and the factor at which it went backwards."""

    outputs: Tensor
    targets: Tensor
    versions: tuple[int, int]
    scale: float = 0.0
    graph: weakref.ref[Any] | None = None

    @property
    def counts(self) -> bool:
        """Whether it went backwards, or still may."""
        return bool(self.scale) or (self.graph is not None and self.graph() is not None)


class Scaling:
    """A hook of the loss's value: the graph alone holds it, so that it ends with the graph."""

    def __init__(self, taken: Taken) -> None:
        self._taken = taken

    def __call__(self, slope: Tensor) -> None:
        """Add the factor of one backward."""
        self._taken.scale += float(slope)


@dataclass
class Pass:
    """A forward pass of the model in training mode, and the losses that were taken of it.

    ``modes`` says of each module whether it was in training mode, ``random`` are the states of the
    generators, the CPU's first; ``versions`` count the writes to inputs and, last, to outputs.
    """

    inputs: tuple[tuple[Any, ...], dict[str, Any]]
    random: list[Tensor]
    modes: list[bool]
    buffers: Named
    versions: list[int]
    outputs: weakref.ref[Tensor] | None = None
    taken: list[Taken] = field(default_factory=list)

    @property
    def made(self) -> Tensor | None:
        """The outputs, while anyone holds them."""
        return None if self.outputs is None else self.outputs()

    @property
    def scaled(self) -> bool:
        """Whether a loss of it went backwards."""
        return any(taken.scale for taken in self.taken)

    def again(self, model: nn.Module, parameters: Named) -> Tensor:
        """Return the outputs at other parameters, with the modes and draws that the pass had."""
        rest = {name: part.clone() for name, part in self.buffers.items()}
        with _drawing_again(self.random, devices_of(parameters)), _in_modes(model, self.modes):
            made: Tensor = functional_call(model, {**parameters, **rest}, *self.inputs)
        return made

    def changed(self) -> list[str]:
        """Return which of inputs, outputs and targets were written in place since."""
        found = [] if versions_of(self.inputs) == self.versions[:-1] else ["inputs"]
        for name, number in (("outputs", 0), ("targets", 1)):
            parts = [(taken, getattr(taken, name)) for taken in self.taken if taken.scale]
            if any(version(part) != taken.versions[number] for taken, part in parts):
                found.append(name)
        return found


def pass_of(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Pass:
    """Return the pass that is about to begin."""
    buffers = {name: part.clone() for name, part in module.named_buffers()}
    modes = [part.training for part in module.modules()]
    random = _random_states(devices_of(dict(module.named_parameters())))
    return Pass((args, kwargs), random, modes, buffers, versions_of((args, kwargs)))


def version(tensor: Tensor) -> int:
    """Return how often a tensor was written in place; torch does not count under inference mode."""
    return 0 if tensor.is_inference() else tensor._version


def versions_of(values: Any) -> list[int]:
    """Return the versions of all tensors in nested tuples, lists and mappings."""
    if isinstance(values, Tensor):
        return [version(values)]
    if isinstance(values, dict):
        values = list(values.values())
    if not isinstance(values, tuple | list):
        return []
    return [found for value in values for found in versions_of(value)]


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


def devices_of(parameters: Named) -> list[int]:
    """Return the numbers of the CUDA devices that parameters lie on."""
    found = [p.device.index or 0 for p in parameters.values() if p.device.type == "cuda"]
    return sorted(dict.fromkeys(found))

"""One torch module whose parameters stand in one vector, with the three passes that tuning takes.

``forward`` evaluates a batch and keeps the graph, ``pull`` carries a gradient of the outputs back
to the parameters (``J^T e``), ``push`` a change of the parameters forward to the outputs (``J v``).
Masks of dropout and other draws inside the module come from the seed that is passed in; statistics
of a batch are those of the forward pass in all three.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call

from heliostat_search.unrolled.drawing import drawing_from
from heliostat_search.unrolled.forward_derivative import derivative_along

Array = npt.NDArray[Any]
_EVALUATION_ROWS = 256


class FunctionalModule:
    """A module that serves many vectors of parameters in turn.

    ``module`` is taken over and moved to ``device``, and all of it to ``dtype`` where one is given;
    it maps (B, ...) to ``outputs`` numbers a row. ``theta`` (P,) are the parameters that are
    trained, in the module's order.
    """

    def __init__(
        self, module: nn.Module, outputs: int, device: str = "cpu", dtype: torch.dtype | None = None
    ) -> None:
        module.to(device, dtype).train()
        trained, rest = split_numbers(module)
        self.module, self.outputs, self.device = module, outputs, device
        self.parameters = sum(t.numel() for t in trained.values())
        self._others = len(rest)
        first = next(iter(trained.values()), torch.empty(0))
        self.theta = torch.empty(self.parameters, dtype=dtype or first.dtype, device=device)
        self.gradient = torch.zeros_like(self.theta)
        self.names = list(trained)
        self.shapes = [t.shape for t in trained.values()]
        own = dict(module.named_parameters())
        for name, view in zip(self.names, self.split(self.theta), strict=True):
            view.copy_(own[name].detach())
            own[name].data = view
        self._own = [own[name] for name in self.names]
        self._before: dict[str, Tensor] = {}

    def split(self, vector: Tensor) -> list[Tensor]:
        """Return a parameter vector as views in the parameters' shapes."""
        parts, at = [], 0
        for shape in self.shapes:
            parts.append(vector[at : at + shape.numel()].view(shape))
            at += shape.numel()
        return parts

    def load(self, numbers: Array) -> None:
        """Take over parameters and buffers (numbers,)."""
        with torch.no_grad():
            self.theta.copy_(torch.from_numpy(numbers[: self.parameters]))
            self.load_buffers(numbers)

    def load_buffers(self, numbers: Array) -> None:
        """Take over the buffers of (numbers,): undoes what a forward pass did to them."""
        at = self.parameters
        for part in self._rest().values():
            chosen = torch.from_numpy(numbers[at : at + part.numel()])
            part.detach().copy_(chosen.view(part.shape))
            at += part.numel()

    def buffers(self) -> dict[str, Tensor]:
        """Return copies of everything that is not trained."""
        return {name: part.clone() for name, part in self._rest().items()}

    def restore_buffers(self, kept: dict[str, Tensor]) -> None:
        """Take over what ``buffers`` returned."""
        for name, part in self._rest().items():
            part.detach().copy_(kept[name])

    def _rest(self) -> dict[str, Tensor]:
        # Looked up each time: a module may replace a buffer instead of writing to it.
        return split_numbers(self.module)[1] if self._others else {}

    def state(self) -> Array:
        """Return a copy of parameters and buffers, (numbers,)."""
        parts = [self.theta, *(t.reshape(-1).to(self.theta) for t in self._rest().values())]
        flat: Array = torch.cat(parts).cpu().numpy()
        return flat

    def forward(self, x: Tensor, seed: int) -> Tensor:
        """Return the outputs (B, C) in training mode, and keep what ``pull`` and ``push`` need."""
        self._x, self._seed = x, seed
        self._before = self.buffers()
        with torch.enable_grad(), drawing_from(seed, self.device):
            outputs: Tensor = self.module(x).reshape(len(x), self.outputs)
        self._outputs = outputs
        return outputs.detach()

    def pull(self, slopes: Tensor, again: bool = False) -> Tensor:
        """Return ``J^T e`` for slopes e (B, C), in memory that the next call overwrites.

        ``again`` says that the same batch will be asked once more.
        """
        if not self._outputs.requires_grad:
            return self.gradient.zero_()
        found = torch.autograd.grad(
            self._outputs, self._own, slopes, retain_graph=again, allow_unused=True
        )
        at = 0
        for part, shape in zip(found, self.shapes, strict=True):
            here = self.gradient[at : at + shape.numel()]
            at += shape.numel()
            if part is None:
                here.zero_()
            else:
                here.copy_(part.reshape(-1))
        return self.gradient

    def push(self, change: Tensor) -> Tensor:
        """Return ``J v``, (B, C), for a change v (parameters,), at the batch of ``forward``."""
        parameters = dict(zip(self.names, self._own, strict=True))
        along = dict(zip(self.names, self.split(change), strict=True))

        def outputs_of(moved: dict[str, Tensor]) -> Tensor:
            rest = {name: part.clone() for name, part in self._before.items()}
            with drawing_from(self._seed, self.device):
                made: Tensor = functional_call(self.module, {**moved, **rest}, (self._x,))
            return made.reshape(len(self._x), self.outputs)

        return derivative_along(outputs_of, parameters, along)

    def outputs_of(self, theta: Tensor, x: Tensor, seed: int) -> Tensor:
        """Return the outputs (B, C) at ``theta`` (P,) in training mode, with their graph.

        What the module keeps stays as it is, its buffers too.
        """
        named = dict(zip(self.names, self.split(theta), strict=True))
        with drawing_from(seed, self.device):
            made: Tensor = functional_call(self.module, {**named, **self.buffers()}, (x,))
        return made.reshape(len(x), self.outputs)

    def evaluate(self, x: Tensor) -> Tensor:
        """Return the outputs (n, C) in evaluation mode."""
        self.module.eval()
        with torch.no_grad():
            parts = [
                self.module(part).reshape(len(part), self.outputs)
                for part in torch.split(x, _EVALUATION_ROWS)
            ]
        self.module.train()
        return torch.cat(parts)


def split_numbers(module: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the parameters that are trained, by name, and all else: buffers, frozen parameters."""
    trained: dict[str, Tensor] = {}
    rest: dict[str, Tensor] = {}
    for name, parameter in module.named_parameters():
        (trained if parameter.requires_grad else rest)[name] = parameter.detach()
    # A buffer that a forward pass wrote may hang on that pass's graph.
    rest.update((name, buffer.detach()) for name, buffer in module.named_buffers())
    return trained, rest


def module_numbers(module: nn.Module) -> Array:
    """Return a module's numbers as one vector (parameters + buffers,), in its parameters' dtype.

    Trained parameters come first, in the module's order, then frozen ones, then buffers; numbers of
    another type (a count of batches) are converted.
    """
    trained, rest = split_numbers(module)
    kind = next(iter(trained.values())).dtype if trained else torch.get_default_dtype()
    parts = [t.detach().reshape(-1).to(kind) for t in (*trained.values(), *rest.values())]
    flat: Array = torch.cat(parts).cpu().numpy()
    return flat

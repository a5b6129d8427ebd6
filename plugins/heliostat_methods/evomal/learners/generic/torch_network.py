"""One torch module whose parameters stand in one vector, with the three passes that tuning takes.

``forward`` evaluates a batch and keeps the graph, ``pull`` carries a gradient of the outputs back
to the parameters (``J^T e``), ``push`` a change of the parameters forward to the outputs (``J v``).
Outputs have samples in the last axis, (C, B), as the kernels take them. Masks of dropout and other
draws inside the module come from the seed that is passed in.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.func import functional_call

from heliostat_methods.evomal.learners.generic.torch_problem import (
    TorchProblem,
    drawing_from,
    split_numbers,
)

Array = npt.NDArray[Any]
_EVALUATION_ROWS = 256


class ModuleNetwork:
    """The network of a problem; one module serves all of its parameter vectors in turn.

    ``module`` comes from the problem's recipe, is taken over and moved to the problem's device;
    vectors of parameters are there too, arrays that come in and go out are the CPU's.
    """

    def __init__(self, problem: TorchProblem, module: nn.Module) -> None:
        module.to(problem.device).train()
        trained, rest = split_numbers(module)
        self.classes, self.module = problem.classes, module
        self.parameters = sum(t.numel() for t in trained.values())
        self._others = len(rest)
        self._device, self._kind = problem.device, problem.dtype
        kind = problem.x_train.dtype
        self.theta = torch.empty(self.parameters, dtype=kind, device=problem.device)
        self._gradient = torch.zeros_like(self.theta)
        self.names = list(trained)
        self.shapes = [t.shape for t in trained.values()]
        own = dict(module.named_parameters())
        for name, view in zip(self.names, self.split(self.theta), strict=True):
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

    def _rest(self) -> dict[str, Tensor]:
        # Looked up each time: a module may replace a buffer instead of writing to it.
        return split_numbers(self.module)[1] if self._others else {}

    def state(self) -> Array:
        """Return a copy of parameters and buffers, (numbers,)."""
        parts = [self.theta, *(t.reshape(-1).to(self.theta) for t in self._rest().values())]
        flat: Array = torch.cat(parts).cpu().numpy()
        return flat

    def forward(self, x: Tensor, seed: int) -> Array:
        """Return the outputs (C, B) in training mode, and keep what ``pull`` and ``push`` need."""
        self._x, self._seed = x, seed
        self._before = self.buffers()
        with torch.enable_grad(), drawing_from(seed, self._device):
            self._outputs = self.module(x).reshape(len(x), self.classes)
        return np.ascontiguousarray(self._outputs.detach().cpu().numpy().T)

    def pull(self, slopes: Array, again: bool = False) -> Tensor:
        """Return ``J^T e`` for slopes e (C, B), in memory that the next call overwrites.

        ``again`` says that the same batch will be asked once more.
        """
        if not self._outputs.requires_grad:
            return self._gradient.zero_()
        found = torch.autograd.grad(
            self._outputs,
            self._own,
            torch.from_numpy(slopes).T.to(self._device),
            retain_graph=again,
            allow_unused=True,
        )
        at = 0
        for part, shape in zip(found, self.shapes, strict=True):
            here = self._gradient[at : at + shape.numel()]
            at += shape.numel()
            if part is None:
                here.zero_()
            else:
                here.copy_(part.reshape(-1))
        return self._gradient

    def push(self, change: Tensor) -> Array:
        """Return ``J v``, (C, B), for a change v (parameters,), by forward differentiation."""
        parts = zip(self.names, self._own, self.split(change), strict=True)
        dual, undo = cast(Any, forward_ad.make_dual), cast(Any, forward_ad.unpack_dual)
        with torch.no_grad(), forward_ad.dual_level(), drawing_from(self._seed, self._device):
            moved = {name: dual(p.detach(), v) for name, p, v in parts}
            moved.update((name, part.clone()) for name, part in self._before.items())
            outputs = functional_call(self.module, moved, (self._x,))
            tangent = undo(outputs).tangent
            if tangent is None:
                return np.zeros((self.classes, len(self._x)), self._kind)
            return np.ascontiguousarray(tangent.reshape(len(self._x), self.classes).cpu().numpy().T)

    def evaluate(self, x: Tensor) -> Array:
        """Return the outputs (C, n) in evaluation mode."""
        self.module.eval()
        with torch.no_grad():
            parts = [
                self.module(part).reshape(len(part), self.classes)
                for part in torch.split(x, _EVALUATION_ROWS)
            ]
        self.module.train()
        return np.ascontiguousarray(torch.cat(parts).cpu().numpy().T)

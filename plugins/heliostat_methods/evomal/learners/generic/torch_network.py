"""The network of a problem as the kernels take it: outputs with samples in the last axis, (C, B).

The passes are those of ``heliostat_search.unrolled.functional_module``; arrays that come in and go
out are the CPU's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem
from heliostat_search.unrolled.functional_module import FunctionalModule

Array = npt.NDArray[Any]


class ModuleNetwork:
    """The network of a problem; one module serves all of its parameter vectors in turn.

    ``module`` comes from the problem's recipe, is taken over and moved to the problem's device,
    where ``passes`` run.
    """

    def __init__(self, problem: TorchProblem, module: nn.Module) -> None:
        kind = problem.x_train.dtype
        self.classes = problem.classes
        self.passes = FunctionalModule(module, problem.classes, problem.device, kind)
        self.theta, self.parameters = self.passes.theta, self.passes.parameters

    def load(self, numbers: Array) -> None:
        """Take over parameters and buffers (numbers,)."""
        self.passes.load(numbers)

    def load_buffers(self, numbers: Array) -> None:
        """Take over the buffers of (numbers,): undoes what a forward pass did to them."""
        self.passes.load_buffers(numbers)

    def state(self) -> Array:
        """Return a copy of parameters and buffers, (numbers,)."""
        return self.passes.state()

    def forward(self, x: Tensor, seed: int) -> Array:
        """Return the outputs (C, B) in training mode, and keep what ``pull`` and ``push`` need."""
        return _columns(self.passes.forward(x, seed))

    def pull(self, slopes: Array, again: bool = False) -> Tensor:
        """Return ``J^T e`` for slopes e (C, B), in memory that the next call overwrites.

        ``again`` says that the same batch will be asked once more.
        """
        rows = torch.from_numpy(slopes).T.to(self.passes.device)
        return self.passes.pull(rows, again)

    def push(self, change: Tensor) -> Array:
        """Return ``J v``, (C, B), for a change v (parameters,), by forward differentiation."""
        return _columns(self.passes.push(change))

    def evaluate(self, x: Tensor) -> Array:
        """Return the outputs (C, n) in evaluation mode."""
        return _columns(self.passes.evaluate(x))


def _columns(rows: Tensor) -> Array:
    return np.ascontiguousarray(rows.cpu().numpy().T)

"""A stack of any torch model, one module for each run: the passes of ``DenseStack``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy.typing as npt
import torch
from torch import Tensor, nn

from heliostat_search.unrolled.functional_module import FunctionalModule

Array = npt.NDArray[Any]


class Networks(Protocol):
    """R networks of one kind with parameters ``theta`` (R, P), and their three passes."""

    theta: Tensor

    def forward(self, x: Tensor, seeds: Sequence[int] = ()) -> Tensor:
        """Return the outputs (R, B, C) for x (R, B, ...); run r draws from ``seeds[r]``."""
        ...

    def pull(self, slopes: Tensor) -> Tensor:
        """Return ``J^T e``, (R, P), for slopes e (R, B, C); the next call may overwrite it."""
        ...

    def push(self, change: Tensor) -> Tensor:
        """Return ``J v``, (R, B, C), for changes v (R, P)."""
        ...

    def outputs_of(self, theta: Tensor, x: Tensor, seeds: Sequence[int] = ()) -> Tensor:
        """Return the outputs (R, B, C) at ``theta`` (R, P), with their graph."""
        ...

    def evaluate(self, x: Tensor) -> Tensor:
        """Return the outputs (R, n, C) for one batch (n, ...), in evaluation mode."""
        ...

    def buffers(self) -> Tensor:
        """Return all numbers that are not trained, (R, N)."""
        ...

    def load_buffers(self, numbers: Tensor) -> None:
        """Take over what ``buffers`` returned."""
        ...


class ModuleStack:
    """Runs one after another, each with a module of its own; ``theta`` may be assigned."""

    def __init__(self, modules: Sequence[nn.Module], outputs: int, device: str = "cpu") -> None:
        self._runs = [FunctionalModule(module, outputs, device) for module in modules]
        self.theta = torch.stack([run.theta for run in self._runs])

    def forward(self, x: Tensor, seeds: Sequence[int] = ()) -> Tensor:
        """Return the outputs (R, B, C) in training mode; keeps what ``pull`` and ``push`` need."""
        found = []
        for run, theta, rows, seed in zip(self._runs, self.theta, x, seeds, strict=True):
            run.theta.copy_(theta)
            found.append(run.forward(rows, seed))
        return torch.stack(found)

    def pull(self, slopes: Tensor) -> Tensor:
        """Return ``J^T e``, (R, P), at the batch of ``forward``; may be asked again."""
        return torch.stack(
            [run.pull(e, again=True) for run, e in zip(self._runs, slopes, strict=True)]
        )

    def push(self, change: Tensor) -> Tensor:
        """Return ``J v``, (R, B, C), at the batch and the parameters of ``forward``."""
        return torch.stack([run.push(v) for run, v in zip(self._runs, change, strict=True)])

    def outputs_of(self, theta: Tensor, x: Tensor, seeds: Sequence[int] = ()) -> Tensor:
        """Return the outputs (R, B, C) at ``theta`` (R, P) in training mode, with their graph."""
        return torch.stack(
            [
                run.outputs_of(row, rows, seed)
                for run, row, rows, seed in zip(self._runs, theta, x, seeds, strict=True)
            ]
        )

    def evaluate(self, x: Tensor) -> Tensor:
        """Return the outputs (R, n, C) in evaluation mode."""
        found = []
        for run, theta in zip(self._runs, self.theta, strict=True):
            run.theta.copy_(theta)
            found.append(run.evaluate(x))
        return torch.stack(found)

    def buffers(self) -> Tensor:
        """Return all numbers that are not trained, (R, N), in the parameters' precision."""
        rows = []
        for run in self._runs:
            parts = [part.reshape(-1).to(run.theta) for part in run.buffers().values()]
            rows.append(torch.cat([run.theta[:0], *parts]))
        return torch.stack(rows)

    def load_buffers(self, numbers: Tensor) -> None:
        """Take over what ``buffers`` returned."""
        for run, row in zip(self._runs, numbers, strict=True):
            at, parts = 0, {}
            for name, part in run.buffers().items():
                parts[name] = row[at : at + part.numel()].view(part.shape)
                at += part.numel()
            run.restore_buffers(parts)

"""A loss expression as a torch module, for any model and any training loop."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from heliostat_methods.evomal.losses.formula import formula_text
from heliostat_methods.evomal.losses.primitives import Opcode
from heliostat_methods.evomal.losses.tree import LossTree, Task


class TorchLoss(nn.Module):
    """``loss = module(outputs, targets)`` with the conventions of the method.

    Regression: ``outputs`` and ``targets`` of one shape, the loss is the mean over entries.
    Classification: ``outputs`` are logits (batch, C); the expression is applied to every entry of
    softmax (of the sigmoid for C = 1) against the one-hot labels, summed over classes and averaged
    over the batch. ``targets`` are class indices (batch,) or one-hot rows (batch, C).

    The weights ``phi`` are kept in double precision; the loss is computed in the precision and on
    the device of the outputs.
    """

    phi: Tensor

    def __init__(self, expression: LossTree, task: Task, *, trainable: bool = False) -> None:
        super().__init__()
        if task not in ("regression", "classification"):
            raise ValueError(f"task: got {task!r}; expected 'regression' or 'classification'")
        self.expression, self.task = expression, task
        self._arguments = expression.children()
        weights = torch.tensor(expression.weights, dtype=torch.float64)
        if trainable:
            self.phi = nn.Parameter(weights)
        else:
            self.register_buffer("phi", weights)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The kinds of task that the loss can train: the one it was found for."""
        return (self.task,)

    def elementwise(self, targets: Tensor, outputs: Tensor) -> Tensor:
        """Return m(y, f) entry by entry; both tensors of one shape."""
        table, nodes, phi = self.expression.table, self.expression.nodes, self.phi.to(outputs)
        values: list[Any] = [None] * len(nodes)
        for i in range(len(nodes) - 1, -1, -1):
            row = table[nodes[i]]
            if row.opcode == Opcode.LABEL:
                values[i] = targets
            elif row.opcode == Opcode.OUTPUT:
                values[i] = outputs
            elif row.constant is not None:
                values[i] = torch.full_like(outputs, row.constant)
            else:
                values[i] = row.torch(*(phi[k] * values[k] for k in self._arguments[i]))
        result: Tensor = values[0]
        return result

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the scalar loss; raises ``ValueError`` for shapes that do not fit."""
        return task_loss(self.elementwise, self.task, outputs, targets)

    def extra_repr(self) -> str:
        """Return the formula, for ``print(module)``."""
        return f"{formula_text(self.expression, 4)}, task={self.task!r}"


def task_loss(
    elementwise: Callable[[Tensor, Tensor], Tensor], task: Task, outputs: Tensor, targets: Tensor
) -> Tensor:
    """Return the scalar loss of a batch for ``elementwise(labels, values)``, as ``TorchLoss`` does.

    Raises ``ValueError`` for shapes that do not fit.
    """
    if task == "regression":
        if outputs.numel() != targets.numel():
            raise ValueError(
                f"targets: shape {tuple(targets.shape)}; expected {tuple(outputs.shape)}"
            )
        return elementwise(targets.reshape(outputs.shape).to(outputs), outputs).mean()
    if outputs.ndim != 2:
        raise ValueError(f"outputs: shape {tuple(outputs.shape)}; expected (batch, classes)")
    classes = outputs.shape[1]
    probabilities = outputs.softmax(1) if classes > 1 else outputs.sigmoid()
    labels = _one_hot(targets, classes).to(outputs)
    if labels.shape != outputs.shape:
        raise ValueError(
            f"targets: shape {tuple(targets.shape)}; expected ({outputs.shape[0]},) class "
            f"indices or {tuple(outputs.shape)} one-hot rows"
        )
    return elementwise(labels, probabilities).sum(1).mean()


def _one_hot(targets: Tensor, classes: int) -> Tensor:
    if classes == 1:
        return targets.reshape(-1, 1)
    if targets.ndim == 1:
        if targets.is_floating_point():
            raise ValueError("targets: class indices must be integers")
        return torch.nn.functional.one_hot(targets, classes)
    return targets

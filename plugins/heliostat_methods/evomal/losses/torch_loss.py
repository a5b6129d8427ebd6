"""A loss expression as a torch module, for any model and any training loop."""

from typing import Any

import torch
from torch import Tensor, nn

from heliostat_methods.evomal.losses.formula import formula_text
from heliostat_methods.evomal.losses.primitives import Opcode
from heliostat_methods.evomal.losses.tree import LossTree, Task
from heliostat_search.loss_networks.conventions import batch_loss


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
        return batch_loss(self.elementwise, self.task, outputs, targets)

    def extra_repr(self) -> str:
        """Return the formula, for ``print(module)``."""
        return f"{formula_text(self.expression, 4)}, task={self.task!r}"

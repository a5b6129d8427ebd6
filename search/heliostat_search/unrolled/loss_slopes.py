"""What a loss with parameters says of a network's outputs: its slopes, and how they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]


class LossSlopes:
    """A loss at one batch's outputs: ``value`` and ``slopes``, dM/df in the outputs' shape.

    ``loss(outputs, targets)`` is a scalar, differentiable twice in outputs and ``weights``. The
    graph of the slopes is kept for ``along``, which may be asked once. Raises ``ValueError`` for a
    loss that is no scalar.
    """

    def __init__(
        self, loss: Loss, outputs: Tensor, targets: Tensor, weights: Sequence[Tensor]
    ) -> None:
        self._weights = list(weights)
        with torch.enable_grad():
            rows = outputs.detach().requires_grad_()
            value = loss(rows, targets)
            if value.numel() != 1:
                raise ValueError(f"loss: got shape {tuple(value.shape)}; expected a scalar")
            found = None
            if value.requires_grad:
                (found,) = torch.autograd.grad(
                    value.reshape(()), rows, create_graph=bool(weights), allow_unused=True
                )
        self._slopes = torch.zeros_like(rows) if found is None else found
        self.value = value.detach().reshape(())
        self.slopes = self._slopes.detach()

    def along(self, tangent: Tensor, factor: float = 1.0) -> list[Tensor]:
        """Return ``factor d/dphi <dM/df, t>`` for a change t of the outputs, weight by weight."""
        with torch.enable_grad():
            total = (self._slopes * tangent).sum() * factor
        if not total.requires_grad:
            return [torch.zeros_like(w) for w in self._weights]
        found = torch.autograd.grad(total, self._weights, allow_unused=True)
        return [
            torch.zeros_like(w) if g is None else g
            for w, g in zip(self._weights, found, strict=True)
        ]

"""The gradient of what one step of SGD leads to, by the parameters of the loss that took it.

``k d/dphi <dM/df, J v>`` with ``v = grad L(theta')``: a forward and backward pass of the training
batch, one of the validation batch, and one forward derivative; no graph through the update.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from heliostat_search.unrolled.drawing import drawing_from
from heliostat_search.unrolled.forward_derivative import derivative_along
from heliostat_search.unrolled.loss_slopes import Loss, LossSlopes
from heliostat_search.unrolled.sgd import SGD

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class MetaStep:
    """A step that was taken, and what the validation batch says of the loss.

    ``gradient``: dL/dphi, one tensor for each weight of the loss; ``parameters`` after the step,
    ``momentum`` to carry over, ``statistics`` (buffers of the module) after the training batch;
    ``objective`` L on the validation batch, ``loss`` M on the training batch.
    """

    gradient: list[Tensor]
    parameters: dict[str, Tensor]
    momentum: dict[str, Tensor]
    statistics: dict[str, Tensor]
    objective: Tensor
    loss: Tensor

    @property
    def finite(self) -> bool:
        """Whether every number of it is finite."""
        named = (self.parameters, self.momentum, self.statistics)
        tensors = (self.loss, self.objective, *self.gradient)
        every = (*tensors, *(part for one in named for part in one.values()))
        return all(bool(t.isfinite().all()) for t in every)


def unrolled_meta_gradient(
    model: nn.Module,
    parameters: Mapping[str, Tensor],
    loss: Loss,
    weights: Sequence[Tensor],
    batch: Batch,
    valid_batch: Batch,
    sgd: SGD,
    momentum: Mapping[str, Tensor] | None = None,
    *,
    objective: Callable[[Tensor, Tensor], Tensor],
    seed: int = 0,
) -> MetaStep:
    """Take one step of ``loss(outputs, targets)`` and differentiate ``objective`` after it.

    ``parameters`` of ``model`` by name, as ``torch.func.functional_call`` takes them; the model
    itself keeps its own. ``weights`` are those of the loss (`loss.parameters()`), which is
    differentiated twice. ``momentum`` is what the step before returned. Draws inside the model
    begin at ``seed``, for both batches alike at every call. Raises ``ValueError`` for a loss or an
    objective that is no scalar.
    """
    names = list(parameters)
    before = {name: part.detach() for name, part in model.named_buffers()}
    statistics = {name: part.clone() for name, part in before.items()}
    device = next((str(part.device) for part in parameters.values()), "cpu")

    def outputs_of(
        values: Mapping[str, Tensor], x: Tensor, rest: dict[str, Tensor], draw: int
    ) -> Tensor:
        with drawing_from(draw, device):
            made: Tensor = functional_call(model, {**values, **rest}, (x,))
        return made

    own = {name: part.detach().requires_grad_() for name, part in parameters.items()}
    with torch.enable_grad():
        outputs = outputs_of(own, batch[0], statistics, seed)
    said = LossSlopes(loss, outputs, batch[1], weights)
    pulled = _pulled(outputs, own, said.slopes)
    moved, carried = {}, {}
    for name in names:
        buffer = None if momentum is None else momentum[name]
        moved[name], carried[name] = sgd.step(own[name].detach(), pulled[name], buffer)
    after = {name: part.detach().requires_grad_() for name, part in moved.items()}
    with torch.enable_grad():
        rest = {name: part.clone() for name, part in statistics.items()}
        judged = outputs_of(after, valid_batch[0], rest, seed + 1)
        value = objective(judged, valid_batch[1])
    if value.numel() != 1:
        raise ValueError(f"objective: got shape {tuple(value.shape)}; expected a scalar")
    v = _pulled(value, after, None)
    tangent = derivative_along(
        lambda values: outputs_of(
            values, batch[0], {name: part.clone() for name, part in before.items()}, seed
        ),
        own,
        v,
    )
    return MetaStep(
        said.along(tangent, sgd.factor), moved, carried,
        {name: part.detach() for name, part in statistics.items()}, value.detach().reshape(()),
        said.value,
    )  # fmt: skip


def _pulled(outputs: Tensor, own: Mapping[str, Tensor], slopes: Tensor | None) -> dict[str, Tensor]:
    if not outputs.requires_grad:
        return {name: torch.zeros_like(part) for name, part in own.items()}
    found = torch.autograd.grad(outputs, list(own.values()), slopes, allow_unused=True)
    return {
        name: torch.zeros_like(own[name]) if part is None else part
        for name, part in zip(own, found, strict=True)
    }

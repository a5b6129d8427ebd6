"""J v, the change of a network's outputs along a change of its parameters.

By forward differentiation; where an operation of the network has none, by reverse differentiation
twice: ``J^T u`` is linear in u, so its derivative by u along v is ``J v``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import forward_ad

Named = Mapping[str, Tensor]
_NOT_FORWARD = ("forward AD", "forward-mode", "jvp")


def derivative_along(
    outputs_of: Callable[[dict[str, Tensor]], Tensor], parameters: Named, change: Named
) -> Tensor:
    """Return ``J v`` in the shape of the outputs, without a graph.

    ``outputs_of`` maps parameters by name to outputs and draws the same at every call; ``change``
    is v, by the same names. Raises ``RuntimeError`` where neither way can be gone.
    """
    try:
        return _forward(outputs_of, parameters, change)
    except (RuntimeError, NotImplementedError) as error:
        if not any(word in str(error) for word in _NOT_FORWARD):
            raise
    return _twice_reverse(outputs_of, parameters, change)


def _forward(
    outputs_of: Callable[[dict[str, Tensor]], Tensor], parameters: Named, change: Named
) -> Tensor:
    dual, undo = cast(Any, forward_ad.make_dual), cast(Any, forward_ad.unpack_dual)
    with torch.no_grad(), forward_ad.dual_level():
        moved = {name: dual(part.detach(), change[name]) for name, part in parameters.items()}
        outputs, tangent = undo(outputs_of(moved))
        return torch.zeros_like(outputs) if tangent is None else tangent.detach().clone()


def _twice_reverse(
    outputs_of: Callable[[dict[str, Tensor]], Tensor], parameters: Named, change: Named
) -> Tensor:
    with torch.enable_grad():
        own = {name: part.detach().requires_grad_() for name, part in parameters.items()}
        outputs = outputs_of(own)
        if not outputs.requires_grad:
            return torch.zeros_like(outputs)
        along = torch.zeros_like(outputs).requires_grad_()
        pulled = torch.autograd.grad(
            outputs, list(own.values()), along, create_graph=True, allow_unused=True
        )
        total = sum(
            (part * change[name]).sum()
            for name, part in zip(own, pulled, strict=True)
            if part is not None and part.requires_grad
        )
        if not isinstance(total, Tensor):
            return torch.zeros_like(outputs)
        _check_again(total)
        (tangent,) = torch.autograd.grad(total, along, allow_unused=True)
    return torch.zeros_like(outputs) if tangent is None else tangent.detach()


def _check_again(derivative: Tensor) -> None:
    """Raise ``RuntimeError`` where a part of a derivative cannot be differentiated again.

    torch raises in ``backward`` alone: ``grad`` leaves such a part out and says nothing.
    """
    open_nodes = [derivative.grad_fn]
    seen = set()
    while open_nodes:
        node = open_nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.name() == "torch::autograd::Error":
            raise RuntimeError(
                "an operation of the network has neither a forward derivative nor a second "
                "reverse one (its backward is once_differentiable)"
            )
        open_nodes.extend(following for following, _ in node.next_functions)

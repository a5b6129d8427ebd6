"""Products of matrices by the library that is fast at the level `portable`, and a layer of them.

torch's come from MKL, which that level holds to code that any CPU runs: on CPUs numpy's OpenBLAS
takes 2.5 times less there (`benchmarks/pnag.py`), and is held to one kernel as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


def product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """Return a @ b of matrices that need no gradient, of one type and device."""
    if a.device.type != "cpu":
        return torch.mm(a, b, out=out)
    if out is None:
        out = a.new_empty((a.shape[0], b.shape[1]))
    # What is not finite is found by who looks at losses; torch does not warn of it either.
    with np.errstate(over="ignore", invalid="ignore"):
        np.matmul(a.numpy(), b.numpy(), out=out.numpy())
    return out


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return x (rows, before) times weight (after, before) transposed, and bias; with gradients."""
    result: Tensor = _Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return result


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight.t()).add_(bias)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        slopes = upstream[0].contiguous()
        of_x = product(slopes, weight) if ctx.needs_input_grad[0] else None
        return of_x, product(slopes.t(), x), slopes.sum(0)

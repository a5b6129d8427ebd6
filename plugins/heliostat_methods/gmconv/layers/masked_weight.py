"""A kernel times its mask, with a backward pass that reads the gradient once.

For ``Wm = W * G(sigma)``, G = exp(-r2 / (2 sigma^2))::

    dL/dW = dL/dWm * G
    dL/dsigma = sum over taps of dL/dW * W * r2 / sigma^3

Autograd would keep the mask's product with the gradient, and its sum, as tensors of the kernel's
size, each a pass through memory; where a batch is small and a kernel large that is half of the
convolution's own time.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from heliostat_methods.gmconv.masks.gaussian import mask_at

BLOCK = 1 << 18
"""Entries whose products are kept at a time: 1 MiB, so that they stay in a core's cache."""


def masked_weight(weight: Tensor, sigma: Tensor, r2: Tensor, *, overwrite: bool = False) -> Tensor:
    """Return W * G(sigma) in the type and memory format of ``weight``.

    ``weight``: (C_out, C_in / groups, *kernel). ``sigma``: () or (C_out,), at least 0.01. ``r2``:
    (*kernel). The mask is computed in float32 or wider. ``overwrite``: the gradient that arrives
    may be overwritten, which is right only if one operation alone reads the result and nobody
    else its gradient. Can be differentiated twice, forwards, and under ``torch.func.vmap``.
    """
    if torch.compiler.is_compiling():
        return times_mask(weight, _mask(sigma, r2))  # the compiler fuses this by itself
    product: Tensor = _MaskedWeight.apply(weight, sigma, r2, overwrite)  # type: ignore[no-untyped-call]
    return product


def times_mask(weight: Tensor, mask: Tensor) -> Tensor:
    """Return the product in the type of ``weight``; ``mask``: (*kernel) or (C_out, 1, *kernel)."""
    if mask.dim() == weight.dim() - 2 and weight.is_contiguous():
        # A loop over the few taps of a kernel is too short to be fast; over a row it is not.
        mask = mask.expand(weight.shape[1:]).contiguous()
    return (weight * mask).to(weight.dtype)


def _mask(sigma: Tensor, r2: Tensor) -> Tensor:
    """Return (*kernel) for one width, (C_out, 1, *kernel) for one a channel."""
    exact = torch.promote_types(sigma.dtype, torch.float32)
    mask = mask_at(r2.to(exact), sigma.to(exact))
    return mask.unsqueeze(1) if sigma.dim() else mask


class _MaskedWeight(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(weight: Tensor, sigma: Tensor, r2: Tensor, overwrite: bool) -> Tensor:
        return times_mask(weight, _mask(sigma, r2))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        weight, sigma, r2, ctx.overwrite = inputs
        ctx.save_for_backward(weight, sigma, r2)
        ctx.save_for_forward(weight, sigma, r2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (gradient,) = gradients
        weight, sigma, r2 = ctx.saved_tensors
        of_weight, of_sigma, *_ = ctx.needs_input_grad
        mask = _mask(sigma, r2)
        if not of_sigma:
            return _times(gradient, mask, ctx.overwrite), None, None, None
        if _in_blocks(gradient, weight, mask):
            slope, sums = _slopes_in_blocks(gradient, weight, mask, r2, ctx.overwrite)
        else:
            slope = times_mask(gradient, mask)
            sums = (slope.to(mask.dtype) * weight * r2).flatten(1).sum(1)
        total = sums if sigma.dim() else sums.sum()
        along = (total.to(mask.dtype) / sigma.to(mask.dtype) ** 3).to(sigma.dtype)
        return slope if of_weight else None, along, None, None

    @staticmethod
    def jvp(
        ctx: Any, weight_t: Tensor | None, sigma_t: Tensor | None, *_: None
    ) -> Tensor:
        weight, sigma, r2 = ctx.saved_tensors
        mask = _mask(sigma, r2)
        moved = torch.zeros_like(weight) if weight_t is None else times_mask(weight_t, mask)
        if sigma_t is None:
            return moved
        change = (sigma_t / sigma**3).to(mask.dtype)
        change = change.reshape(*sigma.shape, *[1] * (weight.dim() - sigma.dim()))
        return moved + (weight * mask * r2 * change).to(weight.dtype)


def _times(gradient: Tensor, mask: Tensor, overwrite: bool) -> Tensor:
    if not overwrite or not _plain(gradient) or gradient.dtype != mask.dtype:
        return times_mask(gradient, mask)
    if mask.dim() == gradient.dim() - 2 and gradient.is_contiguous():
        mask = mask.expand(gradient.shape[1:]).contiguous()
    return gradient.mul_(mask)


def _plain(gradient: Tensor) -> bool:
    """Say whether no derivative of the gradient is asked for, and no transform stands around it."""
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor(gradient)
    return not torch.is_grad_enabled() and not wrapped


def _in_blocks(gradient: Tensor, weight: Tensor, mask: Tensor) -> bool:
    same = gradient.dtype == weight.dtype == mask.dtype
    return same and _plain(gradient) and _plain(weight) and gradient.numel() > 0


def _slopes_in_blocks(
    gradient: Tensor, weight: Tensor, mask: Tensor, r2: Tensor, overwrite: bool
) -> tuple[Tensor, Tensor]:
    """Return dL/dW, and by output channel the sum of dL/dW * W * r2, (C_out,).

    A block of output channels at a time, in the order of their taps in memory.
    """
    last = not weight.is_contiguous() and weight.movedim(1, -1).is_contiguous()
    slope = gradient if overwrite else gradient.clone(memory_format=torch.preserve_format)
    rows, slope_rows = (_rows(of, last) for of in (weight, slope))
    inner = weight.shape[1:]
    taps = _rows(r2.to(mask.dtype).expand(1, *inner), last)[0]
    masks = _rows(mask.expand(1 if mask.dim() == r2.dim() else len(weight), *inner), last)
    sums = rows.new_empty(len(rows))
    size = len(rows) if weight.is_cuda else max(1, BLOCK // rows.shape[1])
    products = rows.new_empty(min(size, len(rows)), rows.shape[1])
    for start in range(0, len(rows), size):
        block = slice(start, start + size)
        part = slope_rows[block]
        part.mul_(masks if len(masks) == 1 else masks[block])
        product = torch.mul(part, rows[block], out=products[: len(part)])
        torch.mv(product, taps, out=sums[block])
    return _kernels(slope_rows, weight.shape, last), sums


def _rows(kernels: Tensor, last: bool) -> Tensor:
    """Return (C_out, C_in * taps), or (C_out, taps * C_in) where channels lie last in memory."""
    return (kernels.movedim(1, -1) if last else kernels).flatten(1).contiguous()


def _kernels(rows: Tensor, shape: torch.Size, last: bool) -> Tensor:
    if not last:
        return rows.view(shape)
    return rows.view(shape[0], *shape[2:], shape[1]).movedim(-1, 1)

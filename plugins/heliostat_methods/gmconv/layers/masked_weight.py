"""A kernel times its mask, with a backward pass that reads the gradient once.

For ``Wm = W * G(sigma)``, G = exp(-r2 / (2 sigma^2)), and sigma a function of what is stored::

    dL/dW = dL/dWm * G
    dL/dsigma = sum over taps of dL/dW * W * r2 / sigma^3

Autograd would keep the mask's product with the gradient, and its sum, as tensors of the kernel's
size, each a pass through memory; where a batch is small and a kernel large that is half of the
convolution's own time. Where kernels are small the number of operations counts instead, so a single
width on a CPU is read as a number.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from heliostat_methods.gmconv.layers.transforms import traced, unwrapped
from heliostat_methods.gmconv.masks.gaussian import mask_at
from heliostat_methods.gmconv.masks.parametrisation import (
    SigmaParam,
    number_of,
    sigma_of,
    slope_of,
)
from heliostat_search.spare_memory import LEAST, SpareMemory

BLOCK = 1 << 18
"""Entries whose products are kept at a time: 1 MiB, so that they stay in a core's cache."""


def masked_weight(
    weight: Tensor, stored: Tensor, r2: Tensor, parametrisation: SigmaParam = "raw",
    *, overwrite: bool = False, spare: SpareMemory | None = None,
) -> Tensor:  # fmt: skip
    """Return W * G(sigma) in the type and memory format of ``weight``.

    ``weight``: (C_out, C_in / groups, *kernel). ``stored``: () or (C_out,), what says the widths
    (see `masks.parametrisation`). ``r2``: (*kernel), float32. The mask is computed in float32 or
    wider. ``overwrite``: the gradient that arrives may be overwritten, which is right only if one
    operation alone reads the result and nobody else its gradient. ``spare``: memory of an earlier
    result to write into where nothing reads that. Can be differentiated twice,
    forwards, and under ``torch.func.vmap``.
    """
    if traced():
        mask = _over_inputs(mask_at(r2, sigma_of(_exact(stored), parametrisation)), stored)
        return times_mask(weight, mask)  # a compiler fuses this by itself
    product: Tensor = _MaskedWeight.apply(weight, stored, r2, parametrisation, overwrite, spare)  # type: ignore[no-untyped-call]
    return product


def kernel_mask(stored: Tensor, r2: Tensor, parametrisation: SigmaParam) -> Tensor:
    """Return the mask that `masked_weight` uses, to the bit: (*kernel) or (C_out, *kernel)."""
    if _is_number(stored):
        sigma, _ = number_of(stored.item(), parametrisation)
        return (r2.to(_exact_type(stored)) * (-0.5 / (sigma * sigma))).exp_()
    return mask_at(r2.to(_exact_type(stored)), sigma_of(_exact(stored), parametrisation))


def times_mask(weight: Tensor, mask: Tensor, spare: SpareMemory | None = None) -> Tensor:
    """Return the product in the type of ``weight``; ``mask``: (*kernel) or (C_out, 1, *kernel)."""
    if spare is not None and mask.dtype == weight.dtype and _fits(weight):
        into = spare.empty(weight.size(), weight.stride(), weight.dtype)
        return torch.mul(weight, _over_rows(mask, weight), out=into)
    product = weight * _over_rows(mask, weight)
    return product if product.dtype == weight.dtype else product.to(weight.dtype)


def _fits(weight: Tensor) -> bool:
    """Say whether memory of an earlier product is worth it, and can be written into."""
    dense = weight.is_contiguous() or weight.movedim(1, -1).is_contiguous()
    large = weight.numel() * weight.element_size() >= LEAST
    return large and dense and weight.is_cpu and not traced() and unwrapped(weight)


class _MaskedWeight(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(
        weight: Tensor, stored: Tensor, r2: Tensor, parametrisation: SigmaParam, overwrite: bool,
        spare: SpareMemory | None,
    ) -> Tensor:  # fmt: skip
        mask = kernel_mask(stored, r2, parametrisation)
        return times_mask(weight, _over_inputs(mask, stored), spare)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        weight, stored, r2, ctx.parametrisation, ctx.overwrite, _ = inputs
        ctx.save_for_backward(weight, stored, r2)
        ctx.save_for_forward(weight, stored, r2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        weight, stored, r2 = ctx.saved_tensors
        of_weight, of_sigma = ctx.needs_input_grad[:2]
        once = unwrapped(gradient) and not torch.is_grad_enabled()
        if once and _is_number(stored):
            mask = kernel_mask(stored, r2, ctx.parametrisation)
            sigma, slope = number_of(stored.item(), ctx.parametrisation)
            factor: Tensor | float = slope / (sigma * sigma * sigma)
        else:
            exact = _exact(stored)
            width = sigma_of(exact, ctx.parametrisation)
            mask = _over_inputs(mask_at(r2.to(exact.dtype), width), stored)
            factor = slope_of(exact, ctx.parametrisation) / width**3
        over = ctx.overwrite and once and gradient.dtype == mask.dtype
        if not of_sigma:
            if over:
                return gradient.mul_(_over_rows(mask, gradient)), None, None, None, None, None
            return times_mask(gradient, mask), None, None, None, None, None
        if once and gradient.dtype == weight.dtype == mask.dtype and gradient.numel():
            moved, sums = _in_blocks(gradient, weight, mask, r2, over)
        else:
            moved = times_mask(gradient, mask)
            sums = (moved.to(mask.dtype) * weight * r2).sum(tuple(range(1, weight.dim())))
        along = (sums if stored.dim() else sums.sum()) * factor
        return moved if of_weight else None, along.to(stored.dtype), None, None, None, None

    @staticmethod
    def jvp(ctx: Any, weight_t: Tensor | None, stored_t: Tensor | None, *_: None) -> Tensor:
        weight, stored, r2 = ctx.saved_tensors
        exact = _exact(stored)
        width = sigma_of(exact, ctx.parametrisation)
        mask = _over_inputs(mask_at(r2.to(exact.dtype), width), stored)
        moved: Tensor = torch.zeros_like(weight) if weight_t is None else times_mask(weight_t, mask)
        if stored_t is None:
            return moved
        change = stored_t * slope_of(exact, ctx.parametrisation) / width**3
        change = change.reshape(*stored.shape, *[1] * (weight.dim() - stored.dim()))
        turned: Tensor = weight * mask * r2 * change
        return moved + turned.to(weight.dtype)


# torch looks it up for every call, which takes a sixth of it where it is not kept
_MaskedWeight.forward.__signature__ = inspect.signature(_MaskedWeight.forward)  # type: ignore[attr-defined]


def _in_blocks(
    gradient: Tensor, weight: Tensor, mask: Tensor, r2: Tensor, overwrite: bool
) -> tuple[Tensor, Tensor]:
    """Return dL/dW, and by output channel the sum of dL/dW * W * r2, (C_out,).

    A block of output channels at a time, in the order of their taps in memory.
    """
    last = not weight.is_contiguous() and weight.movedim(1, -1).is_contiguous()
    rows, found = _rows(weight, last), _rows(gradient, last)
    inner = weight.shape[1:]
    taps = _rows(r2.to(mask.dtype).expand(1, *inner), last)[0]
    masks = _rows(mask.expand(1 if mask.dim() == r2.dim() else len(weight), *inner), last)
    moved = found if overwrite else torch.empty_like(found)
    size = len(rows) if weight.is_cuda else max(1, BLOCK // rows.shape[1])
    if size >= len(rows):
        torch.mul(found, masks, out=moved)
        return _kernels(moved, weight.shape, last), torch.mv(moved * rows, taps)
    sums = rows.new_empty(len(rows))
    products = rows.new_empty(size, rows.shape[1])
    for start in range(0, len(rows), size):
        block = slice(start, start + size)
        part = torch.mul(found[block], masks if len(masks) == 1 else masks[block], out=moved[block])
        product = torch.mul(part, rows[block], out=products[: len(part)])
        torch.mv(product, taps, out=sums[block])
    return _kernels(moved, weight.shape, last), sums


def _rows(kernels: Tensor, last: bool) -> Tensor:
    """Return (C_out, C_in * taps), or (C_out, taps * C_in) where channels lie last in memory."""
    return (kernels.movedim(1, -1) if last else kernels).flatten(1).contiguous()


def _kernels(rows: Tensor, shape: torch.Size, last: bool) -> Tensor:
    if not last:
        return rows.view(shape)
    return rows.view(shape[0], *shape[2:], shape[1]).movedim(-1, 1)


def _over_rows(mask: Tensor, weight: Tensor) -> Tensor:
    """Return a mask (*kernel) for all input channels of one output channel.

    A loop over the few taps of a kernel is too short to be fast; over a row of them it is not.
    """
    if mask.dim() == weight.dim() - 2 and weight.is_contiguous():
        return mask.expand(weight.shape[1:]).contiguous()
    return mask


def _over_inputs(mask: Tensor, stored: Tensor) -> Tensor:
    """Return (*kernel) as it is, (C_out, *kernel) as (C_out, 1, *kernel)."""
    return mask.unsqueeze(1) if stored.dim() else mask


def _is_number(stored: Tensor) -> bool:
    return stored.dim() == 0 and stored.device.type == "cpu" and unwrapped(stored)


def _exact_type(stored: Tensor) -> torch.dtype:
    return torch.promote_types(stored.dtype, torch.float32)


def _exact(stored: Tensor) -> Tensor:
    return stored.to(_exact_type(stored))

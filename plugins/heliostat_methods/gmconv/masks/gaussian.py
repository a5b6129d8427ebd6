"""The concentric Gaussian mask ``G = exp(-r2 / (2 sigma^2))`` over the taps of a kernel.

It is not normalised [R]: a factor ``1 / (2 pi sigma^2)`` would only scale the weights, and without
it the centre tap of an odd kernel is 1 and a wide mask leaves the kernel as it is. The centre of an
even kernel falls between taps, so none of its taps is 1.

Source: Chen et al. 2023, "Gaussian mask convolution", arXiv 2302.04544; docs/methods/gmconv.md.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from heliostat_methods.gmconv.masks.taps import KernelSize, squared_distances

SMALLEST_SIGMA = 1e-2
"""Below it a mask changes no more: all taps but the centre are 0, in double precision as well."""
LARGEST_SIGMA = 1e15
"""Above it a mask is 1 to the bit, and the square of an infinite width has no derivative."""


def gaussian_mask(
    kernel_size: KernelSize, sigma: float | Tensor, *, dtype: torch.dtype | None = None
) -> Tensor:
    """Return the mask, ``(kH, kW)``; for a tensor of widths (N,) ``(N, kH, kW)``.

    ``kernel_size``: taps, an int K for (K, K) or a tuple of any length. ``sigma``: width in taps,
    of either sign since G(sigma) = G(-sigma); widths below 0.01 are taken as 0.01, which is their
    limit, and an infinite one gives ones. Differentiable in a tensor ``sigma``. ``dtype``: float32
    or float64; default: that of ``sigma``, at least float32. Raises ``ValueError`` for a kernel
    without taps, a float that is NaN, another dtype.
    """
    if dtype not in (None, torch.float32, torch.float64):
        raise ValueError(f"dtype must be torch.float32 or torch.float64, got {dtype}")
    if not isinstance(sigma, Tensor):
        if math.isnan(sigma):
            raise ValueError(f"sigma must be a number other than NaN, got {sigma!r}")
        sigma = torch.tensor(float(sigma), dtype=dtype or torch.get_default_dtype())
    exact = dtype or torch.promote_types(sigma.dtype, torch.float32)
    width = sigma.to(exact).abs().clamp(min=SMALLEST_SIGMA)
    return mask_at(squared_distances(kernel_size, exact, sigma.device), width)


def mask_at(r2: Tensor, sigma: Tensor) -> Tensor:
    """Return ``exp(-r2 / (2 sigma^2))``, shape ``(*sigma.shape, *r2.shape)``.

    ``sigma``: at least 0.01. In the wider type of both: in float16 a corner would underflow.
    """
    squares = over_taps(sigma, r2).clamp(max=LARGEST_SIGMA).square()
    return torch.exp(r2 * (-0.5 / squares))


def over_taps(sigma: Tensor, r2: Tensor) -> Tensor:
    """Return widths with a dimension of length 1 for each dimension of the kernel."""
    return sigma.reshape(*sigma.shape, *[1] * r2.dim())

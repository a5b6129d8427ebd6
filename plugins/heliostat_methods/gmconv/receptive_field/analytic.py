"""The receptive field of a tower of layers in closed form.

n layers of stride 1 with all weights 1, one channel, the same mask and nothing in between: the map
is the n-fold convolution of the mask with itself, which is a product over dimensions, and variances
of convolved distributions add::

    variance = n * v(K, sigma),   v = sum_i h_i^2 g_i / sum_i g_i,   g_i = exp(-h_i^2 / (2 sigma^2))

with h_i the places of the taps around their centre; v(3, inf) = 2/3.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from heliostat_methods.gmconv.layers.static import GMConv2d
from heliostat_methods.gmconv.masks.gaussian import SMALLEST_SIGMA
from heliostat_methods.gmconv.masks.taps import checked_kernel_size


def kernel_variance(kernel_size: int, sigma: float = math.inf) -> float:
    """Return v, squared taps: the variance of one masked kernel of ones along a dimension.

    ``sigma``: width in taps, infinite for no mask; below 0.01 as 0.01. Raises ``ValueError`` for a
    kernel without taps and a sigma that is not above 0.
    """
    checked_kernel_size((kernel_size,))
    if not sigma > 0:
        raise ValueError(f"sigma must be above 0, got {sigma!r}")
    width = max(sigma, SMALLEST_SIGMA)
    squares = [(i - (kernel_size - 1) / 2) ** 2 for i in range(kernel_size)]
    # Measured from the taps nearest to the centre, so that not all of an even kernel's are 0.
    weights = [math.exp(-(square - min(squares)) / (2 * width * width)) for square in squares]
    return math.fsum(map(math.prod, zip(squares, weights, strict=True))) / math.fsum(weights)


def tower_variance(layers: int, kernel_size: int, sigma: float = math.inf) -> float:
    """Return the variance of a tower's receptive field along a dimension, squared places.

    Raises ``ValueError`` for a number of layers below 1, and what `kernel_variance` refuses.
    """
    _check_layers(layers)
    return layers * kernel_variance(kernel_size, sigma)


def tower(layers: int, kernel_size: int, sigma: float = math.inf) -> nn.Sequential:
    """Return such a tower in float64, to be measured: (N, 1, H, W) to the same size.

    Its field is ``layers * (K - 1) + 1`` places wide. Without a mask the layers are plain. Raises
    what `tower_variance` raises, and ``ValueError`` for even kernels, which have no middle place.
    """
    _check_layers(layers)
    checked_kernel_size((kernel_size,))
    if kernel_size % 2 == 0:
        raise ValueError(f"kernel_size must be odd for a tower of equal maps, got {kernel_size!r}")

    def layer() -> nn.Conv2d:
        options: dict[str, Any] = {
            "padding": kernel_size // 2,
            "bias": False,
            "dtype": torch.float64,
        }
        if math.isinf(sigma):
            return nn.Conv2d(1, 1, kernel_size, **options)
        return GMConv2d(1, 1, kernel_size, **options, sigma_init=sigma)

    made = nn.Sequential(*(layer() for _ in range(layers)))
    for one in made:
        nn.init.ones_(one.get_parameter("weight"))
    return made


def _check_layers(layers: int) -> None:
    if isinstance(layers, bool) or not isinstance(layers, int) or layers < 1:
        raise ValueError(f"layers must be a positive whole number, got {layers!r}")

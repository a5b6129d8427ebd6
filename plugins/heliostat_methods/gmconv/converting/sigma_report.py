"""What the masks of a model are: one row a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from heliostat_methods.gmconv.layers.dynamic import DynamicGMConv2d
from heliostat_methods.gmconv.layers.static import MaskedConvolution
from heliostat_methods.gmconv.masks.gaussian import gaussian_mask


@dataclass(frozen=True)
class SigmaRow:
    """The mask of a layer; means over output channels, or samples, where it has several.

    ``sigma`` and its range, in taps, None for a circle. ``edge``: the mask at the end of the
    longest side, in the middle of the others. ``corner``: at the outermost tap. ``effective_taps``:
    ``(sum G)^2 / sum G^2``, the number of taps of a uniform kernel that averages as much.
    """

    layer: str
    kind: str
    kernel_size: tuple[int, ...]
    sigma: float | None
    sigma_least: float | None
    sigma_most: float | None
    edge: float
    corner: float
    effective_taps: float


def sigma_report(model: nn.Module) -> tuple[SigmaRow, ...]:
    """Return a row for each masked layer, in the model's order.

    A dynamic layer's row is of the samples that it saw last. Raises ``ValueError`` for one that saw
    none yet.
    """
    rows = []
    for name, layer in model.named_modules():
        if isinstance(layer, MaskedConvolution):
            with torch.no_grad():
                sigma = None if layer.sigma is None else layer.effective_sigma()
                rows.append(_row(name, layer, sigma, layer.mask()))
        elif isinstance(layer, DynamicGMConv2d):
            last = layer.last_sigma
            if last is None or not len(last):
                raise ValueError(
                    f"model must have seen inputs for the widths of {name or 'its dynamic layer'}, "
                    "got one that saw none"
                )
            sigma = last.flatten()
            rows.append(_row(name, layer, sigma, gaussian_mask(layer.kernel_size, sigma)))
    return tuple(rows)


def _row(
    name: str, layer: MaskedConvolution | DynamicGMConv2d, sigma: Tensor | None, mask: Tensor
) -> SigmaRow:
    size = tuple(layer.kernel_size)
    masks = mask.double().reshape(-1, *size)
    longest = size.index(max(size))
    edge: tuple[Any, ...] = tuple(0 if place == longest else k // 2 for place, k in enumerate(size))
    flat = masks.flatten(1)
    squares = flat.square().sum(1)
    # A mask that is 0 everywhere, of an even kernel, has no taps.
    taps = torch.where(squares > 0, flat.sum(1).square() / squares, 0.0)
    mean, least, most = (None, None, None) if sigma is None else _range(sigma)
    return SigmaRow(
        name,
        type(layer).__name__,
        size,
        mean,
        least,
        most,
        float(masks[(slice(None), *edge)].mean()),
        float(flat[:, 0].mean()),
        float(taps.mean()),
    )


def _range(sigma: Tensor) -> tuple[float, float, float]:
    exact = sigma.double()
    return float(exact.mean()), float(exact.min()), float(exact.max())

"""Parameters for an optimiser: widths by themselves, without weight decay.

Decay would shrink receptive fields, and a width of 5 taps has a gradient so small that at the rate
of the weights it hardly moves.
"""

from __future__ import annotations

import math
from typing import Any

from torch import nn

from heliostat_methods.gmconv.layers.dynamic import DynamicGMConv2d
from heliostat_methods.gmconv.layers.static import MaskedConvolution


def gmconv_param_groups(
    model: nn.Module,
    weight_decay: float,
    lr: float | None = None,
    sigma_lr_factor: float = 1.0,
) -> list[dict[str, Any]]:
    """Return one group of parameters with ``weight_decay``, and one of widths without.

    Groups are named "weights" and "sigma" (``{"params", "weight_decay", "name"}``, and ``"lr"`` if
    one is given); the second one holds sigma of static layers and all that predicts it in dynamic
    ones, at ``sigma_lr_factor`` times ``lr``, and is left out where there is none. Parameters that
    need no gradient are in neither. Raises ``ValueError`` for numbers that are negative or no
    numbers, and for a factor without a rate.
    """
    for name, value in (("weight_decay", weight_decay), ("sigma_lr_factor", sigma_lr_factor)):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be a finite number, at least 0, got {value!r}")
    if lr is not None and not (math.isfinite(lr) and lr >= 0):
        raise ValueError(f"lr must be a finite number, at least 0, or None, got {lr!r}")
    if lr is None and sigma_lr_factor != 1.0:
        raise ValueError(f"lr must be given for sigma_lr_factor {sigma_lr_factor!r}, got None")
    widths: dict[int, nn.Parameter] = {}
    for layer in model.modules():
        if isinstance(layer, MaskedConvolution) and isinstance(layer.sigma, nn.Parameter):
            widths[id(layer.sigma)] = layer.sigma
        if isinstance(layer, DynamicGMConv2d):
            for linear in (layer.squeeze, layer.predict):
                widths.update((id(p), p) for p in linear.parameters())
    trained = [p for p in model.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {
            "params": [p for p in trained if id(p) not in widths],
            "weight_decay": weight_decay,
            "name": "weights",
        },
        {"params": [p for p in trained if id(p) in widths], "weight_decay": 0.0, "name": "sigma"},
    ]
    if lr is not None:
        groups[0]["lr"], groups[1]["lr"] = lr, lr * sigma_lr_factor
    return groups if groups[1]["params"] else groups[:1]

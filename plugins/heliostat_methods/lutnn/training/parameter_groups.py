"""Parameters of a converted model in groups: centroids, temperatures, all others."""

from __future__ import annotations

from typing import Any

from torch import nn

from heliostat_methods.lutnn.layers.trainable import LutLayer

TEMPERATURE_RATE = 0.1
"""Adam's learning rate of temperatures in the authors' code."""


def lut_param_groups(
    model: nn.Module,
    lr: float = 1e-3,
    *,
    temperature_lr: float = TEMPERATURE_RATE,
    centroid_lr: float | None = None,
    weight_decay: float = 0.0,
) -> list[dict[str, Any]]:
    """Return groups for an optimiser: temperatures and centroids have rates, and no decay.

    Temperatures need a large rate to move at all. Parameters that are not learned are left out, and
    so are groups without any.
    """
    layers = [module for module in model.modules() if isinstance(module, LutLayer)]
    own = {id(layer.theta) for layer in layers} | {id(layer.centroids) for layer in layers}
    groups = [
        {"params": [layer.theta for layer in layers], "lr": temperature_lr, "weight_decay": 0.0},
        {
            "params": [layer.centroids for layer in layers],
            "lr": lr if centroid_lr is None else centroid_lr,
            "weight_decay": 0.0,
        },
        {
            "params": [p for p in model.parameters() if id(p) not in own],
            "lr": lr,
            "weight_decay": weight_decay,
        },
    ]
    for group in groups:
        group["params"] = [p for p in group["params"] if p.requires_grad]  # type: ignore[attr-defined]
    return [group for group in groups if group["params"]]

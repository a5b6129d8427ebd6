"""Temperatures that fall by a schedule instead of being learned."""

from __future__ import annotations

import math

import torch
from torch import nn

from heliostat_methods.lutnn.codebooks.temperature import theta_of
from heliostat_methods.lutnn.layers.trainable import LutLayer

HIGHEST = 0.999
"""Stands for a temperature of 1, which theta = -infinity would be."""


def annealed(progress: float, start: float = 1.0, end: float = 0.1) -> float:
    """Return the temperature after a share of training: geometrically from start to end."""
    if not 0 <= progress <= 1:
        raise ValueError(f"progress: {progress!r}, expected a share between 0 and 1")
    temperature = math.exp(math.log(start) + (math.log(end) - math.log(start)) * progress)
    return min(temperature, HIGHEST)


def set_temperature(model: nn.Module, temperature: float) -> None:
    """Give all layers by table lookup of a model one temperature, in (0, 1)."""
    theta = theta_of(temperature)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, LutLayer):
                module.theta.fill_(theta)

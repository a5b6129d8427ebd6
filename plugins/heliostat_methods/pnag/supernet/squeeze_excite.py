"""Squeeze-and-excite of elastic width (Hu et al. 2018; its gate as in MobileNetV3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heliostat_methods.pnag.spaces.layout import make_divisible
from heliostat_methods.pnag.supernet.parameters import uniform


def squeezed(middle: int) -> int:
    """Return the channels between the two layers."""
    return make_divisible(middle // 4, 8)


class ElasticSqueezeExcite(nn.Module):
    """Gates of the first channels, through the first squeezed channels; both layers with bias."""

    def __init__(self, channels: int, generator: torch.Generator) -> None:
        super().__init__()
        inner = squeezed(channels)
        self.squeeze_weight = uniform((inner, channels), channels, generator)
        self.squeeze_bias = nn.Parameter(torch.zeros(inner))
        self.excite_weight = uniform((channels, inner), inner, generator)
        self.excite_bias = nn.Parameter(torch.zeros(channels))

    def gates(self, means: Tensor) -> Tensor:
        """Return gates in [0, 1], (batch, middle), of means over places (batch, middle)."""
        middle = means.shape[1]
        inner = squeezed(middle)
        hidden = F.relu(
            F.linear(means, self.squeeze_weight[:inner, :middle], self.squeeze_bias[:inner])
        )
        return F.hardsigmoid(
            F.linear(hidden, self.excite_weight[:middle, :inner], self.excite_bias[:middle])
        )

    @torch.no_grad()
    def reorder(self, order: Tensor) -> None:
        """Bring the channels outside into another order; the squeezed ones stay."""
        self.squeeze_weight.copy_(self.squeeze_weight[:, order])
        self.excite_weight.copy_(self.excite_weight[order])
        self.excite_bias.copy_(self.excite_bias[order])

"""A kind of convolution, as a value, and a network converted to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from heliostat import stored
from heliostat_methods.gmconv.converting.convert import convert_gmconv
from heliostat_methods.gmconv.converting.parameter_groups import gmconv_param_groups
from heliostat_methods.gmconv.names import VARIANTS

Kind = Literal["conv", "static", "per_channel", "fixed", "circle", "dynamic", "mixed"]


@stored("gmconv.variant")
@dataclass(frozen=True)
class Variant:
    """One kind of convolution; ``sigma`` is the width at the start, or the constant one.

    ``rate_factor`` multiplies the learning rate of widths; ``reduction`` is of the dynamic kind.
    """

    label: str
    kind: Kind
    sigma: float
    sigma_param: Literal["raw", "softplus"]
    rate_factor: float
    reduction: int
    preserve: bool

    @property
    def sentence(self) -> str:
        """What it is."""
        return VARIANTS[self.kind]

    def converted(self, module: nn.Module, generator: torch.Generator) -> nn.Module:
        """Return the network with this kind of convolution wherever a kernel has several taps.

        What is drawn beside the network's own weights comes from ``generator``.
        """
        if self.kind == "conv":
            return module
        return convert_gmconv(
            module, self.kind, sigma_init=self.sigma, sigma_param=self.sigma_param,
            reduction=self.reduction, preserve=self.preserve, generator=generator,
        ).model  # fmt: skip

    def optimiser(
        self, module: nn.Module, rate: float, momentum: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        """Return SGD with a group of its own, without decay, for the widths of masks."""
        groups = gmconv_param_groups(
            module, weight_decay, lr=rate, sigma_lr_factor=self.rate_factor
        )
        return torch.optim.SGD(groups, lr=rate, momentum=momentum)

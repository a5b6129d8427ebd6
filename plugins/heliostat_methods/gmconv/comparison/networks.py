"""What each variant makes of the network: parameters, layers converted, the chain of kernels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from heliostat import ConfigError
from heliostat.contract import Model
from heliostat_methods.gmconv.receptive_field.analytic import kernel_variance
from heliostat_methods.gmconv.training.variant import Variant
from heliostat_search.supervised.problem import Problem, create


@dataclass(frozen=True)
class Kernel:
    """A convolution of a plain chain: its size along an axis, and how far apart its inputs lie."""

    layer: str
    size: int
    jump: int


@dataclass(frozen=True)
class Anatomy:
    """A network with one variant of convolutions: ``plain`` parameters before the conversion.

    ``chain`` are the convolutions in order where the network is one plain sequence, else empty.
    """

    parameters: int
    plain: int
    converted: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    chain: tuple[Kernel, ...]

    def predicted_radius(self, layer: str, sigmas: Mapping[str, float]) -> float | None:
        """Return the radius that masks of these widths give, with equal weights, up to a layer.

        Variances of a chain add, each times the square of its jump; both axes are alike. None for
        a layer that is not of the chain, and where a mask up to it has no width (NaN).
        """
        names = [one.layer for one in self.chain]
        if layer not in names:
            return None
        total = 0.0
        for one in self.chain[: names.index(layer) + 1]:
            sigma = sigmas.get(one.layer, math.inf)
            variance = math.nan if math.isnan(sigma) else kernel_variance(one.size, sigma)
            total += one.jump**2 * variance
        return None if math.isnan(total) else float((2.0 * total) ** 0.5)


def anatomy_of(problem: Problem, recipe: Model, variant: Variant) -> Anatomy:
    """Return what a variant makes of the network.

    Raises ConfigError for a network without convolutions, and for a variant that it cannot have.
    """
    from heliostat_methods.gmconv.converting.convert import convert_gmconv

    module = create(problem, recipe, 0)
    plain = _count(module)
    if not any(isinstance(m, nn.Conv2d) and max(m.kernel_size) > 1 for m in module.modules()):
        raise ConfigError(
            "model",
            problem.model.name,
            "a network with convolutions of several taps",
            "such as cnn",
        )
    chain = _chain(module, problem.input_shape)
    if variant.kind == "conv":
        return Anatomy(plain, plain, (), (), chain)
    try:
        done = convert_gmconv(
            module, variant.kind, sigma_init=variant.sigma, sigma_param=variant.sigma_param,
            reduction=variant.reduction, preserve=variant.preserve,
            generator=torch.Generator().manual_seed(0),
        )  # fmt: skip
    except ValueError as error:
        raise ConfigError(
            "variants", variant.label, "a kind that this network can have", str(error)
        ) from None
    return Anatomy(
        _count(done.model), plain, tuple(one.name for one in done.converted),
        tuple((one.name, one.reason) for one in done.skipped), chain,
    )  # fmt: skip


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def _chain(module: nn.Module, shape: tuple[int, ...]) -> tuple[Kernel, ...]:
    """Return the convolutions of a sequence of known layers; empty for any other network."""
    if not isinstance(module, nn.Sequential):
        return ()
    jump, found = 1, []
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Sequential):
            continue
        if isinstance(layer, nn.Conv2d):
            if layer.dilation != (1, 1) or layer.kernel_size[0] != layer.kernel_size[1]:
                return ()
            found.append(Kernel(name, layer.kernel_size[0], jump))
            jump *= layer.stride[0]
        elif isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
            size = layer.kernel_size
            if not isinstance(size, int):
                return ()
            found.append(Kernel(name, size, jump))
            stride = layer.stride
            jump *= stride if isinstance(stride, int) else size
        elif not isinstance(
            layer,
            nn.ReLU | nn.Tanh | nn.BatchNorm2d | nn.Dropout | nn.Dropout2d | nn.Flatten
            | nn.Unflatten | nn.Linear | nn.Identity | nn.AdaptiveAvgPool2d,
        ):  # fmt: skip
            return ()
    return tuple(found)

"""A model with masked convolutions in place of plain ones.

The model that is given stays as it is: what comes back is a copy, with a list of what was converted
and of every convolution that was not, and why. Weights, biases, stride, padding, dilation, groups,
type, device, ``requires_grad``, hooks and mode are those of the plain layers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from heliostat.errors import did_you_mean
from heliostat_methods.gmconv.layers.dynamic import REDUCTION, DynamicGMConv2d
from heliostat_methods.gmconv.layers.static import GMConv1d, GMConv2d, GMConv3d, MaskedConvolution
from heliostat_methods.gmconv.masks.circle import circle_mask
from heliostat_methods.gmconv.masks.parametrisation import SigmaParam
from heliostat_methods.gmconv.masks.settings import MaskSettings

Variant = Literal["static", "per_channel", "fixed", "dynamic", "circle", "mixed"]
LEAST_MASK = 1e-3
"""Smallest tap of a mask that a weight is divided by."""
_MASKED: dict[type, type[MaskedConvolution]] = {
    nn.Conv1d: GMConv1d, nn.Conv2d: GMConv2d, nn.Conv3d: GMConv3d,
}  # fmt: skip


@dataclass(frozen=True)
class ConvertedLayer:
    """A layer by name: what it is now, its kernel, and its width at the start (None: a circle)."""

    name: str
    kind: str
    kernel_size: tuple[int, ...]
    sigma_init: float | None


@dataclass(frozen=True)
class SkippedLayer:
    """A convolution by name that stayed what it was, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Conversion:
    """The converted copy, and what became of each convolution, in the model's order."""

    model: nn.Module
    converted: tuple[ConvertedLayer, ...]
    skipped: tuple[SkippedLayer, ...]


def convert_gmconv(
    model: nn.Module,
    variant: Variant = "static",
    *,
    include: Callable[[str, nn.Module], bool] | None = None,
    exclude: Iterable[str] = (),
    sigma_init: float = 5.0,
    sigma_param: SigmaParam = "raw",
    preserve: bool = False,
    reduction: int = REDUCTION,
    first: int = 1,
    check_finite: bool = False,
    generator: torch.Generator | None = None,
) -> Conversion:
    """Return a copy of a model whose convolutions are masked, where a kernel has more than one tap.

    ``variant``: "static" one learned width a layer, "per_channel" one an output channel, "fixed" a
    constant, "dynamic" one that the input says, "circle" no width, "mixed" the ``first`` layers
    static and the others dynamic [R]. ``include(name, layer)`` says which; ``exclude`` names layers
    or modules that hold them. ``preserve``: weights are divided by the mask, so that the copy gives
    what the model gave, to rounding; without it a pretrained model changes. ``reduction`` and
    ``generator`` are of dynamic layers. Raises ``ValueError`` naming what is not so: an unknown
    variant or name, ``preserve`` under a mask with taps below 0.001.
    """
    if variant not in get_args(Variant):
        raise ValueError(
            f"variant must be one of {', '.join(get_args(Variant))}, got {variant!r}; "
            + did_you_mean(str(variant), get_args(Variant))
        )
    if isinstance(first, bool) or not isinstance(first, int) or first < 0:
        raise ValueError(f"first must be a whole number of layers, at least 0, got {first!r}")
    settings = MaskSettings(
        sigma_init,
        sigma_param,
        learn_sigma=variant != "fixed",
        per_channel=variant == "per_channel",
        mask="circle" if variant == "circle" else "gaussian",
        check_finite=check_finite,
    )
    left_out = _checked_names(model, exclude)
    copied = copy.deepcopy(model)
    converted: list[ConvertedLayer] = []
    skipped: list[SkippedLayer] = []
    made: dict[nn.Module, nn.Module] = {}
    holders = _holders(copied)
    for name, layer in copied.named_modules():
        if not isinstance(layer, _ConvNd):
            continue
        dynamic = variant == "dynamic" or (variant == "mixed" and len(converted) >= first)
        reason = _reason(name, layer, include, left_out, dynamic, settings)
        if reason is None and preserve and holders[layer.weight] > 1:
            reason = "its weight is shared with another module, which preserve would change"
        if reason is not None:
            skipped.append(SkippedLayer(name, reason))
            continue
        if dynamic and isinstance(layer, nn.Conv2d):
            new: nn.Module = DynamicGMConv2d.from_convolution(
                layer, sigma_init, reduction, check_finite=check_finite, generator=generator
            )
        else:
            new = _MASKED[type(layer)].from_convolution(layer, settings)
        if preserve:
            _preserve(name, layer, replace(settings, per_channel=False, check_finite=False))
        made[layer] = new
        width = None if variant == "circle" else sigma_init
        converted.append(ConvertedLayer(name, type(new).__name__, layer.kernel_size, width))
    return Conversion(replaced(copied, made), tuple(converted), tuple(skipped))


def replaced(model: nn.Module, made: dict[nn.Module, nn.Module]) -> nn.Module:
    """Return the model with modules replaced wherever they stand, shared ones as one."""
    for parent in list(model.modules()):
        for name, child in parent._modules.items():
            if child is not None and child in made:
                parent._modules[name] = made[child]
    return made.get(model, model)


def _reason(
    name: str,
    layer: _ConvNd,
    include: Callable[[str, nn.Module], bool] | None,
    left_out: tuple[str, ...],
    dynamic: bool,
    settings: MaskSettings,
) -> str | None:
    """Return why a convolution is not converted, None if it is."""
    if type(layer) not in _MASKED:
        if isinstance(layer, MaskedConvolution | DynamicGMConv2d):
            return f"it is a {type(layer).__name__} already"
        return f"it is a {type(layer).__name__}, which is computed in another way"
    if any(name == given or name.startswith(given + ".") for given in left_out):
        return "it is excluded"
    if include is not None and not include(name, layer):
        return "it is not included"
    if all(k == 1 for k in layer.kernel_size):
        return f"its kernel is {_by(layer.kernel_size)}, whose mask is the constant 1"
    if "weight" not in layer._parameters:
        return "its weight is computed from other parameters"
    if settings.mask == "circle" and bool(circle_mask(layer.kernel_size).all()):
        return f"its kernel is {_by(layer.kernel_size)}, all of which lies in the circle"
    if dynamic and type(layer) is not nn.Conv2d:
        return f"it is a {type(layer).__name__}, and dynamic layers have two dimensions"
    return None


def _preserve(name: str, layer: _ConvNd, settings: MaskSettings) -> None:
    """Divide a weight by its mask, which is that of all channels and samples at the start."""
    like = _MASKED[type(layer)].from_convolution(layer, settings)
    with torch.no_grad():
        mask = like.mask()
        if float(mask.min()) < LEAST_MASK:
            raise ValueError(
                f"preserve needs a mask of at least {LEAST_MASK} at all taps, got "
                f"{float(mask.min()):.3g} at {name or 'the model'} ({_by(layer.kernel_size)}) for "
                f"sigma_init {settings.sigma_init!r}"
                if settings.mask == "gaussian"
                else f"preserve needs a mask that is nowhere 0, got mask='circle' at "
                f"{name or 'the model'}"
            )
        layer.weight.copy_(layer.weight / mask)


def _checked_names(model: nn.Module, exclude: Iterable[str]) -> tuple[str, ...]:
    names = (exclude,) if isinstance(exclude, str) else tuple(exclude)
    known = [name for name, _ in model.named_modules(remove_duplicate=False)]
    for name in names:
        if name not in known:
            hint = did_you_mean(str(name), [n for n in known if n])
            raise ValueError(f"exclude must name modules of the model, got {name!r}; {hint}")
    return names


def _holders(model: nn.Module) -> dict[torch.Tensor, int]:
    """Return for each parameter how many modules hold it."""
    counts: dict[torch.Tensor, int] = {}
    for module in model.modules():
        for parameter in module._parameters.values():
            if parameter is not None:
                counts[parameter] = counts.get(parameter, 0) + 1
    return counts


def _by(kernel_size: tuple[int, ...]) -> str:
    return "x".join(map(str, kernel_size))

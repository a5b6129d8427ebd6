"""Whole networks by other means: MADDNESS in place of layers, and torch's dynamic int8."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from heliostat.errors import did_you_mean
from heliostat_methods.lutnn.baselines.maddness_layer import MaddnessConv2d, MaddnessLinear
from heliostat_methods.lutnn.converting.calibration import called
from heliostat_methods.lutnn.converting.convert import replaced


def convert_int8(model: nn.Module) -> nn.Module:
    """Return a copy, in evaluation mode, whose linear layers have dynamic int8 weights of torch."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):  # layers are drawn first
        warnings.simplefilter("ignore")  # torch says that this will move to another package
        quantise: Any = torch.ao.quantization.quantize_dynamic
        made: nn.Module = quantise(copy.deepcopy(model).eval(), {nn.Linear})
    return made


@dataclass(frozen=True)
class MaddnessConversion:
    """The converted copy, and |y - y'| / |y| of each layer's products, bias left out, by name."""

    model: nn.Module
    errors: Mapping[str, float]


def convert_maddness(
    model: nn.Module, names: Sequence[str], lengths: Mapping[str, int], batches: Sequence[Tensor]
) -> nn.Module:
    """Return a copy whose named layers are MADDNESS, learned from what they see of batches.

    ``lengths`` gives V by name. Widths of linear layers that it does not divide get zeros behind;
    a convolution then takes a channel's patch. Raises ValueError for a name that is no layer.
    """
    return maddness_of(model, names, lengths, batches).model


def maddness_of(
    model: nn.Module, names: Sequence[str], lengths: Mapping[str, int], batches: Sequence[Tensor]
) -> MaddnessConversion:
    """Return the same with the error of each layer over what it was learned from."""
    copied = copy.deepcopy(model).eval()
    modules = dict(copied.named_modules())
    for name in names:
        if not isinstance(modules.get(name), nn.Linear | nn.Conv2d):
            hint = did_you_mean(name, [n for n in modules if n])
            raise ValueError(f"names: {name!r}, expected linear layers and convolutions; {hint}")
    seen: dict[str, list[Tensor]] = {name: [] for name in names}

    def watch(name: str) -> Any:
        return lambda _, inputs: seen[name].append(inputs[0].detach())

    handles = [modules[name].register_forward_pre_hook(watch(name)) for name in names]
    with torch.no_grad():
        for batch in batches:
            called(copied, batch)
    for handle in handles:
        handle.remove()
    made: dict[nn.Module, nn.Module] = {}
    errors: dict[str, float] = {}
    for name in names:
        layer, inputs = modules[name], torch.cat(seen[name])
        if isinstance(layer, nn.Linear):
            zeros = -layer.in_features % lengths[name]
            linear = MaddnessLinear.from_inputs(
                functional.pad(inputs.reshape(-1, layer.in_features), (0, zeros)),
                functional.pad(layer.weight, (0, zeros)), layer.bias,
                codebook_length=lengths[name],
            )  # fmt: skip
            padded = nn.Sequential(nn.ConstantPad1d((0, zeros), 0.0), linear)
            made[layer] = padded if zeros else linear
        elif isinstance(layer, nn.Conv2d):
            taps = layer.kernel_size[0] * layer.kernel_size[1]
            # where V does not divide, a codebook is a channel's patch
            fits = layer.in_channels * taps % lengths[name] == 0
            made[layer] = MaddnessConv2d.from_convolution(
                layer, inputs, codebook_length=lengths[name] if fits else None
            )
        errors[name] = _error(layer, made[layer], inputs)
    return MaddnessConversion(replaced(copied, made), errors)


def _error(dense: nn.Module, made: nn.Module, inputs: Tensor) -> float:
    with torch.no_grad():
        some = inputs[:512]
        exact, ours = dense(some), made(some)
        bias: Any = dense.bias
        if bias is not None:
            shape = (-1, 1, 1) if isinstance(dense, nn.Conv2d) else (-1,)
            exact, ours = exact - bias.reshape(shape), ours - bias.reshape(shape)
        size = float(exact.double().norm())
        return float((ours - exact).double().norm()) / size if size > 0 else 0.0

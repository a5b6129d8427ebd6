"""A network fitted to other inputs or another number of classes, with the weights that it has."""

from __future__ import annotations

import math

import torch
from torch import nn

from heliostat import ConfigError
from heliostat_methods.pnag.spaces.layout import NetworkLayout
from heliostat_methods.pnag.supernet.parameters import uniform


def adapted(
    module: nn.Module, layout: NetworkLayout, input_shape: tuple[int, ...], outputs: int,
    generator: torch.Generator,
) -> nn.Module:  # fmt: skip
    """Return the module for samples of `input_shape`, as images or in a row, and `outputs` classes.

    Raises ConfigError for samples of another size than its images.
    """
    if math.prod(input_shape) != math.prod(layout.input_shape):
        raise ConfigError("input_shape", input_shape, f"images {layout.input_shape}")
    if outputs != layout.classes:
        replace_classifier(module, outputs, generator)
    return nn.Sequential(nn.Flatten(), nn.Unflatten(1, layout.input_shape), module)


def replace_classifier(module: nn.Module, outputs: int, generator: torch.Generator) -> None:
    """Put a freshly drawn classifier of `outputs` classes in the place of a module's own."""
    name, old = [(k, m) for k, m in module.named_modules() if isinstance(m, nn.Linear)][-1]
    new: nn.Linear = nn.utils.skip_init(nn.Linear, old.in_features, outputs)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        new.weight.copy_(uniform((outputs, old.in_features), old.in_features, generator))
        new.bias.zero_()
    *parents, last = name.split(".")
    setattr(module.get_submodule(".".join(parents)), last, new)

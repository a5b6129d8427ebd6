"""Activations of elastic networks, in place where autograd allows it, and as modules."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heliostat_methods.pnag.spaces.layout import Activation

_MODULES: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "h_swish": nn.Hardswish,
}


def activate(x: Tensor, kind: Activation) -> Tensor:
    """Return the activation of a tensor that nobody else reads: it may be overwritten."""
    if kind == "relu":
        return torch.relu_(x)
    # The slopes of the others need their input: in place, autograd would copy it first.
    if kind == "relu6":
        return F.hardtanh(x, 0.0, 6.0, inplace=not x.requires_grad)
    return F.hardswish(x, inplace=not x.requires_grad)


def activation_module(kind: Activation) -> nn.Module:
    """Return the activation as a module."""
    return _MODULES[kind]()

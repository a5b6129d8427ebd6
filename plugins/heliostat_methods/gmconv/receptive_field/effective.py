"""The effective receptive field: how much each input place moves a unit in the centre of a layer.

::

    ERF = sum over input channels of the mean over inputs of |d y[centre] / d x|, sum 1

y[centre] is summed over the layer's channels. In networks it is near a Gaussian (Luo et al. 2016,
"Understanding the effective receptive field", arXiv 1701.04128), so it is told as one: variances,
and how well a Gaussian fits. Figures are those of the part of the field that lies in the input: a
field that is cut by the border is narrower than it would be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from heliostat.errors import did_you_mean

CONTOUR = 0.0455
"""Share of the maximum that bounds the field's area: what a Gaussian leaves beyond 2 sigma [R]."""


@dataclass(frozen=True, eq=False)
class EffectiveReceptiveField:
    """The map, float64 of the input's size and sum 1, and figures of it.

    ``variance``: by dimension, in squared input places. ``radius``: root of their sum.
    ``area_fraction``: share of places above 4.55 % of the maximum. ``gaussian_r2``: share of the
    map's variation that the Gaussian of its mean and variances explains. ``inputs``: how many were
    averaged; 20 or more give a steady map.
    """

    map: Tensor
    variance: tuple[float, ...]
    radius: float
    area_fraction: float
    gaussian_r2: float
    inputs: int


def effective_receptive_field(
    model: nn.Module, layer: str | nn.Module, inputs: Tensor, *, batch: int = 32
) -> EffectiveReceptiveField:
    """Return the effective receptive field of a layer, a module of the model or its name.

    ``inputs``: (N, channels, *size). The model is evaluated in evaluation mode, ``batch`` inputs at
    a time; its mode and its gradients stay as they are. Of a layer that is called several times the
    last output counts. Raises ``ValueError`` for inputs or a layer that are not so, and where the
    derivative is 0 everywhere or not finite.
    """
    if not isinstance(inputs, Tensor) or inputs.dim() < 3 or not inputs.is_floating_point():
        shape = tuple(inputs.shape) if isinstance(inputs, Tensor) else type(inputs).__name__
        raise ValueError(
            f"inputs must be floating-point numbers (samples, channels, *size), got {shape}"
        )
    if not len(inputs):
        raise ValueError(f"inputs must hold at least one sample, got {tuple(inputs.shape)}")
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise ValueError(f"batch must be a positive whole number, got {batch!r}")
    probed, name = _layer(model, layer)
    modes = [(module, module.training) for module in model.modules()]
    total = torch.zeros(inputs.shape[1:], dtype=torch.float64)
    model.eval()
    try:
        for part in torch.split(inputs, batch):
            total += _slopes(model, probed, name, part).abs().double().sum(0).cpu()
    finally:
        for module, mode in modes:
            module.training = mode
    field = total.sum(0)
    mass = float(field.sum())
    if not (math.isfinite(mass) and mass > 0):
        what = "0 at every place" if mass == 0 else "not finite"
        raise ValueError(f"layer must depend on the inputs, got {name} whose derivative is {what}")
    return described(field / mass, len(inputs))


def described(field: Tensor, inputs: int = 1) -> EffectiveReceptiveField:
    """Return the figures of a map (*size), at least 0 and of sum 1."""
    means, variances = _moments(field)
    variance = tuple(float(v) for v in variances)
    above = field > CONTOUR * field.max()
    return EffectiveReceptiveField(
        map=field,
        variance=variance,
        radius=math.sqrt(sum(variance)),
        area_fraction=float(above.double().mean()),
        gaussian_r2=_gaussian_fit(field, means, variances),
        inputs=inputs,
    )


def _layer(model: nn.Module, layer: str | nn.Module) -> tuple[nn.Module, str]:
    names = {name: module for name, module in model.named_modules(remove_duplicate=False)}
    if isinstance(layer, str):
        if layer not in names:
            hint = did_you_mean(layer, [name for name in names if name])
            raise ValueError(f"layer must be a module of the model, got {layer!r}; {hint}")
        return names[layer], layer or "the model"
    for name, module in names.items():
        if module is layer:
            return layer, name or "the model"
    raise ValueError(f"layer must be a module of the model, got another {type(layer).__name__}")


def _slopes(model: nn.Module, layer: nn.Module, name: str, inputs: Tensor) -> Tensor:
    """Return d y[centre] / d x for each input, (N, channels, *size)."""
    outputs: list[Any] = []
    handle = layer.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    x = inputs.detach().clone().requires_grad_()
    try:
        with torch.enable_grad():
            model(x)
    finally:
        handle.remove()
    if not outputs:
        raise ValueError(f"layer must be called by the model, got {name}, which is not")
    y = outputs[-1]
    if not isinstance(y, Tensor) or y.dim() != x.dim() or len(y) != len(x):
        shape = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
        raise ValueError(
            f"layer must give maps (samples, channels, *size) for inputs {tuple(x.shape)}, got "
            f"{name} which gives {shape}"
        )
    centre: tuple[Any, ...] = (slice(None), slice(None), *(size // 2 for size in y.shape[2:]))
    if not y.requires_grad:
        return torch.zeros_like(x)
    with torch.enable_grad():
        moved = y[centre].sum()
    (slopes,) = torch.autograd.grad(moved, x, allow_unused=True)
    return torch.zeros_like(x) if slopes is None else slopes


def _moments(field: Tensor) -> tuple[Sequence[float], Sequence[float]]:
    means, variances = [], []
    for places, weights in _margins(field):
        mean = float((places * weights).sum())
        means.append(mean)
        variances.append(float(((places - mean).square() * weights).sum()))
    return means, variances


def _margins(field: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return for each dimension its places and the mass at each of them."""
    axes = range(field.dim())
    margins = []
    for axis in axes:
        others = [a for a in axes if a != axis]
        weights = field.sum(others) if others else field
        margins.append((torch.arange(len(weights), dtype=field.dtype), weights))
    return margins


def _gaussian_fit(field: Tensor, means: Sequence[float], variances: Sequence[float]) -> float:
    """Return R^2 of the Gaussian of given moments, its height by least squares.

    1 for a map that is one value at all places or has one place, which leave nothing to explain.
    """
    shape = torch.ones((), dtype=field.dtype)
    for (places, _), mean, variance in zip(_margins(field), means, variances, strict=True):
        squares = (places - mean).square()
        # All mass at one place: the limit of a narrow Gaussian.
        along = (squares < 0.25).to(field) if variance < 1e-12 else (-squares / variance / 2).exp()
        shape = shape.unsqueeze(-1) * along
    height = (shape * field).sum() / shape.square().sum()
    spread = (field - field.mean()).square().sum()
    if float(spread) <= 1e-24:
        return 1.0
    return 1.0 - float((field - height * shape).square().sum() / spread)

"""Soft-PQ in a loop of one's own: Adam with three groups, a cosine, temperatures noted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from heliostat_methods.lutnn.layers.frozen import FrozenLut
from heliostat_methods.lutnn.layers.trainable import LutLayer
from heliostat_methods.lutnn.training.annealing import annealed, set_temperature
from heliostat_methods.lutnn.training.parameter_groups import TEMPERATURE_RATE, lut_param_groups


@dataclass
class FineTuning:
    """What a fine-tuning came to: the loss of each step, and temperatures by layer and epoch."""

    losses: list[float] = field(default_factory=list)
    temperatures: dict[str, list[float]] = field(default_factory=dict)


def finetune(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy,
    *,
    epochs: int = 3,
    lr: float = 1e-3,
    temperature_lr: float = TEMPERATURE_RATE,
    weight_decay: float = 0.0,
    anneal: bool = False,
) -> FineTuning:
    """Train a converted model in place on batches (inputs, targets), all of them in each epoch.

    Rates fall by a cosine. ``anneal``: temperatures fall from 1 to 0.1 by a schedule instead of
    being learned. The authors train 150 to 200 epochs. Raises ValueError where
    there is no batch, and for a loss that is not finite, naming the step.
    """
    rows = list(batches)
    if not rows:
        raise ValueError("batches: none, expected pairs of inputs and targets")
    frozen = [name for name, one in model.named_modules() if isinstance(one, FrozenLut)]
    if frozen:
        raise ValueError(
            f"model: {', '.join(frozen)} frozen, expected layers to train: freezing comes last"
        )
    groups = lut_param_groups(
        model, lr, temperature_lr=0.0 if anneal else temperature_lr, weight_decay=weight_decay
    )
    optimiser = torch.optim.Adam(groups)
    rates = [group["lr"] for group in optimiser.param_groups]
    layers = {n: m for n, m in model.named_modules() if isinstance(m, LutLayer)}
    found = FineTuning(temperatures={name: [one.temperature] for name, one in layers.items()})
    steps = epochs * len(rows)
    model.train()
    for step in range(steps):
        x, y = rows[step % len(rows)]
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        if anneal:
            set_temperature(model, annealed(step / steps))
        optimiser.zero_grad(set_to_none=True)
        value = loss(model(x), y)
        if not bool(torch.isfinite(value)):
            raise ValueError(
                f"loss: {float(value.detach())} in step {step}, expected a finite number"
            )
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        found.losses.append(float(value.detach()))
        if (step + 1) % len(rows) == 0:
            for name, layer in layers.items():
                found.temperatures[name].append(layer.temperature)
    return found

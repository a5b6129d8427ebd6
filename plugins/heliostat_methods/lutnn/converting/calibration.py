"""What layers see of a model's inputs: rows to cluster, the largest number, rows of a call."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from heliostat_methods.lutnn.finite import NotFiniteError

_LEAST_SHARE = 256
Rows = Callable[[Tensor], Tensor]
"""Makes rows (N, C V) of what a layer is given."""


@dataclass
class Seen:
    """Rows (N, C V) of a layer's inputs, drawn; their largest number; most rows of one call.

    ``shape`` is that of its inputs in that call.
    """

    most: int
    parts: list[Tensor] = field(default_factory=list)
    largest: float = 0.0
    per_call: int = 0
    shape: tuple[int, ...] = ()

    @property
    def rows(self) -> Tensor:
        """All rows that were kept, ``most`` at most."""
        if not self.parts:
            return torch.empty(0, 0)
        rows = torch.cat(self.parts)
        if len(rows) <= self.most:
            return rows
        return rows[torch.linspace(0, len(rows) - 1, self.most).long()]


def batches_of(calibration: Any) -> list[Any]:
    """Return calibration inputs as a list of batches: a tensor is one batch.

    A batch is a tensor, a sequence of positional arguments or a mapping of named ones. Raises
    ValueError where there is none.
    """
    batches = [calibration] if isinstance(calibration, Tensor | Mapping) else list(calibration)
    if not batches:
        raise ValueError("calibration: no batch, expected inputs of the model")
    return batches


def seen_by_layers(
    model: nn.Module, layers: Mapping[str, Rows], batches: Sequence[Any], rows: int, seed: int
) -> dict[str, Seen]:
    """Return what named layers see while the model runs on batches, in evaluation mode.

    At most ``rows`` rows of each layer are kept, drawn evenly from the batches. Raises ValueError
    for numbers that are not finite, naming the layer.
    """
    found = {name: Seen(rows) for name in layers}
    generator = torch.Generator().manual_seed(seed)
    # More of each than its share: batches are not of one size, and some may bring few.
    share = min(rows, max(math.ceil(rows / len(batches)), _LEAST_SHARE))

    def watch(name: str) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any]], None]:
        def hook(_: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
            x = inputs[0] if inputs else next(iter(named.values()))
            _note(name, found[name], x.detach(), layers[name], share, generator)

        return hook

    modules = dict(model.named_modules())
    handles = [
        modules[name].register_forward_pre_hook(watch(name), with_kwargs=True) for name in layers
    ]
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            for batch in batches:
                called(model, batch)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes.items():
            module.training = mode
    return found


def called(model: nn.Module, batch: Any) -> Any:
    """Return what a model gives for a batch."""
    if isinstance(batch, Tensor):
        return model(batch)
    return model(**batch) if isinstance(batch, Mapping) else model(*batch)


def _note(
    name: str, seen: Seen, x: Tensor, rows_of: Rows, share: int, generator: torch.Generator
) -> None:
    rows = rows_of(x).float().cpu()
    if len(rows) == 0:
        return
    largest = float(rows.abs().max())
    if not math.isfinite(largest):
        raise NotFiniteError(f"calibration: inputs of layer {name} are not finite")
    seen.largest = max(seen.largest, largest)
    if len(rows) > seen.per_call:
        seen.per_call, seen.shape = len(rows), tuple(x.shape)
    if len(rows) > share:
        rows = rows[torch.randperm(len(rows), generator=generator)[:share]]
    seen.parts.append(rows.clone())

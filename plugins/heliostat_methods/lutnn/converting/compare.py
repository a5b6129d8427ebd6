"""Models in several forms side by side: what they are worth, how large they are, what they take."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from heliostat_methods.lutnn.converting.calibration import called
from heliostat_methods.lutnn.converting.files import state_bytes


@dataclass(frozen=True)
class ModelRow:
    """A model by name: accuracy (None without labels), bytes, microseconds of a call.

    ``similarity`` is the mean cosine of its outputs with those of the first model, ``faster`` how
    many times less time it took. ``bytes`` are None where numbers do not lie in a state dict, as
    torch's own int8 layers have them.
    """

    name: str
    accuracy: float | None
    similarity: float
    bytes: int | None
    microseconds: float
    faster: float

    def __str__(self) -> str:
        right = "" if self.accuracy is None else f", {100 * self.accuracy:.1f} % right"
        size = "" if self.bytes is None else f", {self.bytes:,} bytes"
        return (
            f"{self.name}: {self.microseconds:,.0f} us ({self.faster:.1f}x){right}, similarity "
            f"{self.similarity:.4f}{size}"
        )


def compare(
    models: Mapping[str, nn.Module], x: Any, labels: Tensor | None = None, *, turns: int = 9
) -> list[ModelRow]:
    """Return a row for each model, the first as the one that others are compared with.

    ``x`` is a batch as models take it; ``labels`` (N,) are classes. Models are called in turns, in
    evaluation mode; the least time of a call counts, on as many threads as torch uses now.
    """
    if not models:
        raise ValueError("models: none, expected at least one by name")
    for model in models.values():
        model.eval()
    least = dict.fromkeys(models, math.inf)
    outputs: dict[str, Tensor] = {}
    with torch.no_grad():
        for _ in range(turns):
            for name, model in models.items():
                outputs[name] = called(model, x)  # brings its own data back into the caches
                began = time.perf_counter()
                called(model, x)
                least[name] = min(least[name], 1e6 * (time.perf_counter() - began))
    first = next(iter(models))
    usual = outputs[first].flatten(1)
    return [
        ModelRow(
            name,
            None if labels is None else float((found.argmax(1) == labels).float().mean()),
            float(nn.functional.cosine_similarity(found.flatten(1), usual).mean()),
            _bytes(models[name]), least[name], least[first] / least[name],
        )
        for name, found in outputs.items()
    ]  # fmt: skip


def _bytes(model: nn.Module) -> int | None:
    whole = all(isinstance(value, Tensor) for value in model.state_dict().values())
    return state_bytes(model) if whole else None

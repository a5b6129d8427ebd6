"""Parts that have what their protocols ask for and do not do it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from heliostat import PartSpec, hookimpl


class Sampler:
    def __init__(self, points: Callable[..., Any]) -> None:
        self.points = points


class Loss:
    tasks = ("classification",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def __call__(self, outputs: torch.Tensor, targets: torch.Tensor) -> Any:
        return self.call(outputs, targets)


class Score(Loss):
    direction = "min"


class Layer:
    def create(self, shape: tuple[int, ...], generator: torch.Generator) -> torch.nn.Module:
        return torch.nn.Linear(shape[-1], 2)


class Model:
    def __init__(self, outputs: int) -> None:
        self.outputs = outputs

    def widths(self, shape: tuple[int, ...], outputs: int) -> None:
        return None

    def create(
        self, shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> torch.nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(self.outputs))


MADE = [0.0]


def another(outputs: torch.Tensor, targets: torch.Tensor) -> float:
    MADE[0] += 1
    return MADE[0]


def dataset(rows: Any) -> SimpleNamespace:
    inputs = np.asarray(rows, dtype=np.float32).reshape(-1, 1)
    targets = np.zeros(len(inputs), dtype=np.float32)
    return SimpleNamespace(name="d", task="regression", classes=1, inputs=inputs, targets=targets)


PARTS: dict[tuple[str, str], Any] = {
    ("sampler", "transposed"): lambda: Sampler(lambda count, dims, rng: rng.random((dims, count))),
    ("sampler", "too_wide"): lambda: Sampler(
        lambda count, dims, rng: 5 * rng.random((count, dims))
    ),
    ("sampler", "global"): lambda: Sampler(lambda count, dims, rng: np.random.rand(count, dims)),
    ("sampler", "own"): lambda: Sampler(
        lambda count, dims, rng: np.random.default_rng().random((count, dims))
    ),
    ("sampler", "leaves"): lambda: sys.exit(0),
    ("loss", "raises"): lambda: Loss(lambda outputs, targets: outputs @ targets),
    ("loss", "per_sample"): lambda: Loss(lambda outputs, targets: outputs.sum(1)),
    ("metric", "another"): lambda: Score(another),
    ("layer", "global"): Layer,
    ("model", "two_outputs"): lambda: Model(2),
    ("dataset", "drawn"): lambda: dataset(np.random.default_rng().random(4)),
}


@hookimpl
def heliostat_parts() -> list[PartSpec]:
    def building(make: Callable[[], Any]) -> Callable[[object], Any]:
        return lambda config: make()

    return [PartSpec(kind, name, building(make), "bad") for (kind, name), make in PARTS.items()]

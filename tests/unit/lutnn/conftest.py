"""Layers with known answers: section 5 of the method's specification."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from heliostat import PartRef
from heliostat.values.canonical import decode, encode
from heliostat_methods.lutnn.tasks import Settings
from heliostat_methods.lutnn.training.variant import Variant
from heliostat_search.supervised.problem import Problem
from heliostat_search.supervised.streams import streams_from
from heliostat_search.trainings.rates import checkpoints


@dataclass(frozen=True)
class Device:
    """A small layer by the specification's integer formulas, in float64."""

    x: torch.Tensor
    centroids: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor

    @property
    def tables(self) -> torch.Tensor:
        """T[c, k, :] = P_k^c w^c."""
        return torch.einsum("ckv,cvm->ckm", self.centroids, self.weight)

    def scale(self, of: str) -> torch.Tensor:
        """max|T|/127, of the layer or of each output."""
        size = self.tables.abs()
        return (size.amax((0, 1)) if of == "output" else size.max()) / 127

    def int8_tables(self, of: str) -> torch.Tensor:
        return (self.tables / self.scale(of)).clamp(-128, 127).round().to(torch.int8)


def device(n: int, c: int, v: int, k: int, m: int, a: int, b: int, g: int) -> Device:
    def numbers(count: int) -> torch.Tensor:
        return torch.arange(count, dtype=torch.int64)

    i = numbers(c * k * v)
    centroids = ((a * i + i * i // 5 + 4) % 23 - 11).double() / 4
    weight = ((b * numbers(c * v * m) + 3) % 11 - 5).double() / 8
    i = numbers(n * c * v)
    x = ((g * i * i + 2 * i + 1) % 13 - 6).double() / 4
    bias = ((2 * numbers(m) + 1) % 5 - 2).double() / 2
    return Device(x.reshape(n, c * v), centroids.reshape(c, k, v), weight.reshape(c, v, m), bias)


@pytest.fixture(scope="session")
def dev1() -> Device:
    return device(3, 2, 3, 4, 4, 3, 5, 1)


@pytest.fixture(scope="session")
def dev2() -> Device:
    return device(5, 4, 4, 16, 8, 3, 5, 3)


class Recipe:
    """Convolutions "0", "4" (1x1) and "5", linear layers "9" and "11"; statistics, a mask."""

    def create(self, shape: tuple[int, ...], outputs: int, generator: torch.Generator) -> nn.Module:
        model = nn.Sequential(
            nn.Conv2d(shape[0], 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Flatten(),
            nn.Dropout(0.2), nn.Linear(4 * 9, 6), nn.ReLU(), nn.Linear(6, outputs),
        )  # fmt: skip
        for name, part in model.named_parameters():
            if part.ndim > 1:
                nn.init.normal_(part, std=0.3, generator=generator)
            elif name.endswith("bias"):
                nn.init.zeros_(part)
        return model


class Context:
    """What a worker gives a task, as far as these use it."""

    device = "cpu"

    def __init__(self, kept: Any = None, recipe: Any = None, seed: int = 4) -> None:
        self.kept, self.offered = kept, []  # type: ignore[var-annotated]
        self.rng, self.recipe = streams_from(seed), recipe or Recipe()

    def shared(self, handle: Any) -> Any:
        return handle

    def part(self, kind: str, ref: Any) -> Any:
        return self.recipe

    def restore(self, default: Any) -> Any:
        return default if self.kept is None else decode(self.kept)

    def checkpoint(self, state: Any) -> None:
        self.offered.append(encode(state))


def problem(**more: Any) -> Problem:
    rng = np.random.default_rng(0)

    def part(rows: int) -> Any:
        x = rng.normal(size=(rows, 36)).astype(np.float32)
        return x, (x[:, :18].sum(1) > 0).astype(np.int64)

    values = {
        "name": "made", "task": "classification", "classes": 2, "input_shape": (1, 6, 6),
        "model": PartRef("cnn"), "hidden": None, "train": part(40), "valid": part(14),
        "test": part(14), "metric": "error_rate",
    }  # fmt: skip
    return Problem(**{**values, **more})  # type: ignore[arg-type]


def settings(steps: int = 6, **more: Any) -> Settings:
    values = {
        "learning_rate": 0.01, "steps": steps, "measured_at": checkpoints(steps),
        "tuning_rate": 0.01, "temperature_rate": 0.1, "tuning_steps": steps,
        "tuning_at": checkpoints(steps), "weight_decay": 1e-3, "schedule": "cosine",
        "batch_size": 8, "calibration_rows": 32,
    }  # fmt: skip
    return Settings(**{**values, **more})  # type: ignore[arg-type]


def variant(kind: str = "lutnn", **more: Any) -> Variant:
    values = {
        "kind": kind, "linear": 8, "convolution": None, "pointwise": 2, "clusters": 16, "keep": (),
        "keep_first": True, "keep_last": True, "convert": "all", "temperature": 0.065,
    }  # fmt: skip
    return Variant(**{**values, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def small() -> SimpleNamespace:
    """What makes problems, settings, variants and contexts of a network of a few pixels."""
    return SimpleNamespace(
        problem=problem, settings=settings, variant=variant, Context=Context, Recipe=Recipe
    )

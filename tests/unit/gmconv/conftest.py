"""A small problem of images, and what a worker gives a task."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from heliostat import PartRef
from heliostat.values.canonical import decode, encode
from heliostat_methods.gmconv.tasks import Settings
from heliostat_methods.gmconv.training.variant import Variant
from heliostat_search.supervised.problem import Problem
from heliostat_search.supervised.streams import streams_from
from heliostat_search.trainings.rates import checkpoints


class Recipe:
    """Two convolutions of several taps, one of one, statistics and masks."""

    def __init__(self, size: int = 3) -> None:
        self.size = size

    def create(self, shape: tuple[int, ...], outputs: int, generator: torch.Generator) -> nn.Module:
        model = nn.Sequential(
            nn.Conv2d(shape[0], 4, self.size, padding=self.size // 2), nn.BatchNorm2d(4), nn.ReLU(),
            nn.MaxPool2d(2), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, self.size, padding=self.size // 2),
            nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(4 * 9, outputs),
        )  # fmt: skip
        for name, part in model.named_parameters():
            if part.ndim > 1:
                nn.init.normal_(part, std=0.3, generator=generator)
            elif name.endswith("bias"):
                nn.init.zeros_(part)
        return model


class Context:
    """What a worker gives a task, as far as this one uses it."""

    device = "cpu"

    def __init__(self, kept: Any = None, recipe: Any = None) -> None:
        self.kept, self.offered = kept, []  # type: ignore[var-annotated]
        self.rng, self.recipe = streams_from(4), recipe or Recipe()

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


def settings(steps: int = 12, **more: Any) -> Settings:
    values = {
        "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 1e-3, "schedule": "cosine",
        "batch_size": 8, "steps": steps, "measured_at": checkpoints(steps), "receptive_inputs": 3,
    }  # fmt: skip
    return Settings(**{**values, **more})  # type: ignore[arg-type]


def variant(kind: str = "static", **more: Any) -> Variant:
    values = {
        "label": kind, "kind": kind, "sigma": 2.0, "sigma_param": "raw", "rate_factor": 1.0,
        "reduction": 4, "preserve": False,
    }  # fmt: skip
    return Variant(**{**values, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """What makes problems, settings, variants and contexts."""
    return SimpleNamespace(
        problem=problem, settings=settings, variant=variant, Context=Context, Recipe=Recipe
    )

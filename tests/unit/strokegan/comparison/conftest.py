"""Trainings as a run has them, with scores that are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from heliostat_methods.strokegan.report.terminal import COLUMNS
from heliostat_methods.strokegan.tasks import BadGlyph, Trained, Training


@pytest.fixture
def training() -> Callable[..., Training]:
    def make(variant: str, target: str = "hand", seed: int = 0) -> Training:
        settings = {"precision": "float32", "memory_format": "contiguous", "image_size": 32}
        return Training(None, None, settings, variant, target, seed, keeps=False)  # type: ignore[arg-type]

    return make


@pytest.fixture
def trained() -> Callable[..., Trained]:
    def make(retrieval: float, l1: float = 0.1, **changes: Any) -> Trained:
        scores = {name: 0.5 for name, _, _ in COLUMNS} | {"retrieval": retrieval, "l1": l1}
        bad = BadGlyph("永", 0.2, ("na",), ("pie", "ti"))
        given = {"scores": scores, "records": {"step": np.arange(2.0)}, "steps": 6, "held_out": 20,
                 "shown": np.zeros((2, 4, 4), np.uint8), "worst": (bad,),
                 "worst_shown": np.zeros((1, 3, 4, 4), np.uint8), "trainer": None}  # fmt: skip
        return Trained(**{**given, **changes})

    return make

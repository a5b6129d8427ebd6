"""Twelve invented characters of two fonts at 16 px."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from heliostat_methods.strokegan.pairs.font_pair_data import FontPairData
from heliostat_methods.strokegan.training.settings import TrainingSettings
from heliostat_methods.strokegan.training.variants import variant_settings

COUNT, PX, STROKES = 12, 16, 32


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data() -> FontPairData:
    rng = np.random.default_rng(0)
    shapes = rng.random((COUNT, 4, 4)) < 0.4
    source = np.where(np.kron(shapes, np.ones((4, 4))) > 0, 0, 255).astype(np.uint8)
    target = 255 - (255 - np.roll(source, 1, axis=2)) // 2
    codes = rng.random((COUNT, STROKES)) < 0.3
    made = FontPairData.split([chr(0x4E00 + n) for n in range(COUNT)], source,
                              target.astype(np.uint8), codes, 0)  # fmt: skip
    return replace(made, paired=made.train[:4])


@pytest.fixture(scope="session")
def tiny() -> Callable[..., TrainingSettings]:
    """Settings of a variant, changed afterwards."""

    def make(name: str = "strokegan_plus", **changes: Any) -> TrainingSettings:
        base = TrainingSettings(image_size=PX, width=3, blocks=1, batch=3, steps=6, record_every=2)
        return replace(variant_settings(name, base), **changes)

    return make

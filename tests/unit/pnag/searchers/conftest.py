"""A tiny space with a decision that exists only after another, equal networks and invalid rows."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from heliostat_methods.pnag.searchers.searcher import Streams
from heliostat_methods.pnag.spaces.moves import absent_marked, within
from heliostat_methods.pnag.spaces.space import ABSENT, Archs, Decision


class TinySpace:
    """Depth 1 or 2 and two layers with an operation of four; operations 0 and 1 in the second layer
    are the same; depth 2 with 3 in both is no architecture: 4 + 4 * 3 - 1 = 15 architectures."""

    name = "tiny"
    size = 15
    decisions = (
        Decision("depth", "depth", (1, 2)),
        Decision("first", "operation", ("a", "b", "c", "d")),
        Decision("second", "operation", ("a", "b", "c", "d"), parent=0, least=1),
    )

    def canonical(self, choices: NDArray[Any]) -> Archs:
        archs = absent_marked(self.decisions, choices)
        good = self.valid(choices)
        archs[good & (archs[:, 2] == 1), 2] = 0
        return archs

    def valid(self, choices: NDArray[Any]) -> NDArray[np.bool_]:
        both = (choices[:, 0] == 1) & (choices[:, 1] == 3) & (choices[:, 2] == 3)
        return within(self.decisions, choices) & ~both

    def write(self, arch: NDArray[Any]) -> str:
        return ",".join(map(str, arch.tolist()))

    def read(self, text: str) -> Archs:
        return np.array(text.split(","), np.int16)

    def encode(self, archs: Archs) -> NDArray[np.float32]:
        columns = [(archs[:, place] == choice) for place, decision in enumerate(self.decisions)
                   for choice in range(len(decision.choices))]  # fmt: skip
        return np.stack(columns, axis=1).astype(np.float32)


def tiny_worth(archs: Archs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Accuracy and cost: deeper and later in the alphabet is dearer and mostly better."""
    there = archs != ABSENT
    price = np.where(there, archs + 1, 0).sum(axis=1).astype(np.float64)
    wrinkle = np.where(there, archs * np.array([5, 3, 1]), 0).sum(axis=1) % 4
    return price / 12 + wrinkle / 50, 1e-3 * price


def seeded(seed: int) -> Streams:
    """Named streams of a seed."""

    def stream(*parts: str | int) -> np.random.Generator:
        key = [part if isinstance(part, int) else zlib.crc32(part.encode()) for part in parts]
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))

    return stream


@pytest.fixture
def tiny() -> TinySpace:
    return TinySpace()


@pytest.fixture
def worth() -> Any:
    return tiny_worth


@pytest.fixture
def streams() -> Any:
    return seeded

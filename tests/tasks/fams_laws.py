"""Data whose sufficiency gap is known, for tests of fams."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]
"""Labels, scores and groups."""

O1: Rows = (
    np.array([0, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1], float),
    np.array([0.15] * 4 + [0.85] * 4 + [0.15] * 2 + [0.85] * 4 + [0.15, 0.85]),
    np.array([0] * 8 + [1] * 6 + [2] * 2),
)


def congruential(n: int, seed: int, groups: int) -> Rows:
    """Rows of the specification's linear congruential generator, ds(n, s, G)."""
    states = np.empty(3 * n)
    x = seed
    for k in range(3 * n):
        x = (1103515245 * x + 12345) % 2**31
        states[k] = x / 2**31
    u = states.reshape(n, 3)
    group = np.minimum((groups * u[:, 1]).astype(int), groups - 1)
    rate = np.clip(u[:, 0] + np.linspace(-0.2, 0.2, groups)[group], 0, 1)
    return (u[:, 2] < rate).astype(float), u[:, 0], group


def shifted(generator: Any, groups: int, rows: int, shift: float) -> Rows:
    """Half of the groups lie `shift` above their scores, half below: the gap is `shift`.

    Scores are centres of eight of ten bins, so that binning hides and adds nothing.
    """
    group = np.repeat(np.arange(groups), rows)
    score = generator.integers(1, 9, groups * rows) / 10 + 0.05
    rate = score + np.where(group % 2, shift, -shift)
    return (generator.random(groups * rows) < rate).astype(float), score, group

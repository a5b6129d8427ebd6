"""Small data that all estimators' tests share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray


class Small(NamedTuple):
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    a: NDArray[np.int64]


@pytest.fixture(scope="session")
def small() -> Small:
    """120 rows of 4 columns in three groups of 70, 40 and 10 rows."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((120, 4))
    a = np.repeat([0, 1, 2], [70, 40, 10])
    chance = 1 / (1 + np.exp(-(x[:, 0] + (a - 1) * x[:, 1])))
    return Small(x, (rng.random(120) < chance).astype(float), a)

"""The loop momentum that tables of known values are given at."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint


@pytest.fixture(scope="session")
def standard_loop_point() -> Callable[[int], LoopPoint]:
    """The loop point of n legs that goes with `standard_gram_point`."""

    def made(n: int) -> LoopPoint:
        lk = [(3 * j * j + j + 3) % 13 + 1 for j in range(n - 1)]
        return LoopPoint(13, lk, [(2 * i * i + 5 * i + 1) % 11 - 5 for i in range(n)])

    return made

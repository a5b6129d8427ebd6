"""Draws inside a network, such as masks of dropout, from a seed that is passed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import numpy as np
import torch

from heliostat_search.unrolled.drawn_on_cpu import DrawnOnCPU


@contextmanager
def drawing_from(seed: int, device: str = "cpu") -> Iterator[None]:
    """Let torch's global generator begin at ``seed``, and put it back as it was.

    What runs on another ``device`` draws from it too, and so gets the numbers that a CPU would.
    """
    generator = torch.default_generator
    before = generator.get_state()
    generator.manual_seed(seed)
    try:
        with nullcontext() if device == "cpu" else cast(Any, DrawnOnCPU)():
            yield
    finally:
        generator.set_state(before)


def draw_seeds(rng: np.random.Generator, count: int) -> list[int]:
    """Return seeds for ``drawing_from``; a longer list begins with a shorter one."""
    return [int(seed) for seed in rng.integers(1 << 62, size=count)]

"""The driver's memory does not grow with the number of items that a search streams."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import resident_memory

FEW = 10_000
ALLOWED_GROWTH = 10 << 20
"""What the buffers of a longer run may add; no outcome is among them."""


def growth(python: Callable[..., Any], folder: Path, verb: str, items: int) -> int:
    """Return by how much `items` raise the peak that a run of few items left in one process."""
    done = python(resident_memory.__file__, str(folder), verb, str(FEW), str(items))
    assert done.returncode == 0, done.stderr
    few, many = map(int, done.stdout.split())
    return many - few


def test_a_hundred_thousand_items_that_are_streamed_take_no_more_memory_than_a_few(
    python: Callable[..., Any], tmp_path: Path
) -> None:
    items = 100_000
    assert (items - FEW) * resident_memory.VALUE_BYTES > 5 * ALLOWED_GROWTH
    assert growth(python, tmp_path, "stream", items) < ALLOWED_GROWTH


def test_a_search_that_keeps_its_outcomes_would_be_noticed(
    python: Callable[..., Any], tmp_path: Path
) -> None:
    assert growth(python, tmp_path, "keep", 50_000) > 2 * ALLOWED_GROWTH

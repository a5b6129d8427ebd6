"""Tasks that go wrong in ways that a platform has to live with."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np

from heliostat import TaskContext

MEGABYTE = 1 << 20


def never_returns(item: int, ctx: TaskContext) -> int:
    if item == 3:
        while True:
            time.sleep(0.01)
    return item * item


def checkpoints_and_goes_on(item: str, ctx: TaskContext) -> bool:
    """Offer a state, then touch a file."""
    ctx.checkpoint({"at": 1})
    Path(item).touch()
    return True


def swallows_interruptions(item: int, ctx: TaskContext) -> int:
    while item == 1:
        try:
            time.sleep(10)
        except BaseException:
            return -1  # too late to count
    return item


def holds_the_interpreter(item: int, ctx: TaskContext) -> int:
    """Run in C without letting any other thread of the process go on."""
    if item == 1:
        re.match(r"(a+)+b", "a" * 64)
    return item


def fills_memory(item: int, ctx: TaskContext) -> int:
    if item == 2:
        hoard = [np.ones(64 * MEGABYTE // 8) for _ in range(64)]  # 4 GB
        return len(hoard)
    return int(np.ones(item + 1).sum())


def odd_values(item: int, ctx: TaskContext) -> Any:
    return [float("nan"), float("inf"), float("-inf"), -0.0, 5e-324][item]


def holds_a_set(item: int, ctx: TaskContext) -> Any:
    return {"scores": [1.0, {"seen": {item}}]}


def works_after(item: int, ctx: TaskContext) -> int:
    if item < 40:
        raise ValueError(f"too early: {item}")
    return item


def large(item: int, ctx: TaskContext) -> str:
    """300 kB, too large to be kept in a row of the journal."""
    return f"{item:06d}" * 50_000


def medium(item: int, ctx: TaskContext) -> str:
    """About 6 kB, kept in a row of the journal."""
    return f"{item:06d}" * 1_000

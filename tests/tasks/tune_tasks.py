"""Tasks whose best parameters are known."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from heliostat import TaskContext


def bowl(params: dict[str, Any], ctx: TaskContext) -> float:
    """Least, 0, at x = 1, n = 3, c = "a"."""
    return (params["x"] - 1) ** 2 + (params["n"] - 3) ** 2 + (params["c"] != "a")


def two(params: dict[str, Any], ctx: TaskContext) -> dict[str, float]:
    """Two ends of one road: a is least at x = 0, b is greatest at x = 2."""
    return {"a": params["x"] ** 2, "b": -((params["x"] - 2) ** 2)}


def fails_above(params: dict[str, Any], ctx: TaskContext) -> float:
    if params["x"] > 1:
        raise ValueError("too large")
    return params["x"] ** 2


def undefined_above(params: dict[str, Any], ctx: TaskContext) -> float:
    return math.nan if params["x"] > 1 else params["x"] ** 2


def nothing_above(params: dict[str, Any], ctx: TaskContext) -> dict[str, float | None]:
    return {"value": None if params["x"] > 1 else params["x"] ** 2}


def two_undefined_above(params: dict[str, Any], ctx: TaskContext) -> list[float]:
    return [math.nan if params["x"] > 1 else params["x"] ** 2, abs(params["x"] - 1)]


def never(params: dict[str, Any], ctx: TaskContext) -> float:
    raise RuntimeError("never works")


def noisy(params: dict[str, Any], ctx: TaskContext) -> float:
    return params["x"] ** 2 + float(ctx.rng().standard_normal())


def leaves_a_mark(item: str, ctx: TaskContext) -> int:
    """Touch a file, so that a driver that has not asked for the answer can see the task run."""
    Path(item).touch()
    return os.getpid()


def counted(params: dict[str, Any], ctx: TaskContext) -> float:
    """The fewer parameters, the better."""
    return float(len(params)) + params["layers"] / 10

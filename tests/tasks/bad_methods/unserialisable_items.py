"""The items hold a lock."""

from __future__ import annotations

import threading
from typing import Any

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl


def draw(item: tuple[int, Any], ctx: TaskContext) -> float:
    return float(ctx.rng().random())


def search(config: MethodConfig, run: Run) -> list[float]:
    lock = threading.Lock()
    return [outcome.unwrap() for outcome in run.map(draw, [(i, lock) for i in range(4)])]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="unserialisable_items",
            summary="breaks one rule",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

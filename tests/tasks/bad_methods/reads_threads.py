"""The task takes the shell's number of threads: in the driver's process alone, in later items."""

from __future__ import annotations

import os
import sys

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl


def draw(item: int, ctx: TaskContext) -> float:
    here = "ray" not in sys.modules
    threads = int(os.environ.get("NUMBA_NUM_THREADS", "1")) if here and item > 4 else 1
    return threads + float(ctx.rng().random())


def search(config: MethodConfig, run: Run) -> list[float]:
    return [run.call(draw, item).unwrap() for item in range(8)]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="reads_threads",
            summary="breaks one rule",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

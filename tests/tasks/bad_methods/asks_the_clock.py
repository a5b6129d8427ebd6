"""The search asks for what the clock says."""

from __future__ import annotations

import time

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl


def draw(item: int, ctx: TaskContext) -> float:
    return float(ctx.rng().random())


def search(config: MethodConfig, run: Run) -> list[float]:
    return [outcome.unwrap() for outcome in run.map(draw, [time.time_ns() + i for i in range(4)])]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="asks_the_clock",
            summary="breaks one rule",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

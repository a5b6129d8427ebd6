"""The task waits for what never comes."""

from __future__ import annotations

import time

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl


def draw(item: int, ctx: TaskContext) -> float:
    while True:
        time.sleep(1)


def search(config: MethodConfig, run: Run) -> list[float]:
    return [outcome.unwrap() for outcome in run.map(draw, range(4))]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="never_ends",
            summary="does not end",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

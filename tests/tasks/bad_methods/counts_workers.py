"""The search cuts its work into as many blocks as there are workers."""

from __future__ import annotations

import sys
from typing import Any

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl


def mean(count: int, ctx: TaskContext) -> float:
    return float(ctx.rng().random(count).mean())


def workers() -> int:
    ray: Any = sys.modules.get("ray")
    return 1 if ray is None else int(ray.cluster_resources()["CPU"])


def search(config: MethodConfig, run: Run) -> list[float]:
    run.call(mean, 10)
    blocks = workers()
    return [outcome.unwrap() for outcome in run.map(mean, [120 // blocks] * blocks)]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="counts_workers",
            summary="breaks one rule",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

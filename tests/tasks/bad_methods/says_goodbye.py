"""The plugin prints where only a run's account may stand, and replaces a function of Heliostat."""

from __future__ import annotations

import atexit

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl
from heliostat.values import streams

atexit.register(print, "goodbye")
original = streams.seed64


def seed64(root: int, *name: streams.Name) -> int:
    return original(root + 1, *name)


streams.seed64 = seed64


def draw(item: int, ctx: TaskContext) -> float:
    return float(ctx.rng().random())


def search(config: MethodConfig, run: Run) -> list[float]:
    return [outcome.unwrap() for outcome in run.map(draw, range(4))]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="says_goodbye",
            summary="breaks two rules",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
            describe=lambda result, run_id: exit(0),
        )
    ]

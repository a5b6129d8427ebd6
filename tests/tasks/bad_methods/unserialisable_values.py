"""The task returns a generator."""

from __future__ import annotations

from collections.abc import Iterator

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl


def draws(item: int, ctx: TaskContext) -> Iterator[float]:
    return (float(x) for x in ctx.rng().random(item))


def search(config: MethodConfig, run: Run) -> list[bool]:
    return [outcome.ok for outcome in run.map(draws, range(4))]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="unserialisable_values",
            summary="breaks one rule",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

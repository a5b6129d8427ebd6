"""The task counts its calls in a module-level variable."""

from __future__ import annotations

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl

CALLS: list[int] = []


def count(item: int, ctx: TaskContext) -> float:
    CALLS.append(item)
    return len(CALLS) + float(ctx.rng().random())


def search(config: MethodConfig, run: Run) -> list[float]:
    return [outcome.unwrap() for outcome in run.map(count, range(4))]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="remembers",
            summary="breaks one rule",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

"""The task takes from the shared list."""

from __future__ import annotations

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl


def take(item: int, ctx: TaskContext) -> float:
    return float(ctx.shared().pop() + ctx.rng().random())


def search(config: MethodConfig, run: Run) -> list[float]:
    shared = run.share([float(i) for i in range(100)])
    return [outcome.unwrap() for outcome in run.map(take, range(4), shared=shared)]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="changes_shared",
            summary="breaks one rule",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

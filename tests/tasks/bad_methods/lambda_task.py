"""The task is a lambda."""

from __future__ import annotations

from heliostat import MethodConfig, MethodSpec, Run, hookimpl


def search(config: MethodConfig, run: Run) -> list[float]:
    outcomes = run.map(lambda item, ctx: float(ctx.rng().random()), range(4))
    return [outcome.unwrap() for outcome in outcomes]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="lambda_task",
            summary="breaks one rule",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

"""The task keeps a file of its own where it happens to run."""

from __future__ import annotations

from pathlib import Path

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl


def draw(item: int, ctx: TaskContext) -> float:
    Path("notes.txt").write_text(str(item))
    return float(ctx.rng().random())


def search(config: MethodConfig, run: Run) -> list[float]:
    return [outcome.unwrap() for outcome in run.map(draw, range(4))]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="writes_outside",
            summary="breaks one rule",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

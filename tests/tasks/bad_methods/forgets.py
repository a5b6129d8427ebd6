"""The search's checkpoint holds its step and not what it has seen."""

from __future__ import annotations

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl


def draw(item: int, ctx: TaskContext) -> float:
    return float(ctx.rng().random())


def search(config: MethodConfig, run: Run) -> dict[str, float]:
    first, best = run.restore((0, 0.0))
    seen = 0
    for step in range(first, 8):
        best = max(best, run.call(draw, step).unwrap())
        seen += 1
        run.checkpoint(step + 1, best)
    return {"best": best, "seen": seen}


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="forgets",
            summary="breaks one rule",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

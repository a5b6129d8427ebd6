"""The search returns its results in the order of a set."""

from __future__ import annotations

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl


def length(word: str, ctx: TaskContext) -> float:
    return len(word) + float(ctx.rng("noise").random())


def search(config: MethodConfig, run: Run) -> list[float]:
    words = {"ash", "birch", "cedar", "elm", "fir", "hornbeam"}
    return [outcome.unwrap() for outcome in run.map(length, list(words))]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="set_order",
            summary="breaks one rule",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

"""The search loops over a set of two, which most orders of sets leave as it was."""

from __future__ import annotations

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl


def length(word: str, ctx: TaskContext) -> float:
    return len(word) + float(ctx.rng().random())


def search(config: MethodConfig, run: Run) -> list[float]:
    return [outcome.unwrap() for outcome in run.map(length, {"w4", "v4"})]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="two_words",
            summary="breaks one rule",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

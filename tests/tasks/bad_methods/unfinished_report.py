"""The report looks for a result that a run has only at its end."""

from __future__ import annotations

from collections.abc import Sequence

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl
from heliostat.contract.sections import Section, Text
from heliostat.store.view import RunView


def draw(item: int, ctx: TaskContext) -> float:
    return float(ctx.rng().random())


def search(config: MethodConfig, run: Run) -> list[float]:
    return [outcome.unwrap() for outcome in run.map(draw, range(4))]


def report(view: RunView) -> Sequence[Section]:
    return [Section("Result", [Text(f"the first draw: {view.result[0]}")])]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="unfinished_report",
            summary="breaks one rule",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
            report=report,
        )
    ]

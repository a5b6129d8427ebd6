"""A method of Heliostat in one file; it needs no installing:

HELIOSTAT_LOAD=./quarter_circle.py heliostat run quarter_circle --preset smoke --workers serial
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from heliostat import EXTENDABLE, MethodConfig, MethodSpec, Metric, Run, TaskContext, hookimpl, task
from heliostat.contract import RunView
from heliostat.report import Plot, Section, Series
from pydantic import Field


class QuarterCircleConfig(MethodConfig):
    """Estimate pi by points in a square: what can be set."""

    points: int = Field(10_000, ge=1, le=10_000_000, description="points in one task")
    blocks: int = Field(50, ge=1, description="tasks", json_schema_extra=EXTENDABLE)


@task("quarter_circle.throw")
def throw(points: int, ctx: TaskContext) -> int:
    """Return how many points lie in the quarter of a circle; runs on any worker."""
    x, y = ctx.rng().random((2, points))
    return int((x * x + y * y < 1.0).sum())


def search(config: QuarterCircleConfig, run: Run) -> dict[str, float]:
    """Fold blocks in their order: an ordinary function of what was set and of outcomes."""
    inside = thrown = 0
    pi = error = math.nan
    outcomes = run.stream(throw, [config.points] * config.blocks)
    for number, outcome in enumerate(outcomes, start=1):
        inside, thrown = inside + outcome.unwrap(), thrown + config.points
        share = inside / thrown
        pi, error = 4 * share, 4 * math.sqrt(share * (1 - share) / thrown)
        run.report(number, of=config.blocks, count=thrown, pi=pi, error=error)
    return {"pi": pi, "error": error}


def report(view: RunView) -> Sequence[Section]:
    """Return what the HTML report shows, of a run that goes on too."""
    metrics = view.metrics(())
    steps = [step for step, _ in metrics.get("pi", [])]
    values = [value for _, value in metrics.get("pi", [])]
    wide = [1.96 * value for _, value in metrics.get("error", [])]
    low = [v - w for v, w in zip(values, wide, strict=True)]
    high = [v + w for v, w in zip(values, wide, strict=True)]
    known = Series("pi", steps, [math.pi] * len(steps))
    curves = [Series("estimate, 95 %", steps, values, low, high), known]
    return [Section("Estimate", [Plot("Pi by points", "block", "pi", curves)])]


METHOD = MethodSpec(
    name="quarter_circle",
    summary="pi by points in a square",
    paper="textbook",
    config=QuarterCircleConfig,
    search=search,
    outputs={"pi": Metric(None), "error": Metric("min")},
    presets={"smoke": {"blocks": 5}, "demo": {"blocks": 500}},
    report=report,
    unit="points",
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]

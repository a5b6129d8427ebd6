"""A method of a second, for observers to watch: it is loaded for that alone."""

from __future__ import annotations

from collections.abc import Sequence

from heliostat.contract.config import MethodConfig
from heliostat.contract.hooks import hookimpl
from heliostat.contract.method import MethodSpec
from heliostat.contract.run import Run
from heliostat.contract.task import TaskContext

NAME = "watched"


def draw(item: int, ctx: TaskContext) -> float:
    """Return a random number."""
    return float(ctx.rng().random())


def search(config: MethodConfig, run: Run) -> dict[str, float]:
    """Ask for three batches, report their means, and open a sub-search."""

    def part(sub: Run) -> float:
        value = sub.call(draw, 0).unwrap()
        sub.report(1, value=value)
        return value

    total = 0.0
    for step in range(3):
        values = [outcome.unwrap() for outcome in run.map(draw, range(4))]
        total += sum(values)
        run.report(step + 1, of=3, mean=sum(values) / len(values), missing=float("nan"))
    return {"total": total + sum(run.gather(part))}


METHOD = MethodSpec(
    name=NAME,
    summary="draws a few numbers",
    paper="none",
    config=MethodConfig,
    search=search,
    presets={"smoke": {}},
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]

"""Methods whose every value is an integer or a dyadic fraction: the same bits on any CPU.

Their digests are pinned, and a run of the first is kept as a fixture, so their names, items and
values stay as they are. Beside them lies another method's change, never theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pydantic import Field

from heliostat import (
    EXTENDABLE,
    MethodConfig,
    MethodSpec,
    Metric,
    Outcome,
    Run,
    TaskContext,
    hookimpl,
    stored,
    task,
)
from heliostat.report import Plot, Section, Series, Table


@stored("exact.config")
class ExactConfig(MethodConfig):
    """How much is done."""

    rounds: int = Field(3, ge=1, description="rounds", json_schema_extra=EXTENDABLE)
    width: int = Field(4, ge=1, description="items in a round")


@stored("exact.step")
@dataclass(frozen=True)
class Step:
    """An item: which round, and how far into it."""

    round: int
    place: int


@stored("exact.found")
@dataclass(frozen=True)
class Found:
    """A value: a dyadic fraction, and the seed that the item's own stream begins with."""

    half: float
    seed: int


@task("exact.halve")
def halve(step: Step, ctx: TaskContext) -> Found:
    """Return a dyadic fraction of the item, the shared weights and nothing else."""
    weights = ctx.shared()["weights"]
    half = weights[step.place % len(weights)] / 2 ** (step.round + 1)
    return Found(half, ctx.seed64())


@task("exact.square")
def square(item: int, ctx: TaskContext) -> int:
    return item * item


@task("exact.fails_on_three")
def fails_on_three(item: int, ctx: TaskContext) -> int:
    if item == 3:
        raise ValueError("three")
    return item


@task("exact.collatz")
def collatz(start: int, ctx: TaskContext) -> tuple[int, ...]:
    """A long task: the steps to 1, with a checkpoint at each."""
    path: tuple[int, ...] = ctx.restore((start,))
    while path[-1] != 1:
        path = (*path, path[-1] // 2 if path[-1] % 2 == 0 else 3 * path[-1] + 1)
        ctx.checkpoint(path)
    return path


def sums(config: ExactConfig, run: Run) -> dict[str, Any]:
    """Map, a stream left early, shared data, a failure, metrics, a product."""
    shared = run.share({"weights": [1, 3, -5, 0.125], "unit": (1, "half")})
    total = 0.0
    for number in range(config.rounds):
        items = [Step(number, place) for place in range(config.width)]
        total += sum(o.unwrap().half for o in run.map(halve, items, shared=shared))
        run.report(number, of=config.rounds, count=config.width, total=total)
    kinds = [o.failure.kind if o.failure else "value" for o in run.map(fails_on_three, range(5))]
    squares = []
    for outcome in run.stream(square, iter(range(10**6))):
        squares.append(outcome.unwrap())
        if squares[-1] > 50:
            break
    run.save("squares", squares)
    return {"value": total, "kinds": kinds, "squares": squares}


def branches(config: ExactConfig, run: Run) -> dict[str, Any]:
    """Sub-searches side by side and asynchronous ones, each with keys and streams of its own."""

    def inner(number: int) -> Callable[[Run], list[int]]:
        def search(sub: Run) -> list[int]:
            items = range(number, number + config.width)
            return [*(o.unwrap() for o in sub.map(square, items)), sub.seed64("inner") % 97]

        return search

    gathered = run.gather(*(inner(number) for number in range(config.rounds)))
    for number in range(config.rounds):
        run.branch(inner(number), cost=float(config.rounds - number))
        run.submit(square, number, cost=0.5)
    order: list[Any] = []
    while run.outstanding:
        outcome: Outcome[Any] = run.next()
        order.append([list(outcome.key), outcome.value])
    return {"value": float(len(order)), "gathered": gathered, "order": order}


def checkpoints(config: ExactConfig, run: Run) -> dict[str, Any]:
    """Checkpoints of the search and of a long task, and products that others could build from."""
    first, total = run.restore((0, 0), lambda state: int(state["total"]))
    for number in range(first, config.rounds):
        items = range(number * config.width, (number + 1) * config.width)
        total += sum(o.unwrap() for o in run.map(square, items))
        run.checkpoint(number + 1, {"total": total, "exact": [number, 0.5 ** (number + 1)]})
    path = run.call(collatz, 27).unwrap()
    run.save("path", path)
    run.save("path.bytes", bytes(value % 256 for value in path))
    mean = Fraction(total, config.rounds * config.width)
    return {"value": float(total), "mean": [mean.numerator, mean.denominator], "steps": len(path)}


def report(view: Any) -> Sequence[Section]:
    """Show the totals."""
    points = view.metrics().get("total", [])
    plot = Plot("Totals", "round", "total",
                [Series("total", [x for x, _ in points], [y for _, y in points])])  # fmt: skip
    rows = [[name, str(value)] for name, value in (view.result or {}).items()]
    return [Section("Result", [Table(["quantity", "value"], rows), plot])]


def _method(name: str, search: Any) -> MethodSpec:
    return MethodSpec(
        name=name,
        summary=f"exact {search.__name__}",
        paper="none",
        config=ExactConfig,
        search=search,
        outputs={"value": Metric("min")},
        presets={"smoke": {}},
        report=report,
        names=__name__,
    )


METHODS = {
    name: _method(name, search)
    for name, search in (("exact", sums), ("exact_branches", branches),
                         ("exact_checkpoints", checkpoints))
}  # fmt: skip


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    return list(METHODS.values())

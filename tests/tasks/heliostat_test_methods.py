"""Methods that exist for the tests: each shows one thing a search can do, as a plugin."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import heliostat_test_tasks as tasks
import numpy as np
from pydantic import Field, model_validator

from heliostat import (
    EXTENDABLE,
    ConfigError,
    MethodConfig,
    MethodSpec,
    Metric,
    Outcome,
    PartKind,
    PartRef,
    Resources,
    Run,
    TaskError,
    hookimpl,
    stored,
)
from heliostat.contract import RunView, Within


def _kind_or_value(outcome: Outcome[Any]) -> Any:
    return outcome.failure.kind if outcome.failure else outcome.value


class EverythingConfig(MethodConfig):
    """Sizes of the one search that uses every verb of `run`."""

    size: int = Field(12, ge=1, description="items in each call")


def everything(config: EverythingConfig, run: Run) -> dict[str, Any]:
    """Use map, stream, submit and next, call, gather, share, observe, report and save."""
    n = config.size
    data = run.share({"x": np.arange(5.0)})
    mapped = [o.unwrap() for o in run.map(tasks.draw, range(n))]
    failing = [
        o.failure.kind if o.failure else o.value for o in run.map(tasks.fail_on_odd, range(6))
    ]
    streamed = []
    for outcome in run.stream(tasks.draw_by_name, iter(range(10**9))):
        streamed.append(outcome.unwrap())
        if len(streamed) == n:
            break
    order, costs = [], run.rng("costs").uniform(0.5, 2.0, 2 * n)
    for i in range(2 * n):
        run.submit(tasks.draw, i, cost=float(costs[i]))
        if run.outstanding > run.lookahead:
            order.append(list(run.next().key))
    while run.outstanding:
        order.append(list(run.next().key))

    def part(number: int) -> Any:
        def search(sub: Run) -> list[float]:
            values = [o.unwrap() for o in sub.map(tasks.draw, range(number + 2))]
            sub.report(number, mean=float(np.mean(values)))
            return [*values, float(sub.rng("end").random())]

        return search

    gathered = run.gather(*(part(i) for i in range(4)))
    shared = [o.unwrap() for o in run.map(tasks.total, range(n), shared=data)]
    one = run.call(tasks.vector, 100).unwrap()
    text = run.call(tasks.big_text, 7).unwrap()
    run.observe(tasks.whoami, 0)
    run.report(1, of=1, count=n, mean=float(np.mean(mapped)))
    run.save("vector", one)
    return {
        "mapped": mapped,
        "failing": failing,
        "streamed": streamed,
        "order": order,
        "gathered": gathered,
        "shared": shared,
        "vector": one,
        "text": len(text),
    }


@stored("tests.count_config")
class CountConfig(MethodConfig):
    """Squares, some of which take their time."""

    rounds: int = Field(4, ge=1, description="rounds", json_schema_extra=EXTENDABLE)
    items: int = Field(5, ge=1, description="items in each round")
    seconds: float = Field(0.0, ge=0, description="how long an item takes")
    offset: float = Field(0.0, description="any number, infinite ones too")


def count(config: CountConfig, run: Run) -> list[float]:
    """Sum naps and draws round by round."""
    sums = []
    for number in range(config.rounds):
        naps = run.map(tasks.nap, [config.seconds] * config.items)
        sums.append(sum(o.unwrap() for o in naps) + run.rng("round", number).random())
        run.report(number + 1, of=config.rounds, total=sums[-1])
    return sums


class TrainConfig(MethodConfig):
    """One long task, asked for first."""

    folder: str = Field("", description="where the task notes its epochs")
    epochs: int = Field(5, ge=1, description="epochs")
    dies_in: int = Field(-1, description="epoch in which its process dies, once")
    warm_up: int = Field(0, ge=0, description="items evaluated before it")


def train(config: TrainConfig, run: Run) -> Any:
    """Call one training."""
    run.map(tasks.square, range(config.warm_up))
    return run.call(tasks.train, (config.folder, config.epochs, config.dies_in)).unwrap()


class CheckpointConfig(MethodConfig):
    """A search that keeps a handle of shared data in its state."""

    rounds: int = Field(6, ge=1, description="rounds")


def checkpointed(config: CheckpointConfig, run: Run) -> Any:
    """Carry sum and a shared handle from round to round."""
    step, state = run.restore((0, None))
    if state is None:
        state = {"sum": 0.0, "data": run.share({"x": np.arange(4.0)})}
    for number in range(step, config.rounds):
        outs = run.map(tasks.total, range(4), shared=state["data"])
        state = {"sum": state["sum"] + sum(o.unwrap() for o in outs), "data": state["data"]}
        run.checkpoint(number + 1, state)
    return state["sum"]


class GatherConfig(MethodConfig):
    """Sub-searches of different lengths, before anything else used a worker."""

    lengths: tuple[int, ...] = Field((1, 6, 3), description="rounds of each sub-search")


def side_by_side(config: GatherConfig, run: Run) -> Any:
    """Gather first, then go on; the first sub-search ends long before the others."""

    def part(length: int) -> Any:
        return lambda sub: [
            [o.unwrap() for o in sub.map(tasks.slow_square, range(10 * i, 10 * i + 8))]
            for i in range(length)
        ]

    gathered = run.gather(*(part(n) for n in config.lengths))
    return [gathered, [o.unwrap() for o in run.map(tasks.slow_square, range(8))]]


class NothingConfig(MethodConfig):
    """Nothing to set."""


def catches_everything(config: NothingConfig, run: Run) -> str:
    """A search that hides every Exception goes on for ever, unless it is stopped."""
    while True:
        try:
            run.map(tasks.nap, [0.02] * 4)
        except Exception:
            continue


def talkative(config: NothingConfig, run: Run) -> Any:
    print("said by the search")
    return run.call(tasks.prints, "said by the task").unwrap()


def ends_badly(config: NothingConfig, run: Run) -> Any:
    raise KeyError("a mistake in the method")


def gives_a_function(config: NothingConfig, run: Run) -> Any:
    return {"answer": [1, len]}


def forgetful(config: NothingConfig, run: Run) -> Any:
    for number in range(3):
        run.submit(tasks.square, number)
    return run.next().value


def too_many_failures(config: NothingConfig, run: Run) -> Any:
    return run.map(tasks.always_fails, range(8))


def wants_a_thousand_gpus(config: NothingConfig, run: Run) -> Any:
    return run.map(tasks.square, range(3), resources=Resources(gpus=1000))


class GpuConfig(MethodConfig):
    """Items that ask for a GPU."""

    or_cpu: bool = Field(False, description="whether the CPU will do")


def uses_a_gpu(config: GpuConfig, run: Run) -> Any:
    needs = Resources(gpus=1, or_cpu=config.or_cpu)
    return [o.unwrap() for o in run.map(tasks.computes_on, range(3), resources=needs)]


def panicking(config: NothingConfig, run: Run) -> Any:
    return [_kind_or_value(o) for o in run.map(tasks.panics, range(4))]


def poisoned(config: NothingConfig, run: Run) -> Any:
    return [_kind_or_value(o) for o in run.map(tasks.kills_its_worker, range(6))]


class OptionalConfig(MethodConfig):
    """A limit that a preset switches off."""

    limit: int | None = Field(5, description="at most this many; not set means no limit")


def limited(config: OptionalConfig, run: Run) -> Any:
    return [o.unwrap() for o in run.map(tasks.square, range(3))] + [config.limit]


class SectionConfig(MethodConfig):
    """A nested section that has a field called name."""

    name: str = Field("plain", description="any text")
    width: int = Field(3, ge=1, le=64, description="from 1 to 64")


class PartsConfig(MethodConfig):
    """Every kind of field: numbers with bounds, choices, sections, parts."""

    rate: float = Field(0.1, gt=0, lt=1, description="between 0 and 1")
    mode: Literal["fast", "exact"] = Field("fast", description="how")
    widths: tuple[int, ...] = Field((4, 2), description="some integers")
    section: SectionConfig = Field(SectionConfig(), description="a section")
    loss: Annotated[PartRef, PartKind("loss")] = Field(PartRef("cross_entropy"))
    data: Annotated[PartRef, PartKind("dataset")] = Field(PartRef("wine"))


def reads_table(config: PartsConfig, run: Run) -> Any:
    """Sum a table's targets on a worker."""
    data = run.part("dataset", config.data)
    return run.map(tasks.square, [int(np.sum(data.targets))])[0].unwrap()


def sums_table(config: PartsConfig, run: Run) -> dict[str, Any]:
    """The same, as a result by name."""
    data = run.part("dataset", config.data)
    outcome = run.map(tasks.same, [float(np.sum(data.targets))])[0]
    return {"value": outcome.unwrap()}


class OrderedConfig(MethodConfig):
    """Two numbers that have to be in order."""

    least: int = Field(1, ge=1, le=9, description="at most `most`")
    most: int = Field(3, ge=1, le=9, description="at least `least`")

    @model_validator(mode="after")
    def _in_order(self) -> OrderedConfig:
        if self.least > self.most:
            raise ConfigError("least", self.least, f"at most most = {self.most}")
        return self


def ordered(config: OrderedConfig, run: Run) -> dict[str, Any]:
    """Add the two on a worker."""
    return {"value": run.call(tasks.same, config.least + config.most).unwrap()}


def yield_and_cost(config: SectionConfig, run: Run) -> dict[str, Any]:
    """Two goals that pull apart."""
    width = run.call(tasks.same, config.width).unwrap()
    return {"yield": width**0.5, "cost": float((width - 9) ** 2)}


def weighs(config: SectionConfig, run: Run) -> dict[str, Any]:
    """Weigh, without any goal."""
    return {"weight": run.call(tasks.same, config.width).unwrap()}


def keeps(config: SectionConfig, run: Run) -> dict[str, Any]:
    """Keep the width as a product."""
    width = run.call(tasks.same, config.width).unwrap()
    run.save("width", {"width": width})
    return {"value": width}


def width_within(view: RunView, budget: str) -> Any:
    """Return the widest that fits, or the narrowest where none does."""
    if budget == "break":
        return 1 / 0
    if budget == "nothing":
        return None
    if not budget.isdecimal():
        raise ConfigError("budget", budget, "a width such as 12")
    widths = [view.product(product["name"])["width"] for product in view.products()]
    fitting = [width for width in widths if width <= int(budget)]
    width = max(fitting) if fitting else min(widths)
    return Within(f"width {width}\nof {len(widths)}", {"width": width}, bool(fitting))


def sometimes(config: SectionConfig, run: Run) -> dict[str, Any]:
    """Give the width, and no value when it is odd."""
    width = run.call(tasks.same, config.width).unwrap()
    return {"value": None if width % 2 else width}


def waits_for_file(config: NothingConfig, run: Run) -> Any:
    """Hold the run open until the file `go` appears in the working folder."""
    values = [o.unwrap() for o in run.map(tasks.square, range(3))]
    until = time.monotonic() + 60
    while not Path("go").exists() and time.monotonic() < until:
        time.sleep(0.05)
    return [*values, os.getpid() > 0]


def tells_of_failures(config: NothingConfig, run: Run) -> Any:
    """Return all that can be seen of an item that failed, and of the error it unwraps to."""
    (outcome,) = run.map(tasks.recurses, [1])
    try:
        outcome.unwrap()
    except TaskError as error:
        said = str(error)
    failure = outcome.failure
    return [failure.kind, failure.message, failure.traceback, said]


def _method(name: str, config: Any, search: Any, **more: Any) -> MethodSpec:
    return MethodSpec(
        name=name,
        summary=f"test: {name.replace('_', ' ')}",
        paper="none",
        config=config,
        search=search,
        **{"outputs": {"value": Metric("min")}, "presets": {"smoke": {}}, **more},
    )


METHODS = {
    spec.name: spec
    for spec in (
        _method("everything", EverythingConfig, everything),
        _method("count", CountConfig, count),
        _method("train", TrainConfig, train),
        _method("checkpointed", CheckpointConfig, checkpointed),
        _method("side_by_side", GatherConfig, side_by_side),
        _method("catches_everything", NothingConfig, catches_everything),
        _method("talkative", NothingConfig, talkative),
        _method("ends_badly", NothingConfig, ends_badly),
        _method("gives_a_function", NothingConfig, gives_a_function),
        _method("forgetful", NothingConfig, forgetful),
        _method("too_many_failures", NothingConfig, too_many_failures),
        _method("wants_a_thousand_gpus", NothingConfig, wants_a_thousand_gpus),
        _method("uses_a_gpu", GpuConfig, uses_a_gpu),
        _method("panicking", NothingConfig, panicking),
        _method("poisoned", NothingConfig, poisoned),
        _method("limited", OptionalConfig, limited, presets={"smoke": {}, "free": {"limit": None}}),
        _method("reads_table", PartsConfig, reads_table),
        _method("tuned_table", PartsConfig, sums_table),
        _method("ordered", OrderedConfig, ordered),
        _method("tells_of_failures", NothingConfig, tells_of_failures),
        _method("waits_for_file", NothingConfig, waits_for_file),
        _method(
            "yield_and_cost",
            SectionConfig,
            yield_and_cost,
            outputs={"yield": Metric("max"), "cost": Metric("min")},
        ),
        _method("weighs", SectionConfig, weighs, outputs={"weight": Metric(None, "kg")}),
        _method("sometimes", SectionConfig, sometimes),
        _method("keeps", SectionConfig, keeps),
        _method("fits", SectionConfig, keeps, within=width_within),
    )
}


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the test methods."""
    return list(METHODS.values())

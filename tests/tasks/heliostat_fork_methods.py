"""A search in stages, each under a field of its own: what of it a fork may share shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from heliostat import MethodConfig, MethodSpec, Metric, Run, TaskContext, hookimpl


class StagedConfig(MethodConfig):
    """A field for each stage."""

    first: float = Field(1.0, description="acts in calls 0 and 1")
    shape: Literal["call", "map"] = Field("call", description="what call 2 is")
    late: float = Field(2.0, description="acts from call 5 on")
    rounds: int = Field(3, ge=1, description="calls from 5 on")
    fails: str = Field("", description="while this file is there, item 1 of call 1 has no memory")


def scaled(item: tuple[float, int, str], ctx: TaskContext) -> float:
    """A draw of the item's own stream, as large as it says."""
    if item[2] and Path(item[2]).exists():
        raise MemoryError("none is left")
    return float(item[0] * ctx.rng().random())


def large(item: int, ctx: TaskContext) -> Any:
    """A value that the journal keeps in a file."""
    return np.full(4000, ctx.rng().random() + ctx.shared()["x"])


def staged(config: StagedConfig, run: Run) -> dict[str, Any]:
    """Call 0 map, 1 stream, 2 as told, 3 gather, 4 submit, then rounds with a checkpoint each."""
    shared = run.share({"x": config.first})
    total = sum(o.unwrap().sum() for o in run.map(large, range(3), shared=shared))
    total += sum(
        o.value or 0.0
        for o in run.stream(scaled, [(config.first, i, config.fails * (i == 1)) for i in range(4)])
    )
    if config.shape == "call":
        total += run.call(scaled, (1.0, 0, "")).unwrap()
    else:
        total += sum(o.unwrap() for o in run.map(scaled, [(1.0, i, "") for i in range(2)]))
    total += sum(run.gather(*(lambda sub: sub.call(scaled, (1.0, 7, "")).unwrap(),) * 2))
    run.submit(scaled, (1.0, 1, ""))
    total += run.next().value
    for number in range(config.rounds):
        total += sum(o.unwrap() for o in run.map(scaled, [(config.late, i, "") for i in range(3)]))
        run.report(number + 1, of=config.rounds, total=total)
        run.checkpoint(number + 1, total)
    return {"value": total}


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [
        MethodSpec(
            "staged", "test: in stages", "none", StagedConfig, staged, {"value": Metric("min")}
        )
    ]

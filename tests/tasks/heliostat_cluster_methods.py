"""Methods for tests on several nodes: many short tasks, and trainings that outlive their host."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from heliostat import MethodConfig, MethodSpec, Metric, Run, TaskContext, hookimpl

NOTES = Path("/tmp/heliostat-epochs.txt")
"""Where a training notes its epochs: a file of the host that it runs on."""
SLOWNESS = float(os.environ.get("TEST_SLOWNESS", "1"))
"""0 lets a run for comparison end at once; no result depends on it."""


def short(item: int, ctx: TaskContext) -> float:
    """Take a twentieth of a second and draw a number."""
    time.sleep(0.05 * SLOWNESS)
    return float(ctx.rng().random())


def training(item: int, ctx: TaskContext) -> list[Any]:
    """Train for as many epochs as the item says, noting each; a checkpoint after every one."""
    first, weight = ctx.restore((0, 1.0))
    for epoch in range(first, item):
        time.sleep(0.25 * SLOWNESS)
        weight = 0.9 * weight + float(ctx.rng("epoch", epoch).random())
        with NOTES.open("a") as file:
            file.write(f"{ctx.key[-1]} {epoch} {socket.gethostname()}\n")
        ctx.checkpoint((epoch + 1, weight))
    return [item, weight]


class PhasesConfig(MethodConfig):
    """Rounds of short tasks, then trainings side by side."""

    rounds: int = Field(3, ge=1, description="rounds of short tasks")
    items: int = Field(24, ge=1, description="short tasks in a round")
    trainings: int = Field(0, ge=0, description="trainings side by side at the end")
    epochs: int = Field(12, ge=1, description="epochs of a training, a quarter of a second each")


def phases(config: PhasesConfig, run: Run) -> Any:
    """Return sums of draws and the trained weights."""
    sums = []
    for number in range(config.rounds):
        sums.append(sum(o.unwrap() for o in run.map(short, range(config.items))))
        run.report(number + 1, of=config.rounds, total=sums[-1])
    trained = [o.unwrap() for o in run.map(training, [config.epochs] * config.trainings)]
    return {"sums": sums, "trained": trained}


METHOD = MethodSpec(
    name="phases",
    summary="test: short tasks, then trainings",
    paper="none",
    config=PhasesConfig,
    search=phases,
    outputs={"value": Metric("min")},
    presets={"smoke": {}},
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]

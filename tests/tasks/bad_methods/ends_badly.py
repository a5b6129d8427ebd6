"""Methods that end their process in the middle, or that write where they may only read."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import numpy as np

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl


def leaves(item: int, ctx: TaskContext) -> float:
    os._exit(0)


def dies_at_five(item: int, ctx: TaskContext) -> float:
    if item == 5:
        os._exit(17)
    return float(ctx.rng().random())


def crashes(item: int, ctx: TaskContext) -> float:
    os.kill(os.getpid(), signal.SIGSEGV)
    return 0.0


def overwrites(item: int, ctx: TaskContext) -> float:
    ctx.shared()[0] = item
    return 0.0


TASKS = (leaves, dies_at_five, crashes, overwrites)


def searching(task: Callable[[int, TaskContext], float]) -> Callable[[MethodConfig, Run], Any]:
    def search(config: MethodConfig, run: Run) -> list[float]:
        shared = run.share(np.zeros(3))
        return [run.call(task, item, shared=shared).unwrap() for item in range(8)]

    return search


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name=task.__name__,
            summary="ends badly",
            paper="none",
            config=MethodConfig,
            search=searching(task),
            presets={"smoke": {}},
        )
        for task in TASKS
    ]

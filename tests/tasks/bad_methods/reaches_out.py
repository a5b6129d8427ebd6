"""The search draws from global generators, writes around the runs folder and starts processes."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl


def draw(item: float, ctx: TaskContext) -> float:
    return item + float(ctx.rng().random())


def search(config: MethodConfig, run: Run) -> list[float]:
    random.seed(1)
    np.random.seed(1)
    outside = Path.cwd()
    runs = Path(os.environ["HELIOSTAT_RUNS"])
    beside = Path(f"{runs}-evil")
    beside.mkdir(exist_ok=True)
    (beside / "written").write_text("")
    for name in ("renamed", "linked"):
        (runs / name).write_text("")
    os.replace(runs / "renamed", outside / "renamed")
    for name in ("symbolic", "hard"):
        (outside / name).unlink(missing_ok=True)
    os.symlink(runs / "linked", outside / "symbolic")
    os.link(runs / "linked", outside / "hard")
    sqlite3.connect(outside / "rows.db").close()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    items = [np.random.random() for _ in range(4)]
    return [outcome.unwrap() for outcome in run.map(draw, items)]


@hookimpl
def heliostat_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="reaches_out",
            summary="breaks three rules",
            paper="none",
            config=MethodConfig,
            search=search,
            presets={"smoke": {}},
        )
    ]

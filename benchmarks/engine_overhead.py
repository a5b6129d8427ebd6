"""What the engine adds to a task: journal, keys, replay, transport, against other ways to run it.

    python benchmarks/engine_overhead.py [--json]

Every comparison runs both sides in this process, one after the other, on the same items; where a
side is repeated, its best time counts. The machine should be idle: two workers and the driver
share two cores.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heliostat.worker.numerics import prepare_environment

prepare_environment()

import engine_tasks  # noqa: E402

from heliostat import MethodConfig, MethodSpec, Run  # noqa: E402
from heliostat.driver.start import start  # noqa: E402
from heliostat.executors.choice import Execution  # noqa: E402
from heliostat.executors.ray.executor import RayExecutor, WorkerSetup  # noqa: E402
from heliostat.plugins.registry import Registry  # noqa: E402

ITEMS = 20_000
MICROSECONDS = 10.0
TRIALS = 300
ROUNDS = 5


class Nothing(MethodConfig):
    """Nothing to configure."""


def timed_run(search: Callable[[Nothing, Run], Any], workers: int) -> float:
    """Return the seconds that a search says it took, run with a real journal on disk."""
    method = MethodSpec("overhead", "benchmark", "none", Nothing, search)
    with tempfile.TemporaryDirectory() as folder:
        execution = Execution(workers=workers, runs=Path(folder))
        return float(start(method, execution=execution, plugins=Registry())["result"])


def map_burning(config: Nothing, run: Run) -> float:
    """Map over all items, workers warm, and return the seconds."""
    for _ in range(8):  # warm workers and chunk size, as a search's second generation finds them
        run.map(engine_tasks.burn, [MICROSECONDS] * 2000)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        run.map(engine_tasks.burn, [MICROSECONDS] * ITEMS)
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def submit_squares(config: Nothing, run: Run) -> float:
    """Ask and take one trial after the other, as an asynchronous search does."""
    began = time.perf_counter()
    for i in range(TRIALS):
        run.submit(engine_tasks.square, float(i))
        run.next()
    return time.perf_counter() - began


def call_squares(config: Nothing, run: Run) -> float:
    """Call one journaled task after the other, the executor started."""
    run.call(engine_tasks.square, 0.0)
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for i in range(TRIALS):
            run.call(engine_tasks.square, float(i))
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def one_ray_task_per_item(workers: int) -> float:
    """Return the seconds of plain Ray with a task for each item, workers warm."""
    executor = RayExecutor(WorkerSetup("peer", 0, "none", "~/.cache", 1.0), str, workers=workers)
    executor.start()
    import ray

    @ray.remote
    def burn(microseconds: float) -> float:
        return engine_tasks.burn(microseconds, None)  # type: ignore[arg-type]

    ray.get([burn.remote(MICROSECONDS) for _ in range(200)])
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        ray.get([burn.remote(MICROSECONDS) for _ in range(ITEMS)])
        seconds.append(time.perf_counter() - began)
    executor.close(1.0)
    return min(seconds)


def optuna_trials() -> float:
    """Return the seconds of Optuna trials stored in SQLite, with its random sampler."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        study = optuna.create_study(
            storage=f"sqlite:///{folder}/optuna.db", sampler=optuna.samplers.RandomSampler(seed=0)
        )
        began = time.perf_counter()
        study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0) ** 2, n_trials=TRIALS)
        return time.perf_counter() - began


def dbos_steps() -> float | None:
    """Return the seconds of steps of a DBOS workflow with SQLite; None if it is not installed."""
    try:
        from dbos import DBOS
    except ImportError:
        return None
    logging.getLogger("dbos").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        DBOS(
            config={
                "name": "benchmark",
                "system_database_url": f"sqlite:///{folder}/dbos.sqlite",
                "log_level": "ERROR",
                "run_admin_server": False,
            }
        )

        @DBOS.step()
        def step(x: float) -> float:
            return x * x

        @DBOS.workflow()
        def workflow() -> float:
            step(0.0)
            began = time.perf_counter()
            for i in range(TRIALS):
                step(float(i))
            return time.perf_counter() - began

        DBOS.launch()
        seconds = min(float(workflow()) for _ in range(ROUNDS))
        DBOS.destroy()
        return seconds


def main() -> None:
    """Run all comparisons and print both sides and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    results: dict[str, dict[str, Any]] = {}

    def add(name: str, ours: float, peer: float, unit: str, note: str) -> None:
        ratio = peer / ours
        results[name] = {"ours": ours, "peer": peer, "ratio": ratio, "unit": unit}
        print(f"{name:<34} ours {ours:10.4g}  peer {peer:10.4g} {unit:<12} {ratio:7.1f}x  {note}")

    bare = MICROSECONDS
    serial = timed_run(map_burning, workers=0) / ITEMS * 1e6
    print(f"{ITEMS} items of {MICROSECONDS:g} us, {os.cpu_count()} cores")
    overhead = serial - bare
    results["serial_overhead"] = {
        "ours": overhead, "peer": 50.0, "ratio": 50.0 / overhead, "unit": "us/item"
    }  # fmt: skip
    print(f"{'serial_overhead':<34} ours {overhead:10.4g} us an item, journal included (limit 50)")
    add(
        "ray_batched_against_task_per_item",
        timed_run(map_burning, workers=2),
        one_ray_task_per_item(2),
        "s",
        "journaled chunks against one Ray task an item",
    )
    add(
        "trial_against_optuna_sqlite",
        timed_run(submit_squares, workers=0) / TRIALS * 1e3,
        optuna_trials() / TRIALS * 1e3,
        "ms/trial",
        "submit and next against ask and tell with SQLite storage",
    )
    steps = dbos_steps()
    if steps is None:
        print("DBOS is not installed: pip install 'heliostat[benchmarks]' for that comparison")
    else:
        add(
            "call_against_dbos_step",
            timed_run(call_squares, workers=0) / TRIALS * 1e3,
            steps / TRIALS * 1e3,
            "ms/step",
            "journaled call against a step of DBOS with SQLite",
        )
    if as_json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

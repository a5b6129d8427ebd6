"""How many trials to have under way: what a look-ahead W costs in quality and gains in work done.

    python benchmarks/lookahead.py [--parallel 8] [--trials 100] [--seeds 20] [--json]

A search by TPE, constant liar on, and by random draws, runs through the real engine on P workers in
simulated time. Durations are lognormal (sigma 1). They are declared to the engine with an error of
10 percent, or not at all; the engine delivers in virtual finish order on W slots either way, so
quality and utilisation depend on W and never on the machine. Utilisation is busy time over P times
the time of the whole search, here of one with five times the trials, so that its end counts little.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import statistics
import tempfile
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from lookahead_functions import FUNCTIONS

from heliostat.contract.task import Resources
from heliostat.engine.engine import Engine
from heliostat.engine.listener import Silent
from heliostat.engine.search_run import main_run
from heliostat.errors import Key
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.journal import Journal
from heliostat.store.log import RunLog
from heliostat.values.streams import stream
from heliostat.worker.evaluate import WorkerSide
from heliostat.worker.work import Reply, TaskState, Work
from heliostat_search.strategies.bayesian import minimize


class SimulatedWorkers:
    """Workers whose time passes only while the driver waits; an item's duration is given by key."""

    def __init__(self, worker: WorkerSide, count: int, duration: Callable[[Key], float]) -> None:
        self.slots = count
        self.now = 0.0
        self.busy_time = 0.0
        self._worker, self._duration = worker, duration
        self._queue: deque[Work] = deque()
        self._running: list[tuple[float, Key, Work]] = []

    def start(self) -> None:
        """Nothing to acquire."""

    def check(self, resources: Resources) -> None:
        """Everything fits."""

    def room(self) -> int:
        """Return the free workers."""
        return self.slots - len(self._queue) - len(self._running)

    def submit(self, work: Work) -> None:
        """Take an item; it starts at once when a worker is free."""
        self._queue.append(work)
        self._begin()

    def _begin(self) -> None:
        while self._queue and len(self._running) < self.slots:
            work = self._queue.popleft()
            seconds = self._duration(work.key)
            self.busy_time += seconds
            heapq.heappush(self._running, (self.now + seconds, work.key, work))

    def wait(self, timeout: float, on_state: Callable[[TaskState], None]) -> list[Reply]:
        """Let time pass until the next item ends."""
        self.now, _, work = heapq.heappop(self._running)
        self._begin()
        return [self._worker.evaluate(work, "simulated", lambda state: None)]

    def drop(self, keys: Iterable[Key]) -> None:
        """Nothing is left behind here."""

    def halt(self) -> None:
        """Nothing to stop."""

    def busy(self) -> bool:
        """Return whether items are under way."""
        return bool(self._running)

    def describe(self) -> dict[str, Any]:
        """Say what this is."""
        return {"executor": "simulated", "slots": self.slots}

    def close(self, grace: float) -> None:
        """Nothing to release."""


def measured(
    function: str, sampler: str, seed: int, window: int, declared: bool, parallel: int, trials: int
) -> tuple[float, float]:
    """Return the best value and the utilisation of one search."""
    task, space = FUNCTIONS[function]
    noise = stream(seed, "durations", 0)
    seconds = np.exp(noise.standard_normal(trials))
    costs = iter(seconds * np.exp(0.1 * noise.standard_normal(trials)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        artifacts = ArtifactStore(folder / "artifacts")
        workers = SimulatedWorkers(
            WorkerSide(seed, folder, 0.0, lambda sha256: artifacts.get(sha256).decode()),
            parallel,
            lambda key: float(seconds[key[0]]),
        )
        journal = Journal(folder / "run.db", artifacts)
        engine = Engine(
            root=seed,
            journal=journal,
            artifacts=artifacts,
            executor=workers,
            log=RunLog(folder / "log.jsonl"),
            listener=Silent(),
            build_part=lambda kind, ref: None,
            lookahead=window,
        )
        found = minimize(
            main_run(engine),
            task,
            space,
            trials,
            sampler=sampler,
            cost=lambda params: float(next(costs)) if declared else 1.0,
        )
        journal.close()
    best = found.best
    assert best is not None and best.values is not None
    return best.values[0], workers.busy_time / (parallel * workers.now)


def table(parallel: int, trials: int, seeds: int) -> list[dict[str, Any]]:
    """Return a row for each look-ahead: utilisation, and best values as mean and standard error."""
    rows = []
    for window in (1, parallel, parallel + 1, 2 * parallel, 8 * parallel):
        row: dict[str, Any] = {"W": window}
        for name, declared in (("busy, costs declared", True), ("busy, not declared", False)):
            row[name] = statistics.mean(
                measured("hartmann6", "random", seed, window, declared, parallel, 5 * trials)[1]
                for seed in range(seeds)
            )
        for function in FUNCTIONS:
            for sampler in ("tpe", "random"):
                best = [
                    measured(function, sampler, seed, window, True, parallel, trials)[0]
                    for seed in range(seeds)
                ]
                error = statistics.stdev(best) / math.sqrt(seeds)
                row[f"{function} {sampler}"] = [statistics.mean(best), error]
        rows.append(row)
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parallel", type=int, default=8, help="workers, P")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=20, help="at least 2")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    settings = {"parallel": given.parallel, "trials": given.trials, "seeds": given.seeds}
    rows = table(**settings)
    if given.json:
        print(json.dumps({**settings, "rows": rows}))
        return
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows:
        cells = [
            f"{v[0]:.2f} ± {v[1]:.2f}" if isinstance(v, list) else f"{v:.3g}" for v in row.values()
        ]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()

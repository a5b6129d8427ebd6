"""How busy 8, 64 and 1024 workers are under each way to ask, in virtual time.

    python benchmarks/simulated_cluster.py [--items-per-worker N] [--json]

Durations are lognormal (sigma 1, mean 1 s). Everything runs through the real engine and a
simulated executor, so the figures are those of the engine's own windows and are the same on every
machine. Counted is the time until the last item was asked for: the end of a run, when nothing is
left to hand out, is as long as its longest item for every side.

Sides: a generational barrier (`map`, one item or four a worker), the ordered window (`stream`), and
asynchronous search (`submit` and `next`) on as many virtual slots as workers or half as many again,
with declared costs that are unknown, 10 % wrong, or exact.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import engine_tasks

from heliostat import Run
from heliostat.engine.engine import Engine
from heliostat.engine.listener import Silent
from heliostat.engine.search_run import main_run
from heliostat.executors.simulated import SimulatedExecutor
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.journal import Journal
from heliostat.store.log import RunLog
from heliostat.values import streams
from heliostat.worker.evaluate import WorkerSide
from heliostat.worker.work import Work

WORKERS = (8, 64, 1024)
SIGMA = 1.0
COST_ERROR = 0.1
Search = Callable[[Run, Callable[[], None]], None]
"""A search, and what it calls when it has asked for its last item."""


def seconds_of(number: int) -> float:
    """Return how long item `number` takes: lognormal with mean 1 s."""
    draw = streams.stream(0, "duration", number).standard_normal()
    return math.exp(SIGMA * float(draw) - SIGMA**2 / 2)


def declared(number: int, error: float) -> float:
    """Return a cost that is wrong by a lognormal factor of that size."""
    return seconds_of(number) * math.exp(
        error * float(streams.stream(0, "error", number).standard_normal())
    )


def generations(workers: int, size: int, items: int) -> Search:
    """Return a search of generations: the next one begins when all of the last are there."""

    def search(run: Run, asked_all: Callable[[], None]) -> None:
        for first in range(0, items, size):
            run.map(engine_tasks.square, [float(n) for n in range(first, min(first + size, items))])
        asked_all()  # a barrier is waited for in every generation, so in the last one too

    return search


def ordered(items: int) -> Search:
    """Return a search that reads one stream in order."""

    def search(run: Run, asked_all: Callable[[], None]) -> None:
        def asked() -> Iterator[float]:
            yield from (float(n) for n in range(items))
            asked_all()

        for _ in run.stream(engine_tasks.square, asked()):
            pass

    return search


def asynchronous(items: int, cost: Callable[[int], float]) -> Search:
    """Return a search that keeps all virtual slots occupied."""

    def search(run: Run, asked_all: Callable[[], None]) -> None:
        for number in range(items):
            run.submit(engine_tasks.square, float(number), cost=cost(number))
            if run.outstanding == run.lookahead:
                run.next()
        asked_all()
        while run.outstanding:
            run.next()

    return search


def utilisation(search: Search, workers: int, lookahead: int) -> float:
    """Return the part of the workers' time that they worked."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        artifacts = ArtifactStore(folder / "artifacts")
        journal = Journal(folder / "run.db", artifacts)
        side = WorkerSide(0, folder, 1.0, fetch=lambda sha256: artifacts.get(sha256).decode())

        def duration(work: Work) -> float:
            return seconds_of(int(float(json.loads(work.item))))

        executor = SimulatedExecutor(side, duration, workers)
        engine = Engine(
            root=0,
            journal=journal,
            artifacts=artifacts,
            executor=executor,
            log=RunLog(folder / "log.jsonl"),
            listener=Silent(),
            build_part=lambda kind, ref: None,
            lookahead=lookahead,
        )
        until_then: list[float] = []
        search(main_run(engine), lambda: until_then.append(executor.utilisation()))
        journal.close()
        return until_then[0]


def sides(workers: int, items: int) -> dict[str, tuple[Search, int]]:
    """Return each way to ask, and how many virtual slots it gets."""
    more = workers * 3 // 2
    return {
        "map, generation P": (generations(workers, workers, items), 3),
        "map, generation 4P": (generations(workers, 4 * workers, items), 3),
        "stream": (ordered(items), 3),
        "submit, P slots, cost unknown": (asynchronous(items, lambda n: 1.0), workers),
        "submit, P slots, cost 10 % off": (
            asynchronous(items, lambda n: declared(n, COST_ERROR)),
            workers,
        ),
        "submit, 1.5P slots, cost unknown": (asynchronous(items, lambda n: 1.0), more),
        "submit, 1.5P slots, cost 10 % off": (
            asynchronous(items, lambda n: declared(n, COST_ERROR)),
            more,
        ),
        "submit, P slots, cost exact": (asynchronous(items, seconds_of), workers),
    }


def main() -> None:
    """Print a table of utilisations, each with its ratio to the barrier of one item a worker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items-per-worker", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    table: dict[str, dict[int, float]] = {}
    for workers in WORKERS:
        items = workers * options.items_per_worker
        for name, (search, lookahead) in sides(workers, items).items():
            table.setdefault(name, {})[workers] = utilisation(search, workers, lookahead)
    print(f"{'utilisation, ' + str(options.items_per_worker) + ' items a worker':<36}", end="")
    print("".join(f"P = {workers:<14}" for workers in WORKERS))
    barrier = table["map, generation P"]
    for name, row in table.items():
        shown = (f"{row[p]:.2f} ({row[p] / barrier[p]:.1f}x)" for p in WORKERS)
        print(f"{name:<36}" + "".join(f"{text:<18}" for text in shown))
    if options.json:
        print(json.dumps(table))


if __name__ == "__main__":
    main()

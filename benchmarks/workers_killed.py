"""What a worker killed every second costs a run, and that it changes nothing.

    python benchmarks/workers_killed.py [--seconds N] [--every S] [--item S] [--json]

One Ray node of two cores. A search of items that take 200 ms runs once undisturbed and once while a
process that works on an item is killed every second, for about a minute. Where the run pauses,
because the machine is to blame, the kills end and it is resumed. The digests have to be equal, and
no item may be given up.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from heliostat.worker.numerics import prepare_environment

prepare_environment()

import engine_tasks  # noqa: E402
import psutil  # noqa: E402

from heliostat import MethodConfig, MethodSpec, Run, hookimpl  # noqa: E402
from heliostat.driver.resume import resume  # noqa: E402
from heliostat.driver.start import start  # noqa: E402
from heliostat.errors import Paused  # noqa: E402
from heliostat.executors.choice import Execution  # noqa: E402
from heliostat.plugins.registry import Registry  # noqa: E402
from heliostat.store.folder import find  # noqa: E402

WORKERS = 2


class MapConfig(MethodConfig):
    """How many items, and for how long each."""

    items: int = 200
    microseconds: float = 200_000.0


def mapped(config: MapConfig, run: Run) -> int:
    """Map once over all items."""
    return sum(o.ok for o in run.map(engine_tasks.burn, [config.microseconds] * config.items))


class Killed:
    """The method of this benchmark, as a plugin, so that its run can be resumed."""

    method = MethodSpec("killed", "benchmark", "none", MapConfig, mapped)

    @hookimpl
    def heliostat_methods(self) -> list[MethodSpec]:
        """Return it."""
        return [self.method]


class Killer:
    """Kills a process that works on an item, again and again, until it is told to stop."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._stop = threading.Event()
        self._killed: set[int] = set()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """End it and return how many were killed."""
        self._stop.set()
        self._thread.join()
        return len(self._killed)

    def _loop(self) -> None:
        while not self._stop.wait(self._every):
            self._kill()

    def _kill(self) -> None:
        for process in psutil.Process().children(recursive=True):
            try:
                works = " ".join(process.cmdline()).startswith("ray::_run_chunk")
                if works and process.pid not in self._killed:
                    process.kill()
                    self._killed.add(process.pid)
                    return
            except psutil.Error:
                continue


def run_once(address: str, values: dict[str, Any], every: float | None) -> dict[str, Any]:
    """Run the search, under kills or not, to its end; returns its account with what it took."""
    plugins = Registry()
    plugins.register(Killed(), "killed")
    with tempfile.TemporaryDirectory() as folder:
        where = Execution(workers=WORKERS, address=address, runs=Path(folder))
        began, pauses = time.monotonic(), 0
        killer = None if every is None else Killer(every)
        kills = 0
        try:
            account = start(Killed.method, values=values, execution=where, plugins=plugins)
        except Paused:
            pauses += 1
            kills = 0 if killer is None else killer.stop()
            account = resume(find("last", Path(folder)), execution=where, plugins=plugins)
        took = time.monotonic() - began
        if killer is not None:
            kills = max(kills, killer.stop())
    assert account["machine_failures"] == {}, account["machine_failures"]
    return {**account, "took": took, "kills": kills, "pauses": pauses}


def main() -> None:
    """Print both sides."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="work, with both cores busy")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two kills")
    parser.add_argument("--item", type=float, default=0.2, help="seconds of an item")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": WORKERS, "include_dashboard": False}
    )
    items = max(WORKERS, int(options.seconds * WORKERS / options.item))
    values = {"items": items, "microseconds": options.item * 1e6}
    run_once(cluster.address, {"items": 8, "microseconds": 1e4}, None)  # warm workers
    calm = run_once(cluster.address, values, None)
    hurt = run_once(cluster.address, values, options.every)
    assert calm["digest"] == hurt["digest"], "the kills changed the result"
    cluster.shutdown()
    paused = "paused once and resumed" if hurt["pauses"] else "without a pause"
    print(
        f"{items} items of {options.item:g} s: {calm['took']:.1f} s undisturbed, "
        f"{hurt['took']:.1f} s with {hurt['kills']} workers killed, one every {options.every:g} s "
        f"({hurt['took'] / calm['took']:.2f}x, {hurt['attempts'] - hurt['outcomes']} attempts "
        f"lost alone, {paused}); equal digests, no item given up"
    )
    if options.json:
        figures = {
            "ours": hurt["took"],
            "peer": calm["took"],
            "ratio": hurt["took"] / calm["took"],
            "unit": "s: a worker killed every second, undisturbed",
        }
        print(json.dumps({"workers_killed": figures}))


if __name__ == "__main__":
    main()

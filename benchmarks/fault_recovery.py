"""What losing a worker, or a node, costs: time until work goes on, and the whole run's slowdown.

    python benchmarks/fault_recovery.py [--items N] [--trials N] [--json]

One process, one Ray cluster of two nodes with a core each; every comparison runs an undisturbed
search and a disturbed one, one after the other, and checks that their digests are equal. Items take
100 ms, so each travels alone and one that was lost is known by its second attempt.

- next commit: from the kill to the first outcome committed after it (others may still work);
- lost items back: from the kill to the commit of the last item that was lost with it;
- longest silence: the longest time without a commit from the kill on.

A kill that meets no item is made again. Each is held to 15 s. A lost node takes half of the cores
along, so that with a kill after a quarter of the items a run takes 1.75 times as long even if
nothing else is lost.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from heliostat.worker.numerics import prepare_environment

prepare_environment()

import engine_tasks  # noqa: E402
import psutil  # noqa: E402

from heliostat import MethodConfig, MethodSpec, Run  # noqa: E402
from heliostat.driver.start import start  # noqa: E402
from heliostat.engine.listener import Silent  # noqa: E402
from heliostat.executors.choice import Execution  # noqa: E402
from heliostat.plugins.registry import Registry  # noqa: E402
from heliostat.store.database.rows import Row  # noqa: E402

MICROSECONDS = 100_000.0
KILL_AFTER = 0.25
"""Part of the items that is committed when the kill comes."""
LIMIT_SECONDS = 15.0
MOST_TRIALS = 8
"""Kills at most until enough of them met an item."""
HEALTH_CHECK_MILLISECONDS = 1000
"""As in cluster.yaml; Ray's own default is 3000."""


class MapConfig(MethodConfig):
    """How many items."""

    items: int = 200


def mapped(config: MapConfig, run: Run) -> int:
    """Map once over all items."""
    return sum(o.ok for o in run.map(engine_tasks.burn, [MICROSECONDS] * config.items))


class Saboteur(Silent):
    """Kills once when enough is committed, and notes when what was committed."""

    def __init__(self, after: int, kill: Callable[[], None] | None) -> None:
        self._after, self._kill = after, kill
        self._commits: list[tuple[float, int]] = []
        self._count = 0
        self.killed = 0.0
        self.began = 0.0

    def on_commit(self, rows: Sequence[Row]) -> None:
        """Note a commit; start the kill in a thread of its own."""
        now = time.monotonic()
        self.began = self.began or now
        self._count += len(rows)
        self._commits += [(now, row.attempts) for row in rows]
        if self._kill is not None and self._count >= self._after:
            kill, self._kill = self._kill, None
            threading.Thread(target=self._strike, args=(kill,)).start()

    def _strike(self, kill: Callable[[], None]) -> None:
        self.killed = time.monotonic()
        kill()

    def figures(self) -> dict[str, float]:
        """Return the seconds of the run, and those from the kill to progress."""
        seconds = self._commits[-1][0] - self.began
        if not self.killed:
            return {"seconds": seconds}
        later = [(at - self.killed, attempts) for at, attempts in self._commits if at > self.killed]
        lost = [after for after, attempts in later if attempts > 1]
        return {
            "seconds": seconds,
            "next_commit": later[0][0],
            "lost_item_back": max(lost, default=0.0),
            "lost_items": float(len(lost)),
            "longest_silence": max(b - a for a, b in pairwise([0.0, *(at for at, _ in later)])),
        }


def run_once(address: str, items: int, kill: Callable[[], None] | None) -> dict[str, Any]:
    """Run the search on the cluster, and return its figures and digest."""
    method = MethodSpec("recovery", "benchmark", "none", MapConfig, mapped)
    saboteur = Saboteur(int(KILL_AFTER * items), kill)
    with tempfile.TemporaryDirectory() as folder:
        account = start(
            method,
            values={"items": items},
            execution=Execution(address=address, runs=Path(folder)),
            listener=saboteur,
            plugins=Registry(),
        )
    assert account["failures"] == 0, account
    return {**saboteur.figures(), "digest": account["digest"]}


def kill_worker() -> None:
    """Kill a process that runs tasks."""
    for process in psutil.Process().children(recursive=True):
        name = " ".join(process.cmdline()) if process.is_running() else ""
        if name.startswith("ray::_run_chunk"):
            process.kill()
            return


def main() -> None:
    """Print both sides of both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--trials", type=int, default=3, help="kills that meet an item")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 1,
            "include_dashboard": False,
            "_system_config": {"health_check_period_ms": HEALTH_CHECK_MILLISECONDS},
        },
    )
    cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()

    def kill_node() -> None:
        cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)

    results: dict[str, dict[str, Any]] = {}
    run_once(cluster.address, 40, None)  # warm workers
    for name, kill in (("worker", kill_worker), ("node", kill_node)):
        calm = run_once(cluster.address, options.items, None)
        hurts = []
        for _ in range(MOST_TRIALS):
            if not cluster.worker_nodes:
                cluster.add_node(num_cpus=1)
                cluster.wait_for_nodes()
            hurt = run_once(cluster.address, options.items, kill)
            assert calm["digest"] == hurt["digest"], name
            if hurt["lost_items"]:  # a kill between two items costs nothing and shows nothing
                hurts.append(hurt)
            if len(hurts) == options.trials:
                break
        assert hurts, f"no kill of a {name} met an item"
        back = [max(h["next_commit"], h["lost_item_back"], h["longest_silence"]) for h in hurts]
        slowdown = [h["seconds"] / calm["seconds"] for h in hurts]
        print(
            f"one lost {name:<7} {len(hurts)} trials that lost items: next commit "
            f"{shown(h['next_commit'] for h in hurts)} s   lost items back "
            f"{shown(h['lost_item_back'] for h in hurts)} s   longest silence "
            f"{shown(h['longest_silence'] for h in hurts)} s "
            f"(limit {LIMIT_SECONDS:.0f}) {'ok' if max(back) < LIMIT_SECONDS else 'TOO LONG'}   "
            f"run {calm['seconds']:.1f} s undisturbed, {shown(slowdown)}x disturbed   equal digests"
        )
        worst = max(hurt["seconds"] for hurt in hurts)
        results[f"run_with_lost_{name}"] = {
            "ours": worst,
            "peer": calm["seconds"],
            "ratio": worst / calm["seconds"],
            "unit": "s: worst disturbed run, undisturbed run",
        }
        results[f"progress_after_lost_{name}"] = {
            "ours": max(back),
            "peer": LIMIT_SECONDS,
            "ratio": max(back) / LIMIT_SECONDS,
            "unit": "s: longest wait from kill to progress, limit",
        }
    cluster.shutdown()
    if options.json:
        print(json.dumps(results))


def shown(values: Iterable[float]) -> str:
    """Return the least and the largest of some figures."""
    found = sorted(values)
    return f"{found[0]:.2f} to {found[-1]:.2f}"


if __name__ == "__main__":
    main()

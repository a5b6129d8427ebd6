"""What losing a worker, or a node, costs: time until work goes on, and the whole run's slowdown.

    python benchmarks/fault_recovery.py [--items N] [--json]

One process, one Ray cluster of two nodes with a core each; every comparison runs an undisturbed
search and a disturbed one, one after the other, and checks that their digests are equal. Items take
100 ms, so each travels alone and one that was lost is known by its second attempt.

- next commit: from the kill to the first outcome committed after it (others may still work);
- lost items back: from the kill to the commit of the last item that was lost with it;
- longest silence: the longest time without a commit from the kill on.

Each is held to 15 s. A lost node takes half of the cores along, so that with a kill after a quarter
of the items a run takes 1.75 times as long even if nothing else is lost.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from heliostat.numerics import prepare_environment

prepare_environment()

import engine_tasks  # noqa: E402
import psutil  # noqa: E402

from heliostat import MethodConfig, MethodSpec, Run  # noqa: E402
from heliostat.plugins import Registry  # noqa: E402
from heliostat.runner import Execution, Silent, start  # noqa: E402
from heliostat.store.journal import Row  # noqa: E402

MICROSECONDS = 100_000.0
KILL_AFTER = 0.25
"""Part of the items that is committed when the kill comes."""
LIMIT_SECONDS = 15.0
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
    parser.add_argument("--items", type=int, default=300)
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
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()

    def kill_node() -> None:
        cluster.remove_node(node, allow_graceful=False)

    results: dict[str, Any] = {}
    run_once(cluster.address, 40, None)  # warm workers
    for name, kill in (("worker", kill_worker), ("node", kill_node)):
        calm = run_once(cluster.address, options.items, None)
        hurt = run_once(cluster.address, options.items, kill)
        assert calm["digest"] == hurt["digest"], name
        results[name] = {"undisturbed": calm, "disturbed": hurt}
        back = max(hurt["next_commit"], hurt["lost_item_back"], hurt["longest_silence"])
        print(
            f"one lost {name:<7} next commit {hurt['next_commit']:5.2f} s   "
            f"{hurt['lost_items']:.0f} lost items back {hurt['lost_item_back']:5.2f} s   "
            f"longest silence {hurt['longest_silence']:5.2f} s "
            f"(limit {LIMIT_SECONDS:.0f}) {'ok' if back < LIMIT_SECONDS else 'TOO LONG'}   "
            f"run {calm['seconds']:.1f} s undisturbed, {hurt['seconds']:.1f} s disturbed: "
            f"{hurt['seconds'] / calm['seconds']:.2f}x   equal digests"
        )
    cluster.shutdown()
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

"""The driver's memory for a streaming fold over 1e4 and 1e6 items that are generated lazily.

    python benchmarks/memory.py [--items N] [--workers serial 2] [--json]

Each figure is the largest resident memory of a driver process of its own, once when the search
ended and once when the run was accounted for (digest, record), so that what one grows by does not
hide in what another freed. The claim: within 50 MB from one side to the other.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import engine_tasks

from heliostat import MethodConfig, MethodSpec, Run
from heliostat.driver.start import start
from heliostat.executors.choice import Execution
from heliostat.plugins.registry import Registry

FEW = 10_000
MANY = 1_000_000
ALLOWED_MB = 50.0


class FoldConfig(MethodConfig):
    """How many items, and how they are asked for."""

    items: int = FEW
    verb: str = "stream"


def peak_mb() -> float:
    """Return the largest resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fold(config: FoldConfig, run: Run) -> list[float]:
    """Sum values as they come; returns the sum and the peak."""
    total = 0.0
    if config.verb == "stream":
        for outcome in run.stream(engine_tasks.square, (float(i % 7) for i in range(config.items))):
            total += outcome.unwrap()
        return [total, peak_mb()]
    for i in range(config.items):
        run.submit(engine_tasks.square, float(i % 7))
        if run.outstanding == run.lookahead:
            total += run.next().unwrap()
    while run.outstanding:
        total += run.next().unwrap()
    return [total, peak_mb()]


def child(verb: str, items: int, workers: int) -> None:
    """Run one fold in this process and print what it took."""
    method = MethodSpec("fold", "benchmark", "none", FoldConfig, fold)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        account = start(
            method,
            values={"items": items, "verb": verb},
            execution=Execution(workers=workers, runs=Path(folder)),
            plugins=Registry(),
        )
        seconds = time.perf_counter() - began
        size = sum(path.stat().st_size for path in Path(folder).rglob("run.db*"))
    total, after_search = account["result"]
    expected = sum(float(i % 7) ** 2 for i in range(items))
    assert total == expected, (total, expected)
    print(
        json.dumps(
            {
                "search_mb": after_search,
                "account_mb": peak_mb(),
                "journal_mb": size / 1e6,
                "us_per_item": seconds / items * 1e6,
            }
        )
    )


def measure(verb: str, items: int, workers: str) -> dict[str, float]:
    """Return what a driver of its own took."""
    count = "0" if workers == "serial" else workers
    done = subprocess.run(
        [sys.executable, __file__, "--child", verb, str(items), count],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print both sides and their difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=MANY)
    parser.add_argument("--workers", nargs="+", default=["serial", "2"])
    parser.add_argument("--verb", nargs="+", default=["stream"], choices=["stream", "submit"])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        verb, items, workers = options.child
        child(verb, int(items), int(workers))
        return
    results: dict[str, Any] = {}
    for verb in options.verb:
        for workers in options.workers:
            few, many = measure(verb, FEW, workers), measure(verb, options.items, workers)
            name = f"{verb}, {workers}"
            results[name] = {"few": few, "many": many}
            for what in ("search", "account"):
                before, after = few[f"{what}_mb"], many[f"{what}_mb"]
                fits = "ok" if after - before <= ALLOWED_MB else "TOO MUCH"
                print(
                    f"{name:<16} after the {what:<8} {FEW:>8} items {before:7.1f} MB   "
                    f"{options.items:>8} items {after:7.1f} MB   difference {after - before:+7.1f} "
                    f"(limit {ALLOWED_MB:.0f}) {fits}",
                    flush=True,
                )
            print(
                f"{'':<16} {many['us_per_item']:.1f} us/item, journal {many['journal_mb']:.0f} MB",
                flush=True,
            )
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

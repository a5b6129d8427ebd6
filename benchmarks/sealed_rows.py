"""What it costs that every stored row carries a hash over its columns: calls and items, with and
without.

    python benchmarks/sealed_rows.py [--repeats 5] [--against CHECKOUT] [--json]

Both sides take turns in this process and the better of each counts; the other side stores the same
rows with a constant in the seal's place. With --against, the other side is another checkout of
Heliostat, measured by its own processes in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from heliostat.worker.numerics import prepare_environment

prepare_environment()

import engine_tasks  # noqa: E402

from heliostat import MethodConfig, MethodSpec, Run  # noqa: E402
from heliostat.driver.start import start  # noqa: E402
from heliostat.executors.choice import Execution  # noqa: E402
from heliostat.plugins.registry import Registry  # noqa: E402

CALLS = 2000
ITEMS = 20_000


class Nothing(MethodConfig):
    """Nothing to configure."""


def calls_and_items(config: Nothing, run: Run) -> list[float]:
    """Return the microseconds of a journaled call, and of an item of a large map."""
    began = time.perf_counter()
    for number in range(CALLS):
        run.call(engine_tasks.square, float(number)).unwrap()
    middle = time.perf_counter()
    run.map(engine_tasks.square, [float(number) for number in range(ITEMS)])
    end = time.perf_counter()
    return [(middle - began) / CALLS * 1e6, (end - middle) / ITEMS * 1e6]


def measured() -> list[float]:
    """Return both of one run with a real journal on disk."""
    method = MethodSpec("sealed", "benchmark", "none", Nothing, calls_and_items)
    with tempfile.TemporaryDirectory() as folder:
        execution = Execution(workers=0, runs=Path(folder))
        found: list[float] = start(method, execution=execution, plugins=Registry())["result"]
        return found


def without_seals() -> list[float]:
    """Return the same with a constant in place of each seal (nothing reads them meanwhile)."""
    from heliostat.store import sealed

    real = sealed.seal
    sealed.seal = lambda table, columns: bytes(16)  # type: ignore[assignment]
    try:
        return measured()
    finally:
        sealed.seal = real


def elsewhere(checkout: Path) -> list[float]:
    """Return what another checkout's own process measures."""
    paths = [checkout / name for name in ("platform", "search", "plugins", "benchmarks")]
    paths.append(Path(__file__).resolve().parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    program = "import json, sealed_rows; print(json.dumps(sealed_rows.measured()))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure both sides in turn and print them with their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--against", type=Path, help="another checkout of Heliostat")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    ours, peer = [], []
    here = Path(__file__).resolve().parent.parent
    for _ in range(given.repeats):
        ours.append(measured() if given.against is None else elsewhere(here))
        peer.append(without_seals() if given.against is None else elsewhere(given.against))
    other = "without seals" if given.against is None else f"{given.against}"
    results: dict[str, dict[str, Any]] = {}
    for at, name in enumerate(("sealed_call", "sealed_item")):
        a, b = (min(side[at] for side in sides) for sides in (ours, peer))
        results[name] = {"ours": a, "peer": b, "ratio": a / b, "unit": "us"}
        print(f"{name:<12} sealed {a:7.1f} us   {other} {b:7.1f} us   {a / b:5.2f}x")
    if given.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

"""Runs whose bytes flip or go missing, and starts that are killed: none gives a wrong digest.

    python benchmarks/damaged_runs.py [--damages 2000] [--kills 200] [--seed 0] [--json]

A damage is a bit of a finished run's journal, artifacts or configuration that flips, or eight, or a
file that is cut; then the run is exported, shown and resumed. A kill ends a start within its first
second; then whatever is there is resumed. `peer` is what may be wrong: nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from heliostat.worker.numerics import prepare_environment

prepare_environment()

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "tasks"), str(ROOT / "examples")]

from damaging import Kept, try_damaged  # noqa: E402
from in_process import InProcess  # noqa: E402

METHODS = ("exact_checkpoints", "exact")
SERIAL = ("--workers", "serial", "--no-report")


def finished(folder: Path, method: str) -> Kept:
    """Return a finished run to damage copies of."""
    folder.mkdir()
    account = InProcess(folder, "heliostat_exact_methods").json("run", method, *SERIAL)
    return Kept(Path(account["folder"]), account["digest"], account["result"])


def damages(folder: Path, count: int, rng: random.Random) -> tuple[Counter[str], int]:
    """Return how damaged runs ended, and how many were wrong."""
    kept = [finished(folder / f"made-{method}", method) for method in METHODS]
    cli = InProcess(folder, "heliostat_exact_methods")
    ended: Counter[str] = Counter()
    wrong = 0
    for number in range(count):
        try:
            ended[try_damaged(cli, kept[number % len(kept)], rng).partition(":")[0]] += 1
        except AssertionError as error:
            wrong += 1
            print(f"WRONG: {error}")
        if number % 100 == 99:
            print(f"{number + 1} of {count} damages: {dict(ended)}", file=sys.stderr)
    return ended, wrong


def kills(folder: Path, count: int, rng: random.Random) -> tuple[Counter[str], int]:
    """Return how many killed starts left a run, and how many of these came to another end."""
    kept = finished(folder / "whole", METHODS[0])
    cli = InProcess(folder, "heliostat_exact_methods")
    ended: Counter[str] = Counter()
    wrong = 0
    for _ in range(count):
        child = os.fork()
        if child == 0:
            cli("run", METHODS[0], *SERIAL)
            os._exit(0)
        time.sleep(rng.random())
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        left = [path for path in cli.runs.iterdir() if not path.name.startswith(".")]
        ended["absent" if not left else "resumed"] += 1
        for path in left:
            done = cli("resume", path.name, *SERIAL, "--json")
            if done.returncode != 0 or json.loads(done.stdout)["digest"] != kept.digest:
                wrong += 1
                print(f"WRONG: {done.stderr}")
            shutil.rmtree(path)
    return ended, wrong


def main() -> None:
    """Damage, kill, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--damages", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    results = {}
    for name, tried, count in (("damages", damages, given.damages), ("kills", kills, given.kills)):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "runs").mkdir()
            ended, wrong = tried(Path(folder), count, rng)
        told = ", ".join(f"{number} {word}" for word, number in sorted(ended.items()))
        print(f"{count} {name}: {told}; {wrong} with a wrong digest, result or error")
        results[name] = {"ours": wrong, "peer": 0, "ratio": float(wrong), "unit": "wrong"}
    if given.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

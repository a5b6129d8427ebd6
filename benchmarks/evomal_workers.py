"""The same loss search on one worker and on two: how much faster, and whether digests agree.

The whole run begins with the start of Ray, some three seconds, so the generations after the first
are timed beside it. The comparison at the end is left small. Run on idle cores:
``python benchmarks/evomal_workers.py [--json]`` (about a minute and a half).
"""

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

GENERATIONS = 12

OVERRIDES = {
    "datasets": "digits",
    "model": '{name="mlp", hidden=[32, 32]}',
    "population": "100",
    "generations": str(GENERATIONS),
    "test_steps": "10",
    "rate_factors": "[1.0]",
}


def one_run(folder: str, workers: str, **more: str) -> dict[str, Any]:
    """Run the method and return its account, with the seconds of its generations."""
    command = [sys.executable, "-m", "heliostat.submit", "run", "evomal"]
    for name, value in {**OVERRIDES, **more}.items():
        command += ["-o", f"{name}={value}"]
    command += ["--workers", workers, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    account: dict[str, Any] = json.loads(done.stdout)
    database = sqlite3.connect(Path(folder) / account["folder"] / "run.db")
    times = database.execute(
        "select min(elapsed) from metric where of = ? group by step order by step",
        (GENERATIONS + 1,),  # the first population comes before the first generation
    ).fetchall()
    database.close()
    account["generations"] = times[-1][0] - times[0][0] if times else 0.0
    return account


def main() -> None:
    """Run both and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        one_run(folder, "2", generations="1")  # compiles the kernels
        one, two = one_run(folder, "1"), one_run(folder, "2")
    figures = {}
    for name, what in (("generations", "generations 2 and on"), ("seconds", "whole run")):
        ratio = one[name] / two[name]
        print(f"{what}: 1 worker {one[name]:.1f} s, 2 workers {two[name]:.1f} s: {ratio:.2f}x")
        figures[f"evomal_2_workers_{name}"] = {
            "ours": 1 / two[name],
            "peer": 1 / one[name],
            "ratio": ratio,
            "unit": f"1/s, {what}",
        }
    print(f"equal digests: {one['digest'] == two['digest']}")
    if arguments.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()

"""How long the smoke preset of a method takes, with an empty cache of kernels and with a full one.

    python benchmarks/smoke_preset.py [METHOD ...] [--json]

Each time is a whole process: interpreter, imports, search, comparison and report. The limits are
12 s with an empty cache and 4 s with a full one, on an idle core.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

COLD_LIMIT, WARM_LIMIT = 12.0, 4.0


def seconds(method: str, folder: str) -> float:
    """Return the seconds of one smoke run in one process, with its cache in `folder`."""
    environment = {**os.environ, "HELIOSTAT_CACHE": f"{folder}/cache"}
    command = [sys.executable, "-m", "heliostat.submit", "run", method, "--preset", "smoke"]
    began = time.perf_counter()
    subprocess.run(
        [*command, "--workers", "serial", "--json"],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - began


def main() -> None:
    """Print cold and warm seconds of each method beside their limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="*", default=["evomal"])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = {}
    for method in arguments.methods:
        with tempfile.TemporaryDirectory() as folder:
            cold = seconds(method, folder)
            warm = min(seconds(method, folder) for _ in range(3))
        for name, ours, limit in (("cold", cold, COLD_LIMIT), ("warm", warm, WARM_LIMIT)):
            results[f"{method}_smoke_{name}"] = {
                "ours": round(ours, 2), "peer": limit, "ratio": round(limit / ours, 2), "unit": "s"
            }  # fmt: skip
            print(f"{method} smoke, {name} cache: {ours:5.2f} s (limit {limit:g} s)")
    if arguments.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

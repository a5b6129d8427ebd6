"""What the level `portable` costs a method, against `native`, interleaved on one machine.

    python benchmarks/portable_cost.py [METHOD:PRESET ...] [--repeats N] [--json]

CPU seconds of the whole process and of the run, in one process with a full cache of kernels; the
least of all repeats of each side. `portable` is the default as long as its ratio is below 1.5.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile

LEVELS = ("portable", "native")
LIMIT = 1.5


def cpu_seconds(method: str, preset: str, level: str, folder: str) -> float:
    """Return the CPU seconds of one run in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "heliostat.submit", "run", method, "--preset", preset]
    command += ["--workers", "serial", "--no-report", "--numerics", level, "--json"]
    places = {"HELIOSTAT_CACHE": f"{folder}/cache", "HELIOSTAT_RUNS": f"{folder}/runs"}
    subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **places},
        check=True,
        capture_output=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print both sides of each preset, their ratio and the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=["step_options:smoke", "evomal:smoke"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    results = {}
    for case in given.cases:
        method, _, preset = case.partition(":")
        with tempfile.TemporaryDirectory() as folder:
            for level in LEVELS:  # compiles the kernels of both
                cpu_seconds(method, "smoke", level, folder)
            found: dict[str, list[float]] = {level: [] for level in LEVELS}
            for _ in range(given.repeats):
                for level in LEVELS:
                    found[level].append(cpu_seconds(method, preset or "smoke", level, folder))
        portable, native = (min(found[level]) for level in LEVELS)
        results[f"{method}_{preset}_portable_cost"] = {
            "ours": round(portable, 2), "peer": round(native, 2),
            "ratio": round(portable / native, 3), "unit": "CPU s",
        }  # fmt: skip
        print(f"{case}: portable {portable:.2f} s, native {native:.2f} s of CPU, ratio "
              f"{portable / native:.2f} (limit {LIMIT:g})", flush=True)  # fmt: skip
    if given.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

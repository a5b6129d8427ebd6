"""The same Monte Carlo run on one worker and on two: how much faster, and whether bits agree.

Run: ``python benchmarks/step_options_workers.py`` on idle cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

OVERRIDES = {
    "method": "mc_bridge",
    "steps": 52,
    "n_paths": 3 << 25,
    "chunk": 1 << 18,
    "greeks": "false",
}


def one_run(folder: str, workers: str) -> dict[str, Any]:
    """Run the method and return its account."""
    command = [sys.executable, "-m", "heliostat.submit", "run", "step_options"]
    for name, value in OVERRIDES.items():
        command += ["-o", f"{name}={value}"]
    command += ["--workers", workers, "--json"]
    environment = {"HELIOSTAT_LOAD": "heliostat_methods.step_options.method", **os.environ}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    account: dict[str, Any] = json.loads(done.stdout)
    return account


def workers_ratio() -> tuple[float, float, bool]:
    """Return seconds of one and of two workers, and whether their digests agree."""
    with tempfile.TemporaryDirectory() as folder:
        one_run(folder, "2")  # compiles the kernels and warms the page cache
        one, two = one_run(folder, "1"), one_run(folder, "2")
        return one["seconds"], two["seconds"], one["digest"] == two["digest"]


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    one, two, same = workers_ratio()
    print(f"1 worker {one:.2f} s, 2 workers {two:.2f} s, ratio {one / two:.2f}, equal bits: {same}")

"""The same loss search on one worker and on two: how much faster, and whether digests agree.

The comparison at the end is left small, so that the search itself is measured. Run on idle cores:
``python benchmarks/evomal_workers.py [--json]`` (about two minutes).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from typing import Any

OVERRIDES = {
    "datasets": "digits",
    "model": '{name="mlp", hidden=[32, 32]}',
    "population": "100",
    "generations": "8",
    "test_steps": "10",
    "rate_factors": "[1.0]",
}


def one_run(folder: str, workers: str) -> dict[str, Any]:
    """Run the method and return its account."""
    command = [sys.executable, "-m", "heliostat.submit", "run", "evomal"]
    for name, value in OVERRIDES.items():
        command += ["-o", f"{name}={value}"]
    command += ["--workers", workers, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    account: dict[str, Any] = json.loads(done.stdout)
    return account


def main() -> None:
    """Run both and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        one_run(folder, "2")  # compiles the kernels
        one, two = one_run(folder, "1"), one_run(folder, "2")
    ratio = one["seconds"] / two["seconds"]
    print(
        f"1 worker {one['seconds']:.1f} s, 2 workers {two['seconds']:.1f} s (start of Ray "
        f"included): {ratio:.2f}x; equal digests: {one['digest'] == two['digest']}"
    )
    if arguments.json:
        print(
            json.dumps(
                {
                    "evomal_2_workers": {
                        "ours": 1 / two["seconds"],
                        "peer": 1 / one["seconds"],
                        "ratio": ratio,
                        "unit": "runs/s",
                    }
                }
            )
        )
    if one["digest"] != two["digest"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

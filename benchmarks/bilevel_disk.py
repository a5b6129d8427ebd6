"""What a bilevel search of 872 groups in 28 blocks leaves on disk: its journal and its artifacts.

    python benchmarks/bilevel_disk.py [--parameters 2500 6500] [--rounds N] [--json]

The lower tasks fit nothing: they return values of the size and the noise of fitted ones. Sides are
summaries in double precision, in single precision, and blocks that keep a state in all groups
(those for a fourteenth of the rounds: every round leaves as much). The claim: the journal stays
under 50 MB, whatever the number of parameters.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bilevel_posteriors as lower
import numpy as np

from heliostat import MethodConfig, MethodSpec, Run
from heliostat.driver.start import start
from heliostat.executors.choice import Execution
from heliostat.plugins.registry import Registry
from heliostat_search.pooled_moments import PooledMoments
from heliostat_search.strategies.bilevel import Levels, Schedule, solve

ALLOWED_MB = 50.0
ROUNDS = 84
SIDES: dict[str, tuple[Callable[..., Any], int]] = {
    "double": (lower.double, 1),
    "single": (lower.single, 1),
    "persistent": (lower.persistent, 14),
}
"""Side: its task, and the part of the rounds that it runs."""


class DiskConfig(MethodConfig):
    """Sizes of a search that finds nothing."""

    side: str = "single"
    parameters: int = 2500
    rounds: int = ROUNDS


def move(prior: Any, merged: PooledMoments) -> tuple[Any, Any]:
    """Go to the pool."""
    return merged.mean, merged.variance


def search(config: DiskConfig, run: Run) -> int:
    """Alternate, and return the number of rounds."""
    levels = Levels(SIDES[config.side][0], PooledMoments.merge, move)
    prior = np.zeros(config.parameters), np.ones(config.parameters)
    return len(solve(run, levels, prior, Schedule(config.rounds, lower.BLOCKS)).history)


def measure(side: str, parameters: int, rounds: int) -> dict[str, float]:
    """Return megabytes of the journal and of the artifacts, and of these for each round."""
    method = MethodSpec("disk", "benchmark", "none", DiskConfig, search)
    done = rounds // SIDES[side][1]
    with tempfile.TemporaryDirectory() as folder:
        start(
            method,
            values={"side": side, "parameters": parameters, "rounds": done},
            execution=Execution(workers=0, runs=Path(folder)),
            plugins=Registry(),
        )
        journal = sum(path.stat().st_size for path in Path(folder).rglob("run.db*"))
        files = [path for path in Path(folder).glob("*/artifacts/*/*") if path.is_file()]
        artifacts = sum(path.stat().st_size for path in files)
    return {
        "rounds": done,
        "journal_mb": journal / 1e6,
        "artifacts_mb": artifacts / 1e6,
        "artifacts_mb_a_round": artifacts / 1e6 / done,
    }


def main() -> None:
    """Print all sides, and the ratio of what they leave to that of single precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parameters", type=int, nargs="+", default=[2500, 6500])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results: dict[str, Any] = {}
    for parameters in options.parameters:
        sides = {side: measure(side, parameters, options.rounds) for side in SIDES}
        results[str(parameters)] = sides
        for side, found in sides.items():
            ratio = found["artifacts_mb_a_round"] / sides["single"]["artifacts_mb_a_round"]
            fits = "ok" if found["journal_mb"] <= ALLOWED_MB else "TOO MUCH"
            print(
                f"{parameters:>6} parameters, {side:<10} {found['rounds']:>3.0f} rounds: "
                f"journal {found['journal_mb']:5.2f} MB (limit {ALLOWED_MB:.0f}) {fits}, artifacts "
                f"{found['artifacts_mb']:7.1f} MB, {found['artifacts_mb_a_round']:6.2f} a round "
                f"({ratio:.1f}x)",
                flush=True,
            )
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

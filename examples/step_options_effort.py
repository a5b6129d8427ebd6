"""Which settings of Monte Carlo are worth their time? Tuned by error^2 x seconds, then checked.

The error of paths falls as one over the square root of time, so error^2 x seconds is what a setting
costs whatever the accuracy wanted: a tenth of it is the same error in a tenth of the time. The best
of many noisy trials looks better than it is, so the settings that were found and those that are the
default are measured again, in turns, with other seeds.

Run: ``python examples/step_options_effort.py [--trials 30] [--seeds 10]`` (about a minute).
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from heliostat_methods.step_options import BlackScholesMarket, StepOption, price

OPTION = StepOption("call", 120.0, 1.0, (90.0,), (5.0, 0.0), gamma=0.02)
MARKET = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
BASE = {"strike": 120.0, "dividend": 0.02, "method": "mc_bridge", "n_paths": 1 << 16,
        "chunk": 1 << 14, "greeks": "false", "effort": "true"}  # fmt: skip
SPACE = """
steps = {low = 1, high = 8}
tilt = {low = 0.0, high = 1.5, step = 0.25}
strata = {choices = [1, 16, 64]}
antithetic = {choices = [false, true]}
controls = {choices = [false, true]}
"""
TUNED = ("steps", "tilt", "strata", "antithetic", "controls")
DEFAULT = {"steps": 1, "tilt": 0.0, "strata": 1, "antithetic": False, "controls": True}
STUDENT = {5: 2.776, 10: 2.262, 20: 2.093}
"""97.5 % points of Student's t, by the number of differences."""


def heliostat(*words: str, folder: Path) -> str:
    """Run a command of Heliostat and return what it prints."""
    code = "import sys; from heliostat.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def tuned(trials: int, folder: Path) -> dict[str, Any]:
    """Return the settings that a tuning by error^2 x seconds likes best."""
    (folder / "space.toml").write_text(SPACE)
    base = [word for name, value in BASE.items() for word in ("-o", f"{name}={value}")]
    account = json.loads(heliostat(
        "tune", "step_options", "--space", "space.toml", "--objective", "effort", "--trials",
        str(trials), *base, "--workers", "serial", "--json", folder=folder,
    ))  # fmt: skip
    heliostat("export", account["run"], "--product", "best.toml", "--output", "best.toml",
              folder=folder)  # fmt: skip
    config = tomllib.loads((folder / "best.toml").read_text())["config"]
    return {name: config[name] for name in TUNED}


def effort(settings: dict[str, Any], seed: int) -> tuple[float, float, float]:
    """Return error^2 x seconds of one run, its price and its standard error."""
    more = {**settings, "n_steps": settings["steps"]}
    del more["steps"]
    found = price(OPTION, MARKET, "mc_bridge", seed=seed, n_paths=1 << 18, chunk=1 << 14, **more)
    assert found.std_error is not None
    error = float(found.std_error)
    return error**2 * found.wall_s, float(found.price), error


def main() -> None:
    """Tune, then measure what was found beside the default."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=10, choices=sorted(STUDENT))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        best = tuned(arguments.trials, Path(name))
    print(f"the default   {DEFAULT}\nbest of {arguments.trials:<5} {best}\n")
    exact = float(price(OPTION, MARKET).price)
    for settings in (DEFAULT, best):
        effort(settings, 0)  # kernels and tables are made
    logs, worst = [], 0.0
    for seed in range(1, 1 + arguments.seeds):
        (mine, *one), (theirs, *other) = effort(best, seed), effort(DEFAULT, seed)
        logs.append(math.log(theirs / mine))
        worst = max(worst, *(abs(value - exact) / error for value, error in (one, other)))
    mean, spread = float(np.mean(logs)), float(np.std(logs, ddof=1)) / math.sqrt(len(logs))
    low, high = (math.exp(mean + s * STUDENT[len(logs)] * spread) for s in (-1, 1))
    print(f"the same error in 1/{math.exp(mean):.1f} of the time (95 %: 1/{low:.1f} to "
          f"1/{high:.1f}), {len(logs)} seeds, in turns")  # fmt: skip
    print(f"no price was off by more than {worst:.1f} of its standard errors")


if __name__ == "__main__":
    main()

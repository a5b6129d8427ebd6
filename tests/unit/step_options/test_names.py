"""What a run stores is found by its name in a process that only knows the method."""

from __future__ import annotations

import subprocess
import sys

from heliostat.values.canonical import encode
from heliostat_methods.step_options import BlackScholesMarket, MultilevelEstimator, down_step
from heliostat_methods.step_options.monte_carlo.metropolis import ChainSummary, MetropolisEstimator
from heliostat_methods.step_options.monte_carlo.multilevel import LevelShard
from heliostat_methods.step_options.monte_carlo.quasi_monte_carlo import SobolSampler
from heliostat_search.montecarlo import Moments

OPTION = down_step("call", 100.0, 1.0, 90.0, 5.0)
MARKET = BlackScholesMarket(100.0, 0.05, 0.0, 0.3)
MOMENTS = Moments.of([[1.0, 2.0, 4.0]])
VALUES = (
    SobolSampler(OPTION, MARKET, 64, 1, 7),
    MultilevelEstimator(OPTION, MARKET, 0.02, 1, 7),
    LevelShard(0, 0, 4096),
    MetropolisEstimator(OPTION, MARKET, 8, 0.9, 2, 2000, 50, 7),
    ChainSummary(3, 1.5, (MOMENTS, MOMENTS)),
)
PROGRAM = """
import sys
from heliostat.plugins.registry import registry
from heliostat.values.canonical import decode, encode
registry()
for line in sys.stdin:
    value = decode(line.strip())
    assert encode(value) == line.strip()
    print(type(value).__name__)
"""


def test_another_process_finds_the_types_by_their_names() -> None:
    lines = "".join(f"{encode(value)}\n" for value in VALUES)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=lines, capture_output=True, text=True
    )
    assert done.stdout.split() == [type(value).__name__ for value in VALUES], done.stderr

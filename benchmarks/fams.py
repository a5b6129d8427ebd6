"""FAMS against its looped form: groups, inner steps and draws one after the other, with autograd.

    python benchmarks/fams.py [--json] [--quick]

One round is the lower level of all groups and the upper level: batch 50, 5 draws, W2, the looped
side with 5 steps of Adagrad on the prior and the noise on it that the authors add, ours with the
closed form. Both sides run in this process on one thread; the least CPU time of some repetitions
counts, so a busy machine disturbs little. The loop is timed on at most 64 groups and scaled: its
time is proportional to them.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import time
from collections.abc import Callable
from typing import Any

from heliostat.worker.numerics import prepare_environment

prepare_environment()

import numpy as np  # noqa: E402
import torch  # noqa: E402

from heliostat_methods.fams.gaussian.batches import SubgroupBatcher  # noqa: E402
from heliostat_methods.fams.gaussian.looped import LoopedFAMS  # noqa: E402
from heliostat_methods.fams.gaussian.lower_level import lower_level  # noqa: E402
from heliostat_methods.fams.gaussian.moments import merge_moments  # noqa: E402
from heliostat_methods.fams.gaussian.network import GaussianMLP  # noqa: E402
from heliostat_methods.fams.gaussian.rounds import blocks  # noqa: E402
from heliostat_methods.fams.gaussian.settings import LowerLevel  # noqa: E402
from heliostat_methods.fams.gaussian.upper_level import closed_form  # noqa: E402

SMALL, FCNET4 = (62, 32, 16, 1), (62, 400, 200, 100, 1)
MOST_LOOPED = 64


def cpu_seconds(work: Callable[[], object], repeat: int) -> float:
    """Return the least CPU time of some repetitions after one that warms up."""
    work()
    best = math.inf
    for _ in range(repeat):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def batcher(groups: int, features: int) -> SubgroupBatcher:
    """Return batches of 50 from groups of 60 rows, or of fewer where there are very many."""
    rows = groups * (60 if groups <= 2000 else 10)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, features), np.float32)
    y = (X[:, 0] + 0.5 * rng.standard_normal(rows) > 0).astype(float)
    return SubgroupBatcher(X, y, np.arange(rows) % groups, 50, seed=0)


def our_round(data: SubgroupBatcher, prior: GaussianMLP, settings: LowerLevel) -> GaussianMLP:
    """Return the prior after a round in blocks, as training makes it."""
    parts = [
        lower_level(prior, None, data(0, data.present[part]), 0, 0.05, settings).moments
        for part in blocks(len(data.present))
    ]
    return closed_form(prior, merge_moments(parts), settings.divergence)


def looped_round(
    data: SubgroupBatcher, prior: GaussianMLP, settings: LowerLevel
) -> Callable[[], None]:
    """Return a function that makes a round by the loop, networks and optimisers made before."""
    groups = len(data.present)
    stack = GaussianMLP.initial(prior.dims, 1, range(groups))
    loop = LoopedFAMS(prior, stack, settings, kappa=0.001)

    def work() -> None:
        loop.lower(data(0, data.present), 0)
        loop.upper(5)

    return work


def compare(dims: tuple[int, ...], groups: int, inner: int, repeat: int) -> dict[str, Any]:
    """Return seconds of a round on both sides and their ratio."""
    settings, prior = LowerLevel(inner=inner), GaussianMLP.initial(dims)
    data = batcher(groups, dims[0])
    ours = cpu_seconds(lambda: our_round(data, prior, settings), repeat + 2)
    few = min(groups, MOST_LOOPED)
    looped = cpu_seconds(looped_round(batcher(few, dims[0]), prior, settings), repeat)
    looped *= groups / few
    return {"ours": ours, "peer": looped, "ratio": looped / ours, "unit": "s/round",
            "looped_groups": few}  # fmt: skip


def growth(counts: tuple[int, ...]) -> dict[str, Any]:
    """Return microseconds a group of a round over the number of groups, and peak memory."""
    settings, prior = LowerLevel(inner=2), GaussianMLP.initial(SMALL)
    cost = {}
    for count in counts:
        data = batcher(count, SMALL[0])
        seconds = cpu_seconds(lambda data=data: our_round(data, prior, settings), 1)  # type: ignore[misc]
        cost[count] = seconds / count * 1e6
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        held = data.inputs.nbytes / 2**20
        print(f"  {count:>7,} groups: {cost[count]:8.1f} us CPU a group and round, "
              f"peak {peak:,.0f} MiB of which data {held:,.0f}")  # fmt: skip
    return {"us_per_group": cost, "unit": "us/group"}


def main() -> None:
    """Run all comparisons and print both sides and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one repetition, up to 1,024 groups")
    options = parser.parse_args()
    torch.set_num_threads(1)
    repeat = 1 if options.quick else 3
    results: dict[str, Any] = {}
    for name, dims, groups, inner in (
        ("small_64", SMALL, 64, 2),
        ("small_1024", SMALL, 1024, 2),
        ("small_64_inner_10", SMALL, 64, 10),
        ("fcnet4_64", FCNET4, 64, 2),
    ):
        found = results[name] = compare(dims, groups, inner, repeat if groups <= 64 else 1)
        print(f"{name:<18} ours {found['ours']:9.4f}  looped {found['peer']:9.4f} s/round "
              f"{found['ratio']:7.1f}x  ({found['looped_groups']} groups looped)",
              flush=True)  # fmt: skip
    print("cost over the number of groups, small network, 2 inner steps")
    results["growth"] = growth((100, 1000) if options.quick else (100, 1000, 10_000, 100_000))
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

"""How much of the true front's hypervolume each searcher finds at equal unique evaluations.

    python benchmarks/pnag_hypervolume.py [--sets cora citeseer arxiv] [--methods ...] [--seeds 20]
        [--evaluations 200] [--tuning-seeds 3] [--untuned] [--values FILE] [--json]

NAS-Bench-Graph's development sets, all other sets stay unseen: hypervolume of what was evaluated in
(log10 latency, validation error), reference the true front's nadir and 10 % of its range, as a part
of that of the true front. Every method is tuned over a grid of as many settings, on seeds of their
own, by the mean over the sets; then the chosen setting runs on the seeds of the study. The word
"better" needs Wilcoxon's signed-rank test over these seeds, Holm-corrected over the peers of a set.
`--values` keeps the value of each run, and reads those that are there.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from heliostat.worker.numerics import prepare_environment

prepare_environment()

import numpy as np  # noqa: E402

from heliostat_methods.pnag.fronts.regret import true_front  # noqa: E402
from heliostat_methods.pnag.searchers.ensemble import SOURCES, Ensemble  # noqa: E402
from heliostat_methods.pnag.searchers.evolutionary import Evolution  # noqa: E402
from heliostat_methods.pnag.searchers.generator_proposals import GeneratorSettings  # noqa: E402
from heliostat_methods.pnag.searchers.independent import Independent  # noqa: E402
from heliostat_methods.pnag.searchers.joint import Joint  # noqa: E402
from heliostat_methods.pnag.searchers.nsga2 import NSGA2  # noqa: E402
from heliostat_methods.pnag.searchers.nsganet import NSGANet  # noqa: E402
from heliostat_methods.pnag.searchers.optuna_samplers import OptunaNSGA2, OptunaTPE  # noqa: E402
from heliostat_methods.pnag.searchers.pymoo_algorithms import Pymoo  # noqa: E402
from heliostat_methods.pnag.searchers.random_search import RandomSearch  # noqa: E402
from heliostat_methods.pnag.searchers.rewarded import Rewarded  # noqa: E402
from heliostat_methods.pnag.searchers.searcher import Recipe, Streams  # noqa: E402
from heliostat_methods.pnag.searchers.surrogate_front import SurrogateFront  # noqa: E402
from heliostat_methods.pnag.searchers.unique import search  # noqa: E402
from heliostat_methods.pnag.spaces.nas_bench_graph import nas_bench_graph  # noqa: E402
from heliostat_search.statistics import mean_interval, paired  # noqa: E402

SETS = ("cora", "citeseer", "arxiv")
TUNING, STUDY = 500, 1000
"""The first seed of each."""

GRIDS: dict[str, list[Recipe]] = {
    "random": [RandomSearch()],
    "pymoo_nsga2": [Pymoo("nsga2", p, c, r) for p in (20, 40)
                    for c, r in ((0.9, None), (0.9, 0.4), (0.5, 0.4))],
    "pymoo_nsga3": [Pymoo("nsga3", p, c, r) for p in (20, 40)
                    for c, r in ((0.9, None), (0.9, 0.4), (0.5, 0.4))],
    "nsga2": [NSGA2(p, c, r) for p in (20, 40)
              for c, r in ((0.9, None), (0.9, 0.4), (0.5, 0.4))],
    "optuna_nsga2": [OptunaNSGA2(p, c, m) for p in (20, 40)
                     for c, m in ((0.9, None), (0.9, 0.4), (0.5, 0.4))],
    "optuna_tpe": [OptunaTPE(s, n, m) for s in (10, 40)
                   for n, m in ((24, False), (64, False), (24, True))],
    "independent_evo": [Independent(k, f, evolution=Evolution(rate=r)) for k in (5, 10)
                        for f, r in ((0.2, 0.1), (0.2, 0.3), (0.4, 0.3))],
    "gp_front": [SurrogateFront(f, b, acquisition="front") for f in (20, 30, 40) for b in (5, 10)],
    "gp_improvement": [SurrogateFront(f, b) for f in (30, 20, 40) for b in (10, 5)],
    "rewarded_evo": [Rewarded(r, knots=k, first=f) for r in ("mnasnet", "tunas")
                     for k, f in ((5, 0.2), (10, 0.2), (5, 0.4))],
    "nsganet": [NSGANet(f, b) for f in (50, 75, 100) for b in (4, 8)],
    "joint": [Joint(f, r) for f in (0.25, 0.4) for r in (3, 4, 8)],
    "joint_paper": [Joint(generator=GeneratorSettings(mode="paper"))],
    "ensemble": [Ensemble(f, 10, ("improvement", "mutation"), least) for f in (30, 40)
                 for least in (0.35, 0.2, 0.1)],
    "ensemble_of_three": [Ensemble(30, 10, SOURCES, least, every=e) for e in (4, 2)
                          for least in (0.1, 0.2, 0.3)],
}  # fmt: skip


class Truth:
    """A set's table and the metric on it."""

    def __init__(self, name: str) -> None:
        self.name, self.space = name, nas_bench_graph(name)
        self._front = true_front(self.space)

    def fraction(self, archs: Any) -> float:
        """Return the part of the true hypervolume that architectures dominate."""
        return self._front.fraction(*self.space.look_up(archs))


class Runs:
    """Values of runs by set, recipe, seed and evaluations, kept in a file where one is named."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._known: dict[str, dict[str, float]] = {}
        if file is not None and file.exists():
            for line in file.read_text().splitlines():
                self._known |= {(row := json.loads(line))["run"]: row}

    def __call__(self, truth: Truth, recipe: Recipe, seed: int, count: int) -> dict[str, float]:
        """Return fraction, CPU seconds and random fill-ins of one run."""
        name = f"{truth.name} {recipe} seed {seed} evaluations {count}"
        if name not in self._known:
            self._known[name] = row = {"run": name} | run(truth, recipe, seed, count)
            if self._file is not None:
                with self._file.open("a") as kept:
                    kept.write(json.dumps(row) + "\n")
        return self._known[name]


def run(truth: Truth, recipe: Recipe, seed: int, count: int) -> dict[str, float]:
    """Return what one search comes to."""
    began, streams = time.process_time(), streams_of(seed)
    searcher = recipe.start(truth.space, count, streams)
    found = search(searcher, truth.space, truth.space.look_up, count, streams("stalled"))
    seconds = time.process_time() - began
    return {"fraction": truth.fraction(found.known.archs), "seconds": seconds,
            "filled": found.filled}  # fmt: skip


def streams_of(seed: int) -> Streams:
    """Return named streams of a seed."""

    def stream(*parts: str | int) -> np.random.Generator:
        key = [part if isinstance(part, int) else zlib.crc32(part.encode()) for part in parts]
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)))

    return stream


def tuned(
    runs: Runs, truths: Sequence[Truth], grid: Sequence[Recipe], seeds: int, count: int
) -> Recipe:
    """Return the setting with the best mean over sets and tuning seeds, the first of equal ones."""
    if len(grid) == 1:
        return grid[0]
    means = []
    for recipe in grid:
        values = [runs(truth, recipe, TUNING + seed, count)["fraction"]
                  for truth in truths for seed in range(seeds)]  # fmt: skip
        means.append(float(np.mean(values)))
        print(f"    {means[-1]:.4f}  {recipe}", flush=True)
    return grid[int(np.argmax(means))]


def studied(
    runs: Runs, truths: Sequence[Truth], recipe: Recipe, seeds: int, count: int
) -> dict[str, list[float]]:
    """Return the fractions of a setting by set, over the seeds of the study; prints a line each."""
    found = {}
    for truth in truths:
        rows = [runs(truth, recipe, STUDY + seed, count) for seed in range(seeds)]
        found[truth.name] = [row["fraction"] for row in rows]
        mean = mean_interval(found[truth.name])
        seconds, filled = (np.mean([row[key] for row in rows]) for key in ("seconds", "filled"))
        print(f"  {truth.name:<9} {mean.mean:.4f} [{mean.low:.4f}, {mean.high:.4f}] "
              f"s.d. {mean.deviation:.4f}  {seconds:6.2f} s CPU  {filled:.1f} filled in",
              flush=True)  # fmt: skip
    return found


def compared(values: dict[str, dict[str, list[float]]], ours: str) -> dict[str, Any]:
    """Return and print our method against each peer on each set."""
    results: dict[str, Any] = {}
    for name in next(iter(values.values())):
        peers = [peer for peer in values if peer != ours]
        tests = [paired(values[ours][name], values[peer][name]) for peer in peers]
        for peer, test, p in zip(peers, tests, holm([t.wilcoxon_p for t in tests]), strict=True):
            sign = "better than" if test.difference.mean > 0 else "worse than"
            verdict = sign if p < 0.05 else "not to be told from"
            gap = test.difference
            print(f"  {name:<9} {ours} {verdict} {peer}: {gap.mean:+.4f} "
                  f"[{gap.low:+.4f}, {gap.high:+.4f}], p = {p:.2g} (Holm)")  # fmt: skip
            mine, theirs = np.mean(values[ours][name]), np.mean(values[peer][name])
            results[f"{name}_{peer}"] = {"ours": float(mine), "peer": float(theirs),
                                         "ratio": float(mine / theirs), "p": p,
                                         "unit": "of true hypervolume"}  # fmt: skip
    return results


def holm(p: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values."""
    adjusted, largest = [0.0] * len(p), 0.0
    for rank, place in enumerate(np.argsort(p, kind="stable")):
        largest = max(largest, min(1.0, (len(p) - rank) * p[place]))
        adjusted[int(place)] = largest
    return adjusted


def main() -> None:
    """Tune, run and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--methods", nargs="+", choices=list(GRIDS), default=list(GRIDS))
    parser.add_argument("--ours", choices=list(GRIDS), default="ensemble")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--tuning-seeds", type=int, default=3)
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--untuned", action="store_true", help="the first setting of each grid")
    parser.add_argument("--values", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    truths, runs = [Truth(name) for name in options.sets], Runs(options.values)
    values = {}
    for method in options.methods:
        grid = GRIDS[method][:1] if options.untuned else GRIDS[method]
        print(f"{method}: {len(grid)} settings on seeds {TUNING} to "
              f"{TUNING + options.tuning_seeds - 1}", flush=True)  # fmt: skip
        best = tuned(runs, truths, grid, options.tuning_seeds, options.evaluations)
        print(f"  chosen {best}", flush=True)
        values[method] = studied(runs, truths, best, options.seeds, options.evaluations)
    results = compared(values, options.ours) if options.ours in values else {}
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()

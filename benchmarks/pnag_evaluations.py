"""How many evaluations each searcher of pnag needs: shares of the true front, by evaluations.

    heliostat run pnag -o dataset=fashion_mnist -o exhaustive=true ...   # docs/methods/pnag.md
    python benchmarks/pnag_evaluations.py RUN [--seeds 20] [--evaluations 50 75 ...] [--json]

The results of all networks are taken from RUN, which has to have evaluated the whole space; costs
are known beforehand, as in the run. One search is made for every number of evaluations, because
searchers plan by their budget. Printed are means over seeds; then what the default has at a part of
NSGA-II's largest number, against NSGA-II there: difference paired by seed, with a paired t-test.
With --json the last line has that comparison at the number that is nearest to a third.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pnag_hypervolume import streams_of
from scipy import stats

from heliostat.plugins.building import PartBuilder
from heliostat.plugins.registry import registry
from heliostat.store.folder import find, runs_root
from heliostat.store.view import RunView
from heliostat.values.canonical import decode
from heliostat_methods.pnag.fronts.regret import front_of
from heliostat_methods.pnag.searchers.by_name import recipe
from heliostat_methods.pnag.searchers.unique import search
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace
from heliostat_methods.pnag.training.known import Table, answers

SEARCHERS = ("ensemble", "gp", "nsga2", "pymoo_nsga2", "random")
EVALUATIONS = (50, 75, 100, 125, 150, 200, 300)
FIRST_SEED = 1000
OURS, PEER = "ensemble", "pymoo_nsga2"

Shares = NDArray[np.float64]


Known = tuple[SearchSpace, Table]


def known_of(run: str, runs: Path | None) -> Known:
    """Return the space of a run, and the results of all networks that its searches looked up."""
    registry().load_names("pnag")
    view = RunView(find(run, runs_root(runs)))
    for _, item, _ in view.found("pnag.search_known"):
        table: Table = decode(view.folder.artifacts.get(item.table.sha256).decode())
        build = PartBuilder(registry(), str, view.inputs, view.directory)
        return build("space", table.space), table
    raise SystemExit(f"run {run} looked nothing up: it needs exhaustive = true")


def shares(known: Known, name: str, count: int, seeds: int) -> Shares:
    """Return the share of the true front's hypervolume that each search reaches, (seeds,)."""
    space, table = known
    look_up, front = answers(table, space), front_of(table.accuracy, table.cost)

    def cost(archs: Archs) -> NDArray[np.float64]:
        return look_up(archs)[1]

    found = []
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        streams = streams_of(seed)
        searcher = recipe(name, {}).start(space, count, streams, cost)
        ended = search(searcher, space, look_up, count, streams("fill"), 10)
        found.append(front.fraction(*look_up(ended.known.archs)))
    return np.array(found)


def compared(ours: Shares, peer: Shares) -> str:
    """Return the paired difference of shares, its 95 % interval and its p-value, as text."""
    apart = ours - peer
    half = stats.t.ppf(0.975, len(apart) - 1) * apart.std(ddof=1) / len(apart) ** 0.5
    p = stats.ttest_rel(ours, peer).pvalue
    return (
        f"{apart.mean():+.3f} [{apart.mean() - half:+.3f}, {apart.mean() + half:+.3f}], p {p:.3f}"
    )


def main() -> None:
    """Print the shares of every searcher, and what the default needs."""
    parser = argparse.ArgumentParser(description="see the module's docstring")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--evaluations", type=int, nargs="+", default=list(EVALUATIONS))
    parser.add_argument("--searchers", nargs="+", default=list(SEARCHERS))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    known, counts = known_of(args.run, args.runs), sorted(args.evaluations)
    found: dict[str, dict[int, Shares]] = {}
    print(f"{'searcher':<14}" + "".join(f"{count:>7}" for count in counts))
    for name in dict.fromkeys([*args.searchers, OURS, PEER]):
        found[name] = {count: shares(known, name, count, args.seeds) for count in counts}
        means = "".join(f"{found[name][count].mean():>7.3f}" for count in counts)
        print(f"{name:<14}{means}", flush=True)
    most = counts[-1]
    print(f"{OURS} at fewer evaluations less {PEER} at {most}, paired by seed:")
    for count in counts[:-1]:
        print(
            f"  {count:>5} ({count / most:.2f})  {compared(found[OURS][count], found[PEER][most])}"
        )
    if args.json:
        third = min(counts, key=lambda count: abs(count - most / 3))
        ours, peer = (float(one.mean()) for one in (found[OURS][third], found[PEER][most]))
        told = {"ours": ours, "peer": peer, "ratio": ours / peer,
                "unit": f"share of hypervolume, ours at {third} and {PEER} at {most}"}  # fmt: skip
        print(json.dumps({"third_of_evaluations": told}))


if __name__ == "__main__":
    main()

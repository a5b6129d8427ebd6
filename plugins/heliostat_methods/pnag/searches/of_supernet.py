"""A search on a supernet: asked in the driver, evaluated on workers."""

from __future__ import annotations

from collections.abc import Callable

from heliostat import Run
from heliostat_methods.pnag.config import PNAGConfig
from heliostat_methods.pnag.searchers.by_name import recipe
from heliostat_methods.pnag.searchers.searcher import Known, Streams
from heliostat_methods.pnag.searchers.unique import search
from heliostat_methods.pnag.searches.supernet import Trained
from heliostat_methods.pnag.tasks.searching import Searched


def searches_of_supernet(
    config: PNAGConfig, trained: Trained, run: Run
) -> dict[str, list[Searched]]:
    """Return every search of every searcher, by name, in the order of seeds."""
    names = (config.searcher, *config.compare)

    def streams(seed: int) -> Streams:
        # of the run and not of the sub-search, so that searches of one seed begin alike
        return lambda *name: run.rng("search", seed, *name)

    starts = [
        _searched(config, trained, name, seed, streams(seed))
        for name in names
        for seed in range(config.seeds)
    ]
    run.phase(f"{trained.problem.dataset}: searching")
    found = iter(run.gather(*starts))
    return {name: [next(found) for _ in range(config.seeds)] for name in names}


def _searched(
    config: PNAGConfig, trained: Trained, name: str, seed: int, streams: Streams
) -> Callable[[Run], Searched]:
    def start(run: Run) -> Searched:
        run.phase(f"{trained.problem.dataset}: {name}, seed {seed}")
        searcher = recipe(name, config.settings.get(name, {})).start(
            trained.space, config.evaluations, streams, trained.cost
        )
        done, best = 0, 0.0

        def told(known: Known) -> None:
            nonlocal done, best
            done, best = done + len(known.cost), max(best, float(known.accuracy.max()))
            run.report(done, of=config.evaluations, count=len(known.cost), accuracy=best)

        found = search(
            searcher, trained.space,
            lambda archs: (trained.accuracies(archs, run, config.block), trained.cost(archs)),
            config.evaluations, streams("fill"), config.batch, told,
        )  # fmt: skip
        return Searched(found.known.archs, found.known.accuracy, found.known.cost, found.filled)

    return start

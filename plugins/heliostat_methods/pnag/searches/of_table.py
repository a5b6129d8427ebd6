"""Searches whose evaluations are looked up: each is one task."""

from __future__ import annotations

from heliostat import Run
from heliostat_methods.pnag.config import PNAGConfig
from heliostat_methods.pnag.tasks.searching import KnownSearch, Searched, search_known
from heliostat_methods.pnag.training.known import Table


def searches_of_table(
    config: PNAGConfig, table: Table, cost_is_found: bool, run: Run
) -> dict[str, list[Searched]]:
    """Return every search of every searcher, by name, in the order of seeds."""
    run.phase(f"{table.space.name}: searching")
    handle = run.share(table)
    names = (config.searcher, *config.compare)
    items = [
        KnownSearch(
            handle, name, dict(config.settings.get(name, {})), config.evaluations, config.batch,
            seed, cost_is_found,
        )
        for name in names
        for seed in range(config.seeds)
    ]  # fmt: skip
    outcomes = iter(run.map(search_known, items, shared=handle))
    return {name: [next(outcomes).unwrap() for _ in range(config.seeds)] for name in names}

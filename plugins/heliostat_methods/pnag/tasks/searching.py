"""Whole searches on known results, and what searches come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat import Shared, TaskContext, stored, task
from heliostat.contract import Name
from heliostat_methods.pnag.searchers.by_name import recipe
from heliostat_methods.pnag.searchers.unique import search
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace
from heliostat_methods.pnag.training.known import Table, answers


@stored("pnag.known_search")
@dataclass(frozen=True)
class KnownSearch:
    """One search whose evaluations are looked up; searches of one `seed` begin alike.

    `cost_is_found`: what an architecture costs is known once it is evaluated, and not before.
    """

    table: Shared[Table]
    searcher: str
    settings: Mapping[str, Any]
    evaluations: int
    batch: int
    seed: int
    cost_is_found: bool


@stored("pnag.searched")
@dataclass(frozen=True, eq=False)
class Searched:
    """What a search evaluated, in the order of asking.

    `filled`: how many were drawn at random because the searcher had nothing new to propose.
    """

    archs: Archs
    accuracy: NDArray[np.float64]
    cost: NDArray[np.float64]
    filled: int


@task("pnag.search_known")
def search_known(item: KnownSearch, ctx: TaskContext) -> Searched:
    """Make one whole search on results that are known."""
    table: Table = ctx.shared(item.table)
    space: SearchSpace = ctx.part("space", table.space)

    def streams(*name: Name) -> np.random.Generator:
        return ctx.rng("search", item.seed, *name)

    look_up = answers(table, space)
    cost = None if item.cost_is_found else lambda archs: look_up(archs)[1]
    searcher = recipe(item.searcher, item.settings).start(space, item.evaluations, streams, cost)
    found = search(searcher, space, look_up, item.evaluations, streams("fill"), item.batch)
    return Searched(found.known.archs, found.known.accuracy, found.known.cost, found.filled)

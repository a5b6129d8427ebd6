"""Drives any searcher until so many different architectures have been evaluated.

The count is of canonical architectures, and it is kept here, whoever searches: every method has the
same budget. A searcher that proposes nothing new is stalled; random architectures fill its place,
and how many is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.searcher import Known, Searcher
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace

Evaluate = Callable[[Archs], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Accuracy and cost, (n,) each, of architectures."""


@dataclass(frozen=True)
class Searched:
    """What was evaluated, in order; how many were filled in at random, and why fewer were made."""

    known: Known
    filled: int
    exhausted: bool


def search(
    searcher: Searcher,
    space: SearchSpace,
    evaluate: Evaluate,
    evaluations: int,
    rng: np.random.Generator,
    batch: int | None = None,
    each: Callable[[Known], None] | None = None,
) -> Searched:
    """Ask, evaluate and tell until `evaluations` different architectures are known.

    `batch`: the most that are evaluated at once. `each` is shown every batch. `rng` draws where the
    searcher has nothing new; `filled` counts these and the searcher's own. Raises ConfigError for
    a searcher that proposes what is no architecture or was asked for, DataError for an evaluation
    that gives no accuracy in [0, 1] or no cost above 0.
    """
    if evaluations < 1:
        raise ConfigError("evaluations", evaluations, "at least 1")
    memory, filled, stalled = Memory(space), 0, False
    while len(memory) < evaluations:
        most = min(evaluations - len(memory), batch or evaluations)
        asked = searcher.ask(most) if not stalled else np.empty((0, len(space.decisions)), np.int16)
        if len(asked) == 0:
            # what a searcher did not ask for it is not told, so that it stays out of the way
            stalled = True
            asked = memory.unseen(most, rng)
            filled += len(asked)
            if len(asked) == 0:
                break
        elif len(memory.fresh(asked)) < len(asked) or len(asked) > most:
            raise ConfigError(
                "searcher", type(searcher).__name__,
                f"up to {most} new architectures of {space.name}, all different",
            )  # fmt: skip
        known = Known(memory.ask(asked), *evaluate(asked))
        memory.tell(known)
        if not stalled:
            searcher.tell(known)
        if each is not None:
            each(known)
    own = int(getattr(searcher, "filled", 0))
    return Searched(memory.known, filled + own, len(memory) < evaluations)

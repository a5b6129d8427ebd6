"""What a surrogate looks over: a small space as a whole, of a huge one draws and moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.pnag.searchers.acquisition import layers
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.spaces.moves import all_architectures, crossover, mutate, sample
from heliostat_methods.pnag.spaces.space import Archs, KnownSpace, SearchSpace

LISTED = 60_000
"""Architectures of a space that is looked over as a whole."""
FEWEST_PARENTS = 10


def listed(space: SearchSpace, largest: int = LISTED) -> Archs | None:
    """Return all architectures of a space, or None where they are more than `largest`."""
    if space.size > largest:
        return None
    known = space.everything() if isinstance(space, KnownSpace) else None
    return all_architectures(space) if known is None else known


def parents(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the places of the first front of points (n, 2), and of the next where it is small."""
    found = np.empty(0, np.int64)
    for layer in layers(points):
        found = np.concatenate([found, layer])
        if len(found) >= FEWEST_PARENTS:
            break
    return found


def moved(space: SearchSpace, parents: Archs, count: int, rng: np.random.Generator) -> Archs:
    """Return `count` children of parents drawn alike: half mutants, half crossed and mutated.

    On average one and a half decisions of each mutation change.
    """
    rate = min(1.0, 1.5 / len(space.decisions))
    mothers, fathers = (parents[rng.integers(0, len(parents), count)] for _ in range(2))
    half = count // 2
    crossed = crossover(space, mothers[half:], fathers[half:], rng)
    return mutate(space, np.concatenate([mothers[:half], crossed]), rate, rng)


def drawn(memory: Memory, parents: Archs, count: int, rng: np.random.Generator) -> Archs:
    """Return about `count` candidates that were not asked for: a quarter draws, the rest moved."""
    wide = sample(memory.space, count // 4, rng)
    return memory.fresh(
        np.concatenate([moved(memory.space, parents, count - len(wide), rng), wide])
    )

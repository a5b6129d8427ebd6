"""Searchers that work in generations: one is evaluated as a whole before the next is bred.

Of a generation only what nobody asked for is evaluated; the rest is answered from memory. One that
is known as a whole costs nothing, and the next is bred at once.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.searcher import Known
from heliostat_methods.pnag.spaces.space import Archs

MOST_KNOWN = 20
"""Generations in a row that may be known as a whole before a searcher is taken for stuck."""


class Breeder(Protocol):
    """Makes generations."""

    def first(self) -> Archs:
        """Return the first generation (n, decisions), canonical."""
        ...

    def breed(self, generation: Known) -> Archs:
        """Return the next generation, given what the last one was worth."""
        ...


class Generations:
    """Proposes what is not known of the current generation of a breeder."""

    def __init__(self, breeder: Breeder) -> None:
        self._breeder = breeder
        self._current: Archs | None = None

    def propose(self, count: int, memory: Memory) -> Archs:
        """Return the rest of this generation, or of the next; none where all of many are known."""
        current = self._breeder.first() if self._current is None else self._current
        for _ in range(MOST_KNOWN):
            new = memory.fresh(current)
            if len(new):
                self._current = current
                return new
            current = self._breeder.breed(recalled(memory, current))
        self._current = current
        return current[:0]


class Shares:
    """Several proposers one after the other, each with its own share of evaluations."""

    def __init__(self, members: list[Generations], share: int) -> None:
        self._members = members
        self._share = share
        self._start: int | None = None

    def propose(self, count: int, memory: Memory) -> Archs:
        """Return what the member whose turn it is proposes, no more than is left of its share."""
        start = self._start = len(memory) if self._start is None else self._start
        done = len(memory) - start
        turn = min(done // self._share, len(self._members) - 1)
        last = turn == len(self._members) - 1
        left = count if last else self._share - done % self._share
        return self._members[turn].propose(min(count, left), memory)[:left]


def recalled(memory: Memory, archs: Archs) -> Known:
    """Return what known architectures are worth, in their order."""
    places: np.ndarray[tuple[int], np.dtype[np.int64]] = memory.places(archs)
    known = memory.known
    return Known(archs, known.accuracy[places], known.cost[places])

"""How many items travel together: enough to hide the cost of a message, few enough to lose little.

Chunks are transport only. What an item computes, its key and its stream do not depend on them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from heliostat.contract.task import Resources
from heliostat.errors import Key
from heliostat.worker.work import Work

TARGET_SECONDS = 0.1
LARGEST = 4096


class ChunkSize:
    """Adapts to about `TARGET_SECONDS` of work a chunk, growing at most 2x + 1 a step."""

    def __init__(self) -> None:
        self._size = 1
        self._seconds: float | None = None

    @property
    def size(self) -> int:
        """Items for the next chunk."""
        return self._size

    def learn(self, items: int, seconds: float) -> None:
        """Take in how long a chunk's tasks ran (not how long it waited)."""
        each = seconds / items
        self._seconds = each if self._seconds is None else 0.7 * self._seconds + 0.3 * each
        fitting = int(TARGET_SECONDS / max(self._seconds, 1e-9))
        self._size = max(1, min(fitting, 2 * self._size + 1, LARGEST))


@dataclass
class Chunk:
    """Items that travel together."""

    works: list[Work]

    def halves(self) -> list[Chunk]:
        """Split a lost chunk, so that the item that kills its worker is found by bisection."""
        middle = len(self.works) // 2
        return [Chunk(self.works[:middle]), Chunk(self.works[middle:])]


@dataclass
class ChunkQueue:
    """Items waiting for a worker, first come first served; lost chunks go before new items."""

    clock: Callable[[], float] = time.monotonic
    _fresh: deque[Work] = field(default_factory=deque)
    _again: deque[Chunk] = field(default_factory=deque)
    _resting: list[tuple[float, Chunk]] = field(default_factory=list)
    _sizes: dict[str, ChunkSize] = field(default_factory=dict)

    def __len__(self) -> int:
        again = sum(len(chunk.works) for chunk in self._again) if self._again else 0
        return len(self._fresh) + again + self.resting

    def size_of(self, function: str) -> ChunkSize:
        """Return the adaptive size for one task function."""
        return self._sizes.setdefault(function, ChunkSize())

    def largest_size(self) -> int:
        """Return the largest current size, which sets how far ahead items are wanted."""
        return max((size.size for size in self._sizes.values()), default=1)

    def add(self, work: Work) -> None:
        """Queue a new item."""
        self._fresh.append(work)

    def put_back(self, chunks: Iterable[Chunk], after: float = 0.0) -> None:
        """Queue chunks that were lost with their worker, to be taken after so many seconds."""
        if after > 0:
            self._resting += [(self.clock() + after, chunk) for chunk in chunks]
        else:
            self._again.extend(chunks)

    @property
    def resting(self) -> int:
        """Items that were lost and may not be taken yet."""
        return sum(len(chunk.works) for _, chunk in self._resting) if self._resting else 0

    def rest(self) -> float:
        """Return the seconds until a chunk that rests may be taken; 0 when none rests."""
        due = min((at for at, _ in self._resting), default=0.0)
        return max(0.0, due - self.clock()) if self._resting else 0.0

    def needs(self) -> list[Resources]:
        """Return what the items that wait need, each once."""
        chunks = [*self._again, *(chunk for _, chunk in self._resting)]
        waiting = [*(chunk.works[0] for chunk in chunks), *self._fresh]
        return list(dict.fromkeys(work.resources for work in waiting))

    def drop(self, keys: set[Key]) -> None:
        """Take out items that nobody waits for."""
        self._fresh = deque(work for work in self._fresh if work.key not in keys)
        kept = (Chunk([w for w in chunk.works if w.key not in keys]) for chunk in self._again)
        self._again = deque(chunk for chunk in kept if chunk.works)
        # one item each: what rests was lost alone
        self._resting = [(at, c) for at, c in self._resting if c.works[0].key not in keys]

    def take(self, slots: int, alone: bool) -> Chunk | None:
        """Return the next chunk: items of one function and equal needs, spread over `slots`.

        A measurement leaves only when nothing else runs, which `alone` says.
        """
        if self._resting:
            now = self.clock()
            self._again.extend(chunk for at, chunk in self._resting if at <= now)
            self._resting = [(at, chunk) for at, chunk in self._resting if at > now]
        if self._again:
            if self._again[0].works[0].observed and not alone:
                return None
            return self._again.popleft()
        if not self._fresh:
            return None
        first = self._fresh[0]
        if first.observed and not alone:
            return None
        fair = -(-len(self._fresh) // max(1, slots))
        limit = 1 if first.long else max(1, min(self.size_of(first.function).size, fair))
        works: list[Work] = []
        while self._fresh and len(works) < limit and _travels_with(first, self._fresh[0]):
            works.append(self._fresh.popleft())
        return Chunk(works)


def _travels_with(first: Work, other: Work) -> bool:
    return (
        other.function == first.function
        and other.scope == first.scope
        and other.resources == first.resources
        and other.shared == first.shared
        and other.long == first.long
    )

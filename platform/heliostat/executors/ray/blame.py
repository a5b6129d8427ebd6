"""Whose fault it is that workers die: an item's, or the machine's.

An item that takes its workers down is lost again each time it is alone, while others are done. What
kills workers from outside takes different items, and those are done when they are tried again. So
a loss counts against an item unless, at about that time, another item was lost alone that has been
done since; and where item after item is lost and nothing is done, the machine is to blame.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from heliostat.errors import Key, key_text

IN_A_ROW = 8
"""Different items lost one after the other, with nothing done between them, blame the machine."""
OTHERS = 4
"""As many others, lost while one item lost all its chances and nothing was done, blame it too."""
DONE_FOR_EACH = 3
"""There is no doubt about an item if, lately, so many chunks were done for each other one lost."""
LATELY_SECONDS = 30.0
"""How long before an item's first loss that begins."""
DOUBTFUL_LOSSES = 8
"""Losses that count, after which an item in doubt is given up."""
MOST_LOSSES = 16
"""Losses of one item, some of them excused, that are borne before the run pauses."""
NEIGHBOUR_SECONDS = 10.0
"""How far apart losses may be that one cause outside of the items is taken to have."""
KEPT = 512
"""Losses, and ends of chunks, that are looked back at."""


class Blame:
    """Which items were lost with their workers, and which of them were done since.

    An item is given up at `retries + 1` losses that count. Without `may_pause` every loss counts,
    and the machine is never blamed.
    """

    def __init__(
        self,
        retries: int,
        may_pause: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._retries = retries
        self._may_pause = may_pause
        self._clock = clock
        self._losses: dict[Key, list[float]] = {}
        self._lost_at: deque[tuple[float, Key]] = deque(maxlen=KEPT)
        self._done_at: deque[float] = deque(maxlen=KEPT)
        self._innocent: deque[float] = deque(maxlen=KEPT)
        self._row: list[frozenset[Key]] = []
        self.machine = ""
        """Why the machine is to blame, once it is."""

    def lost(self, keys: Sequence[Key]) -> None:
        """Note items that were lost together with their worker."""
        alone = len(keys) == 1
        if not (alone and keys[0] in self._losses):  # else it says nothing new of the machine
            gone = frozenset(keys)
            # of a chunk and its halves, which are lost one after the other, the halves count
            self._row = [*(other for other in self._row if not gone <= other), gone]
        if alone:
            now = self._clock()
            self._losses.setdefault(keys[0], []).append(now)
            self._lost_at.append((now, keys[0]))
        if self._may_pause and not self.machine:
            self.machine = self._in_a_row() or (self._beside_others(keys[0]) if alone else "")

    def losses(self, key: Key) -> int:
        """Return how often an item was lost alone."""
        return len(self._losses.get(key, ()))

    def is_given_up(self, key: Key) -> bool:
        """Return whether an item has lost more workers than can be anyone else's fault."""
        counted = self._counted(key)
        if self.machine or len(counted) <= self._retries:
            return False
        if not self._may_pause or len(counted) >= max(DOUBTFUL_LOSSES, self._retries + 1):
            return True
        others, done = self._since(counted[0] - LATELY_SECONDS, key)
        return done >= DONE_FOR_EACH * len(others)

    def done(self, keys: Iterable[Key]) -> None:
        """Note a chunk that was done: what its items lost before was not their own fault."""
        self._row.clear()
        if self._lost_at:
            self._done_at.append(self._clock())
            for key in keys:
                self._innocent.extend(self._losses.pop(key, ()))

    def forget(self, key: Key) -> None:
        """Let nothing count against an item any more: it made progress, or nobody waits for it."""
        self._losses.pop(key, None)

    def _since(self, since: float, key: Key) -> tuple[list[Key], int]:
        """Return the items but one that were lost since then, and how many chunks were done."""
        others = {other for at, other in self._lost_at if at >= since and other != key}
        return sorted(others), sum(at > since for at in self._done_at)

    def _counted(self, key: Key) -> list[float]:
        losses = self._losses.get(key, [])
        return [at for at in losses if not (self._may_pause and self._is_excused(at))]

    def _is_excused(self, at: float) -> bool:
        return any(abs(at - other) <= NEIGHBOUR_SECONDS for other in self._innocent)

    def _in_a_row(self) -> str:
        lost = [min(keys) for keys in self._row]
        return _nothing_done(lost) if len(lost) >= IN_A_ROW else ""

    def _beside_others(self, key: Key) -> str:
        """Return why the machine is to blame for the losses of one item, if it is."""
        losses, counted = self.losses(key), len(self._counted(key))
        others, done = self._since(self._losses[key][0], key)
        if counted > self._retries and not done and len(others) >= OTHERS:
            return _nothing_done([key, *others])
        if losses > counted and losses >= max(MOST_LOSSES, 2 * self._retries):
            return (
                f"item {key_text(key)} lost its worker {losses} times, while others that lost "
                "theirs at about the same times were done later"
            )
        return ""


def _nothing_done(keys: Sequence[Key]) -> str:
    shown = ", ".join(map(key_text, keys[:3]))
    return f"{len(keys)} different items lost their workers with none done between: {shown}, ..."

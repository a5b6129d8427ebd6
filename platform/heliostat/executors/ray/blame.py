"""Whose fault it is that workers die: an item's, or the machine's.

An item that takes its workers down is lost again each time it is alone. What kills workers from
outside takes different items, and those are done when they are tried again. So a loss counts
against an item unless, at about that time, another item was lost alone that has been done since;
and where item after item is lost and nothing is done, the machine is to blame and no item.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from heliostat.errors import Key, key_text

IN_A_ROW = 12
"""Different items lost one after the other, with nothing done between them, blame the machine."""
OTHERS = 4
"""As many, lost while one item lost all its chances and nothing was done, blame it too."""
NEIGHBOUR_SECONDS = 10.0
"""How far apart losses may be that one cause outside of the items is taken to have."""
MOST_LOSSES = 16
"""Losses of one item, counted or not, that are borne before the run pauses."""
INNOCENT_KEPT = 1024


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
        self._innocent: deque[float] = deque(maxlen=INNOCENT_KEPT)
        self._row: list[frozenset[Key]] = []
        self._last_done = clock()
        self.machine = ""
        """Why the machine is to blame, once it is."""

    def lost(self, keys: Sequence[Key]) -> None:
        """Note items that were lost together with their worker."""
        again = len(keys) == 1 and keys[0] in self._losses
        if not again:  # else it says nothing new of the machine
            gone = frozenset(keys)
            # of a chunk and its halves, which are lost one after the other, the halves count
            self._row = [*(other for other in self._row if not gone <= other), gone]
        if len(keys) == 1:
            self._losses.setdefault(keys[0], []).append(self._clock())
        if self._may_pause and not self.machine:
            self.machine = self._in_a_row() or (self._alone(keys[0]) if len(keys) == 1 else "")

    def losses(self, key: Key) -> int:
        """Return how often an item was lost alone."""
        return len(self._losses.get(key, ()))

    def is_given_up(self, key: Key) -> bool:
        """Return whether an item has lost more workers than can be anyone else's fault."""
        return not self.machine and self._counted(key) > self._retries

    def done(self, keys: Iterable[Key]) -> None:
        """Note items that were done: what they lost before was not their own fault."""
        self._last_done = self._clock()
        self._row.clear()
        if self._losses:
            for key in keys:
                self._innocent.extend(self._losses.pop(key, ()))

    def forget(self, key: Key) -> None:
        """Let nothing count against an item any more: it made progress, or nobody waits for it."""
        self._losses.pop(key, None)

    def _counted(self, key: Key) -> int:
        losses = self._losses.get(key, ())
        return sum(not (self._may_pause and self._is_excused(at)) for at in losses)

    def _is_excused(self, at: float) -> bool:
        return any(abs(at - other) <= NEIGHBOUR_SECONDS for other in self._innocent)

    def _in_a_row(self) -> str:
        if len(self._row) < IN_A_ROW:
            return ""
        return _nothing_done([next(iter(lost)) for lost in self._row])

    def _alone(self, key: Key) -> str:
        """Return why the machine is to blame for the losses of one item, if it is."""
        losses = self._losses[key]
        if self._counted(key) > self._retries and self._last_done < losses[0]:
            others = [
                other for other, at in self._losses.items() if other != key and at[-1] >= losses[0]
            ]
            return _nothing_done([key, *others]) if len(others) >= OTHERS else ""
        if len(losses) > self._counted(key) and len(losses) >= max(MOST_LOSSES, self._retries):
            return (
                f"item {key_text(key)} lost its worker {len(losses)} times, while others that lost "
                "theirs at about the same times were done later"
            )
        return ""


def _nothing_done(keys: Sequence[Key]) -> str:
    shown = ", ".join(map(key_text, keys[:3]))
    return f"{len(keys)} different items lost their workers with none done between: {shown}, ..."

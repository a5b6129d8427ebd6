"""Sub-searches side by side: threads of which exactly one runs, switching only inside `run.*`.

Threads let a sub-search be an ordinary function that waits where it needs an outcome. Because only
the holder of the turn runs, and it gives the turn away only while it waits, sub-searches need no
locks, and nothing they compute depends on how the operating system schedules them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from heliostat.errors import Interrupted

R = TypeVar("R")


def _always() -> bool:
    return True


class _Turn:
    """One thread's place in the ring; `runnable` says whether what it waits for has come."""

    def __init__(self, group: _Group | None) -> None:
        self.group = group
        self.go = threading.Event()
        self.runnable: Callable[[], bool] = _always


class _Group:
    """The sub-searches of one `gather`; when one fails the others are abandoned."""

    def __init__(self, parent: _Turn, size: int) -> None:
        self.parent = parent
        self.running = size
        self.aborted = False

    def is_aborted(self) -> bool:
        outer = self.parent.group
        return self.aborted or (outer is not None and outer.is_aborted())


class Turns:
    """Whose turn it is."""

    def __init__(self) -> None:
        self._current = _Turn(None)
        self._ring: list[_Turn] = [self._current]

    @property
    def side_by_side(self) -> bool:
        """Whether sub-searches are under way."""
        return self._current.group is not None

    def check(self) -> None:
        """Raise Interrupted in a sub-search whose sibling failed."""
        group = self._current.group
        if group is not None and group.is_aborted():
            raise Interrupted("another sub-search of the same gather failed")

    def give_way(self, ready: Callable[[], bool]) -> bool:
        """Let another sub-search go on until `ready`; False when none can go on now."""
        me = self._current
        other = self._next_after(me)
        if other is None:
            return False
        me.runnable = ready
        me.go.clear()
        other.go.set()
        me.go.wait()
        me.runnable = _always
        self._current = me
        return True

    def _next_after(self, me: _Turn) -> _Turn | None:
        place = self._ring.index(me)
        others = self._ring[place + 1 :] + self._ring[:place]
        return next((turn for turn in others if turn.runnable()), None)

    def run(self, searches: Sequence[Callable[[], R]]) -> list[R]:
        """Run the searches to their ends; raises the first failure in order of the searches."""
        if not searches:
            return []
        parent = self._current
        group = _Group(parent, len(searches))
        turns = [_Turn(group) for _ in searches]
        results: list[Any] = [None] * len(searches)
        errors: list[BaseException | None] = [None] * len(searches)

        def body(i: int) -> None:
            me = turns[i]
            me.go.wait()
            self._current = me
            try:
                self.check()
                results[i] = searches[i]()
            except BaseException as error:
                errors[i] = error
                group.aborted = True
            self._leave(me, group)

        place = self._ring.index(parent)
        self._ring[place : place + 1] = turns
        for i in range(len(searches)):
            threading.Thread(target=body, args=(i,), name=f"sub-search {i}", daemon=True).start()
        parent.go.clear()
        turns[0].go.set()
        parent.go.wait()
        self._current = parent
        failures = [error for error in errors if error is not None]
        if failures:
            raise next((e for e in failures if not isinstance(e, Interrupted)), failures[0])
        return results

    def _leave(self, me: _Turn, group: _Group) -> None:
        group.running -= 1
        place = self._ring.index(me)
        if group.running == 0:
            self._ring[place] = group.parent
            group.parent.go.set()
            return
        # A waiting sub-search woken early looks again at what it waits for, so any one will do.
        other = self._next_after(me) or self._ring[(place + 1) % len(self._ring)]
        del self._ring[place]
        other.go.set()

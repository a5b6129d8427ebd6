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

    def __init__(self, group: _Group | None = None, number: int = 0) -> None:
        self.group = group
        self.number = number
        self.go = threading.Event()
        self.runnable: Callable[[], bool] = _always

    def is_abandoned(self) -> bool:
        """Whether an earlier sibling failed, nobody takes it, or its parent is abandoned."""
        group = self.group
        if group is None:
            return False
        failed = group.first_failed
        return (failed is not None and failed < self.number) or group.parent.is_abandoned()


class Branch:
    """A sub-search that goes on while the one that began it waits; `done` when it ended."""

    def __init__(self, turn: _Turn) -> None:
        self._turn = turn
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None

    def abandon(self) -> None:
        """Interrupt it where it next looks: nobody will take its result."""
        if self._turn.group is not None:
            self._turn.group.fail(-1)


class _Group:
    """The sub-searches of one `gather`.

    When one fails, those after it are abandoned and those before it go on: which failure is raised,
    and what had been delivered until then, must not depend on who was faster.
    """

    def __init__(self, parent: _Turn, size: int) -> None:
        self.parent = parent
        self.running = size
        self.first_failed: int | None = None

    def fail(self, number: int) -> None:
        if self.first_failed is None or number < self.first_failed:
            self.first_failed = number


class SubSearchFailed(Exception):
    """Carries the number of the first sub-search that failed and its error."""

    def __init__(self, number: int, error: BaseException) -> None:
        self.number, self.error = number, error


class Turns:
    """Whose turn it is."""

    def __init__(self) -> None:
        self._current = self._root = _Turn()
        self._ring: list[_Turn] = [self._current]
        self._errand: Callable[[], None] | None = None

    @property
    def side_by_side(self) -> bool:
        """Whether sub-searches are under way."""
        return self._current.group is not None

    def check(self) -> None:
        """Raise Interrupted in a sub-search that was abandoned."""
        if self._current.is_abandoned():
            raise Interrupted("nobody waits for this sub-search any more")

    def give_way(self, ready: Callable[[], bool]) -> bool:
        """Let another sub-search go on until `ready`; False when none can go on now."""
        me = self._current
        other = self._next_after(me)
        if other is None:
            return False
        me.runnable = ready
        self._hand_over(me, other)
        me.runnable = _always
        return True

    def in_first_thread(self, errand: Callable[[], None]) -> None:
        """Run an errand in the thread of the main search, which waits while sub-searches run.

        Processes that a thread starts may be bound to that thread's life (Ray's are), and the
        threads of sub-searches end before the run does.
        """
        me, errors = self._current, []
        if me is self._root:
            errand()
            return

        def guarded() -> None:
            try:
                errand()
            except BaseException as error:
                errors.append(error)
            me.go.set()

        self._errand = guarded
        self._hand_over(me, self._root)
        if errors:
            raise errors[0]

    def branch(self, search: Callable[[], object]) -> Branch:
        """Begin a sub-search that gets its turns whenever others wait; the caller goes on."""
        me = _Turn(_Group(self._current, 1))
        branch = Branch(me)

        def body() -> None:
            me.go.wait()
            self._current = me
            try:
                self.check()
                branch.result = search()
            except BaseException as error:
                branch.error = error
            branch.done = True
            self._pass_on(me)

        self._ring.insert(self._ring.index(self._current) + 1, me)
        threading.Thread(target=body, name="branch", daemon=True).start()
        return branch

    def dismiss(self) -> None:
        """End the branches that the main search left behind: each is interrupted where it waits."""
        if self._current is not self._root or self._root not in self._ring:
            return
        for turn in self._ring:
            if turn.group is not None:
                turn.group.fail(-1)
        while len(self._ring) > 1:
            place = self._ring.index(self._root)
            self._hand_over(self._root, self._ring[(place + 1) % len(self._ring)])

    def _hand_over(self, me: _Turn, other: _Turn) -> None:
        me.go.clear()
        other.go.set()
        me.go.wait()
        while me is self._root and self._errand is not None:
            errand, self._errand = self._errand, None
            me.go.clear()
            errand()
            me.go.wait()
        self._current = me

    def _next_after(self, me: _Turn) -> _Turn | None:
        if len(self._ring) == 1:
            return None
        place = self._ring.index(me)
        others = self._ring[place + 1 :] + self._ring[:place]
        return next((turn for turn in others if turn.runnable()), None)

    def run(self, searches: Sequence[Callable[[], R]]) -> list[R]:
        """Run the searches to their ends; raises SubSearchFailed for the first in their order."""
        if not searches:
            return []
        parent = self._current
        group = _Group(parent, len(searches))
        turns = [_Turn(group, number) for number in range(len(searches))]
        results: list[Any] = [None] * len(searches)
        errors: dict[int, BaseException] = {}

        def body(me: _Turn) -> None:
            me.go.wait()
            self._current = me
            try:
                self.check()
                results[me.number] = searches[me.number]()
            except BaseException as error:
                errors[me.number] = error
                group.fail(me.number)
            self._leave(me, group)

        place = self._ring.index(parent)
        self._ring[place : place + 1] = turns
        for turn in turns:
            name = f"sub-search {turn.number}"
            threading.Thread(target=body, args=(turn,), name=name, daemon=True).start()
        self._hand_over(parent, turns[0])
        if errors:
            first = min(errors)
            raise SubSearchFailed(first, errors[first])
        return results

    def _leave(self, me: _Turn, group: _Group) -> None:
        group.running -= 1
        place = self._ring.index(me)
        if group.running == 0:
            self._ring[place] = group.parent
            group.parent.go.set()
            return
        self._pass_on(me)

    def _pass_on(self, me: _Turn) -> None:
        # A waiting sub-search woken early looks again at what it waits for, so any one will do.
        place = self._ring.index(me)
        other = self._next_after(me) or self._ring[(place + 1) % len(self._ring)]
        del self._ring[place]
        other.go.set()

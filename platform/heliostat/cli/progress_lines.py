"""When a search's progress is a line of its own, where nothing can be kept in place.

A line every tenth of a phase or every half minute, whichever comes first, and one where a phase
begins. Many sub-searches, or many short phases, share the half minutes once they have said enough:
a log of a long run is no wall.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from heliostat.errors import Key
from heliostat.store.pace import Pace
from heliostat.terminal import printable

SHORT_SECONDS = 2.0
"""Least time between two lines of one search; a sub-search that takes less says nothing."""
LONG_SECONDS = 30.0
"""Time after which there is a line whatever the step."""
MOST_LINES = 40
"""Lines of sub-searches, and hasty ones of the main search, before they share the half minutes."""

WIDTH = 79
"""Columns of a line, as far as metrics fill it."""
LONGEST_PHASE = 40
"""Characters of a phase in a line."""


@dataclass
class _Said:
    """What a search said last, and when."""

    step: int
    tenth: int
    phase: str
    at: float = field(default=-LONG_SECONDS)


class Lines:
    """Decides for each step whether it is said; times are seconds on any one clock."""

    def __init__(self) -> None:
        self._said: dict[Key, _Said] = {}
        self._of_parts = 0
        self._hasty = 0
        self._newest_of_parts = -LONG_SECONDS
        self._newest: float | None = None

    def due(self, scope: Key, pace: Pace, now: float) -> bool:
        """Return whether what a search has come to is said now, and take it as said."""
        said = self._said.get(scope)
        tenth = 10 * pace.step // pace.of if pace.of else 0
        anew = said is None or pace.phase != said.phase or pace.step < said.step
        ends = pace.step == pace.of and (anew or said is None or pace.step != said.step)
        since = now - (-LONG_SECONDS if said is None else said.at)
        rushed = since < SHORT_SECONDS
        wanted = anew or ends or since >= LONG_SECONDS
        if said is not None and not rushed:
            wanted = wanted or tenth > said.tenth
        if not wanted or not self._room(scope, pace, now, rushed):
            if said is not None and anew:  # it was not said, and counts from the beginning
                said.tenth, said.phase, said.step = tenth, pace.phase, pace.step
            return False
        self._said[scope] = _Said(pace.step, tenth, pace.phase, now)
        self._newest = now
        return True

    def _room(self, scope: Key, pace: Pace, now: float, rushed: bool) -> bool:
        if not scope:
            self._hasty += rushed
            return not rushed or self._hasty <= MOST_LINES
        if now - pace.began < SHORT_SECONDS:
            return False  # a search of many short sub-searches shows its own steps
        if self._of_parts >= MOST_LINES and now - self._newest_of_parts < LONG_SECONDS:
            return False
        self._of_parts += 1
        self._newest_of_parts = now
        return True

    def silent_for_long(self, now: float) -> bool:
        """Return whether nothing was said for half a minute, and count it as said."""
        if self._newest is None or now - self._newest < LONG_SECONDS:
            self._newest = now if self._newest is None else self._newest
            return False
        self._newest = now
        if () in self._said:
            self._said[()].at = now
        return True


def line(
    scope: Key, pace: Pace, unit: str, now: float | None, failures: int = 0, tasks: int = 0
) -> str:
    """Return what a search has come to, in one line; an empty `unit` is left out."""
    from heliostat.amounts import duration
    from heliostat.cli.searches_table import cut

    parts = [f"[{'.'.join(map(str, scope))}]"] if scope else []
    parts += [cut(printable(pace.phase), LONGEST_PHASE)] if pace.phase else []
    if pace.step or pace.of:
        parts.append(f"step {pace.step}" + (f"/{pace.of}" if pace.of else ""))
    rest = []
    rate = pace.rate(now)
    if rate is not None:
        rest.append(f"{rate:.3g} {unit}/s" if unit else f"{rate:.3g}/s")
    if tasks:
        rest.append(f"{tasks} tasks done")
    if failures:
        rest.append(f"{failures} failed")
    left = pace.seconds_left(now)
    if left is not None:
        rest.append(f"{duration(left)} left")
    room = WIDTH - len("  ".join([*parts, *rest]))
    # those that the method names first; all of them are in the journal
    for name, value in pace.metrics.items():
        said = f"{printable(name)} {value:.4g}"
        room -= len(said) + 2
        if room < 0:
            break
        parts.append(said)
    return "  ".join([*parts, *rest])

"""When a search ends because its tasks fail: going on would only fail more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat.errors import Key, TooManyFailures
from heliostat.store.database.rows import Row
from heliostat.values.outcome import Outcome

FEWEST_TO_GIVE_UP = 8
"""A `map` in which every item failed ends the search if it had so many."""
FAILURES_TO_STOP = 64
"""A call, or a search that submits, ends when so many outcomes failed and none came before."""


def refuse_if_all_failed(call: Key, function: str, outcomes: Sequence[Outcome[Any]]) -> None:
    """Raise TooManyFailures, naming the first, if a call has many outcomes and all failed."""
    failed = [outcome for outcome in outcomes if outcome.failure is not None]
    if len(failed) == len(outcomes) >= FEWEST_TO_GIVE_UP:
        first = failed[0]
        assert first.failure is not None
        raise TooManyFailures(call, function, len(failed), first.failure.kind, at=first.key)


class Failing:
    """Ends a search whose tasks fail from the first one on."""

    def __init__(self) -> None:
        self._first: Row | None = None
        self._count: int | None = 0

    def take(self, row: Row) -> None:
        """Take an outcome in the order of keys; raises TooManyFailures, naming the first."""
        if self._count is None:
            return
        if row.failure is None:
            self._count = None
            return
        self._first = self._first or row
        self._count += 1
        if self._count == FAILURES_TO_STOP and self._first.failure is not None:
            raise TooManyFailures(
                self._first.key[:-1],
                self._first.function,
                self._count,
                self._first.failure.kind,
                at=self._first.key,
                early=True,
            )

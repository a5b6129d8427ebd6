"""Reading the journaled outcomes of a long call some at a time, as a replay asks for them."""

from __future__ import annotations

from heliostat.errors import Key
from heliostat.store.database.rows import Row
from heliostat.store.journal import Journal

PAGE = 512
"""Rows read at a time."""


class Pages:
    """The journaled outcomes of one call, asked for in the order of its items.

    Without a journal there are none: the run is at its beginning.
    """

    def __init__(self, journal: Journal | None, call: Key) -> None:
        self._journal, self._call = journal, call
        self._rows: dict[int, Row] = {}

    def get(self, number: int) -> Row | None:
        """Return the outcome of an item, or None when it is not journaled."""
        if self._journal is None:
            return None
        if number % PAGE == 0:
            self._rows = self._journal.page(self._call, number, PAGE)
        return self._rows.pop(number, None)

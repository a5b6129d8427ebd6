"""What a search lost without a word: told as a warning with a count, and a label of the run.

A search may bear failures, leave outcomes and start threads. Where all of a call failed, where
nobody took an outcome or an error, its result most likely rests on less than its author thinks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from heliostat.engine.engine import Engine
from heliostat.errors import Key, key_text, told
from heliostat.store.database.rows import Row
from heliostat.store.journal import Journal
from heliostat.terminal import printable

FEWEST = 2
"""Tasks of a call, or of a search's single calls, that all have to fail to be told of."""
LONGEST_ERROR = 200
"""Characters that are said of an error."""
LEAD = "the search lost "
"""How each of these labels begins."""


def neglected(engine: Engine) -> list[str]:
    """Return a sentence for each kind of thing that a search which has ended lost."""
    journal = engine.journal
    journal.save_calls(engine.take_unsaved_calls())
    found = [_all_failed(journal, journal.failures())]
    lost = engine.lost
    if lost.untaken:
        found.append(f"{_count(lost.untaken, 'outcome')} that it asked for and never took (next)")
    if lost.errors:
        first = printable(told(lost.errors[0]))[:LONGEST_ERROR]
        found.append(f"{_count(len(lost.errors), 'error')} in threads; the first: {first}")
    return [LEAD + text for text in found if text]


def _all_failed(journal: Journal, failures: Sequence[Row]) -> str:
    calls: dict[Key, list[Row]] = defaultdict(list)
    for row in failures:
        calls[row.key[:-1]].append(row)
    every = len(failures) == journal.count_delivered()
    gone = [
        rows
        for call, rows in calls.items()
        if every or (len(rows) >= FEWEST and not journal.any_done(call))
    ]
    if not gone:
        return ""
    first = gone[0][0]
    where = f"call {key_text(first.key[:-1])}" if len(first.key) > first.depth + 1 else "its calls"
    more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
    kind = "" if first.failure is None else first.failure.kind
    tasks = _count(sum(map(len, gone)), "task")
    return f"{tasks}, all of {where}{more}, to failures ({first.function}: {kind})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

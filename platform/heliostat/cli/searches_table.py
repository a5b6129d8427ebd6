"""How searches go, a row each, as a table that the terminal has room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from heliostat.amounts import duration
from heliostat.cli.progress_table import Column, Columns
from heliostat.errors import Key
from heliostat.store.pace import Pace
from heliostat.terminal import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

ROWS_SHOWN = 12
"""Sub-searches in the table, the newest ones."""
LONGEST_PHASE = 28
"""Characters of a phase in a row."""


class SearchesTable:
    """Draws searches for a run's own display and for `heliostat watch` alike."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._columns = Columns()

    def drawn(
        self, searches: Mapping[Key, Pace], failures: int, width: int, now: float | None
    ) -> RenderableType:
        """Return the table; without a clock's `now`, rates are those of the newest report."""
        from rich.console import Group

        inner = [one for one in searches.items() if one[0]]
        main = [((), searches[()])] if () in searches else []
        rows = main + inner[-ROWS_SHOWN:]
        table = self._columns.table(self._shown(rows, failures, now), width)
        left_out = len(inner) - ROWS_SHOWN
        return Group(table, f"and {left_out} earlier searches") if left_out > 0 else table

    def _shown(
        self, rows: Sequence[tuple[Key, Pace]], failures: int, now: float | None
    ) -> list[Column]:
        """Return what could be shown, most important first."""
        columns = []
        if any(scope for scope, _ in rows):
            names = [".".join(map(str, scope)) or "main" for scope, _ in rows]
            columns.append(Column("search", names, words=True))
        phases = [cut(printable(pace.phase), LONGEST_PHASE) for _, pace in rows]
        if any(phases):
            columns.append(Column("phase", phases, words=True))
        steps = [f"{s.step}/{s.of}" if s.of else f"{s.step or ''}" for _, s in rows]
        left = [s.seconds_left(now) for _, s in rows]
        rates = [s.rate(now) for _, s in rows]
        columns += [
            Column("step", steps),
            Column("left", ["" if seconds is None else duration(seconds) for seconds in left]),
        ]
        if failures:
            columns.append(Column("failed", [str(failures), *[""] * (len(rows) - 1)]))
        for name in dict.fromkeys(name for _, s in rows for name in s.metrics):
            cells = [f"{s.metrics[name]:.4g}" if name in s.metrics else "" for _, s in rows]
            columns.append(Column(printable(name).replace("_", " "), cells))
        per_second = ["" if rate is None else f"{rate:.3g}" for rate in rates]
        return [*columns, Column(f"{printable(self._unit)}/s", per_second)]


def cut(text: str, most: int) -> str:
    """Return a text of at most so many characters; two dots stand for what is missing."""
    return text if len(text) <= most else f"{text[: most - 2]}.."

"""Which runs a page shows, and in which order: what an address says, read leniently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from heliostat.ui.rows import Row

PAGE = 200
"""Rows of a page, unless all are asked for."""


def _best(row: Row) -> float | None:
    return next((value for value in row.best.values() if value == value), None)


SORTS: Mapping[str, Callable[[Row], object]] = {
    "run": lambda row: row.title.casefold(),
    "state": lambda row: row.state,
    "method": lambda row: row.method,
    "on": lambda row: row.on.casefold(),
    "step": lambda row: row.step,
    "best": _best,
    "tasks": lambda row: row.outcomes,
    "failures": lambda row: row.failures,
    "begun": lambda row: row.created,
    "duration": lambda row: row.seconds,
    "size": lambda row: row.bytes,
}
"""What rows can be sorted by; what has no value comes last in either direction."""


@dataclass(frozen=True)
class Wanted:
    """A filter and an order; "" is no wish. `tag` is KEY or KEY=VALUE."""

    state: str = ""
    method: str = ""
    tag: str = ""
    text: str = ""
    sort: str = "begun"
    order: str = "down"
    show: str = ""

    def query(self, **changes: str) -> str:
        """Return the query of an address with some wishes changed; defaults are left out."""
        wishes = {**asdict(self), **changes}
        plain = asdict(Wanted())
        return "?" + urlencode({k: v for k, v in wishes.items() if v != plain[k]})

    def turned(self, sort: str) -> str:
        """Return the query that sorts by something, the other way round if it is so already."""
        order = "up" if self.sort == sort and self.order == "down" else "down"
        return self.query(sort=sort, order=order)

    def fits(self, row: Row) -> bool:
        """Return whether a row is wanted."""
        return (
            self.state in ("", row.state)
            and self.method in ("", row.method)
            and _tagged(row, self.tag)
            and self.text.casefold() in _texts(row)
        )

    def of(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows that are wanted, in order."""
        value = SORTS[self.sort]
        there: list[tuple[object, Row]] = []
        last: list[Row] = []
        for row in rows:
            if self.fits(row):
                at = value(row)
                last.append(row) if at in (None, "") else there.append((at, row))
        there.sort(key=lambda pair: pair[0], reverse=self.order == "down")  # type: ignore[arg-type,return-value]
        return [row for _, row in there] + last

    def page(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Return the first rows, or all."""
        return rows if self.show == "all" else rows[:PAGE]


def wanted_in(query: Mapping[str, str]) -> Wanted:
    """Return what an address asks for; a wish that makes no sense is none."""
    found = {name: query.get(name, "")[:200] for name in asdict(Wanted())}
    if found["sort"] not in SORTS:
        found["sort"] = "begun"
    if found["order"] not in ("up", "down"):
        found["order"] = "down"
    return Wanted(**found)


def choices(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Return the states, methods and tags that there are."""
    every = list(rows)
    return {
        "state": sorted({row.state for row in every}),
        "method": sorted({row.method for row in every if row.method}),
        "tag": sorted({f"{k}={v}" if v else k for row in every for k, v in row.tags.items()}),
    }


def _tagged(row: Row, tag: str) -> bool:
    key, equals, value = tag.partition("=")
    return not tag or (key in row.tags and (not equals or row.tags[key] == value))


def _texts(row: Row) -> str:
    tags = [f"{key}={value}" for key, value in row.tags.items()]
    return "\n".join([row.run, row.name, row.method, row.on, row.note, *tags]).casefold()

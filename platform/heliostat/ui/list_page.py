"""The page of all runs: filter, order, and a table that is a stack of cards on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from heliostat.amounts import size
from heliostat.ui.figures import goals, moment, steps, took
from heliostat.ui.frame import badge, name_of, page, tags_of
from heliostat.ui.markup import Html, element, joined, link
from heliostat.ui.rows import DAMAGED, Row
from heliostat.ui.wanted import PAGE, SORTS, Wanted, choices

_NUMBERS = frozenset({"tasks", "duration", "size", "begun", "step"})
_ANY = {"state": "any state", "method": "any method", "tag": "any tag"}
_COLUMNS = [name for name in SORTS if name != "failures"]


def list_page(root: Path, rows: Sequence[Row], wanted: Wanted, unread: int, more: object) -> str:
    """Return the page; `more` stands between its head and the table."""
    return page(
        "Runs",
        element(
            "header",
            element("h1", "Runs"),
            element("p", "in ", name_of(str(root)), ", read-only"),
        ),
        more,
        _filter(rows, wanted),
        element(
            "form",
            element("div", list_part(rows, wanted, unread), id="list"),
            action="/compare",
            method="get",
            id="pick",
        ),
        events="/events",
        wide=True,
    )


def list_part(rows: Sequence[Row], wanted: Wanted, unread: int) -> Html:
    """Return what of the page changes with runs and wishes."""
    fitting = wanted.of(rows)
    shown = wanted.page(fitting)
    if not rows:
        return element("p", "There are no runs here yet. Begin one with: heliostat run METHOD")
    count = f"{len(fitting)} of {len(rows)} runs" if len(fitting) < len(rows) else _runs(len(rows))
    if len(shown) < len(fitting):
        count += f", the first {PAGE} are shown; "
    return joined(
        element(
            "p",
            count,
            link(wanted.query(show="all"), "show all") if len(shown) < len(fitting) else None,
            f"; {unread} are being read" if unread else None,
            " ",
            element("button", "Compare", type="submit"),
            class_="count",
        ),
        element(
            "table",
            element("thead", element("tr", element("th"), *[_head(n, wanted) for n in _COLUMNS])),
            element("tbody", *map(_line, shown)),
            class_="runs",
        )
        if shown
        else None,
    )


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _head(name: str, wanted: Wanted) -> Html:
    sorted_by = wanted.sort == name
    way = {"down": "descending", "up": "ascending"}[wanted.order] if sorted_by else None
    arrow = {"descending": " ↓", "ascending": " ↑"}.get(way or "")
    inner = link(wanted.turned(name), name, arrow)
    return element(
        "th", inner, scope="col", aria_sort=way, class_="n" if name in _NUMBERS else None
    )


def _line(row: Row) -> Html:
    title = link(f"/run/{row.key}", name_of(row.title))
    under = [element("small", name_of(row.run))] if row.name else []
    if row.state == DAMAGED:
        under.append(element("small", row.error, class_="why"))
    elif row.note:
        under.append(element("small", name_of(_first_line(row.note))))
    state = joined(badge(row.state), element("small", row.phase) if row.phase else None)
    tasks = f"{row.outcomes}"
    if row.failures:
        tasks += f" ({row.failures} failed)"
    pick = element(
        "input", type="checkbox", name="run", value=row.key, aria_label=f"compare {row.title}"
    )
    cells = {
        "run": joined(title, *under, tags_of(row.tags)),
        "state": state,
        "method": row.method or "–",
        "on": name_of(row.on) if row.on else "–",
        "step": steps(row.step, row.of),
        "best": goals(row.best),
        "tasks": tasks,
        "begun": moment(row.created),
        "duration": took(row.seconds, row.state),
        "size": size(row.bytes) if row.bytes else "–",
    }
    return element(
        "tr",
        element("td", pick, class_="pick"),
        *[_cell(name, cells[name]) for name in _COLUMNS],
        id=f"run-{row.key}",
    )


def _cell(name: str, content: object) -> Html:
    names = f"c-{name}" + (" n" if name in _NUMBERS else "") + (" none" if content == "–" else "")
    return element("td", content, class_=names, data_label=name)


def _first_line(note: str) -> str:
    line = note.strip().split("\n")[0]
    return line if len(line) <= 120 else line[:119] + "…"


def _filter(rows: Sequence[Row], wanted: Wanted) -> Html:
    parts: list[object] = [
        element(
            "input",
            type="search",
            name="text",
            value=wanted.text,
            placeholder="name, note, data set …",
            aria_label="text",
        )
    ]
    for name, every in choices(rows).items():
        now = getattr(wanted, name)
        options = [element("option", _ANY[name], value="")]
        options += [
            element("option", one, value=one, selected=one == now)
            for one in dict.fromkeys([*every, *([now] if now else [])])
        ]
        if len(options) > 1:
            parts.append(element("select", *options, name=name, aria_label=name))
    kept = {"sort": wanted.sort, "order": wanted.order, "show": wanted.show}
    parts += [element("input", type="hidden", name=k, value=v) for k, v in kept.items() if v]
    parts.append(element("button", "Filter", type="submit"))
    return element("form", *parts, action="/", method="get", id="filter", role="search")

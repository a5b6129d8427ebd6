"""The page of one run: what it does now, and below it the sections of its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from heliostat.amounts import size
from heliostat.errors import Key, key_text
from heliostat.report.typeset import number
from heliostat.store.folder import RunFolder
from heliostat.store.pace import Pace, Paces
from heliostat.store.view import RunView
from heliostat.ui.figures import duration, goals, moment, speed, steps, took
from heliostat.ui.frame import badge, facts, name_of, page, tags_of
from heliostat.ui.markup import Html, element, joined, link
from heliostat.ui.rows import DAMAGED, Row, row_of

MOST_SEARCHES = 30
MOST_EVENTS = 12
COUNTED = 20_000
"""Up to how many outcomes are read to count the workers of a run that goes on."""
_ENDED = ("stopped", "interrupted", "paused", "failed")


@dataclass(frozen=True)
class Now:
    """A run as it is now, read through `look`."""

    row: Row
    paces: dict[Key, Pace] = field(default_factory=dict)
    labels: Sequence[str] = ()
    error: str = ""
    workers: str = ""
    products: Sequence[dict[str, Any]] = ()
    events: Sequence[tuple[float, str, str]] = ()
    has_report: bool = False


def look(folder: RunFolder, paces: Paces) -> Now:
    """Read a run as it is now; raises StoreError for one that cannot be read.

    `paces` has what was read of its steps before, so that only new ones are.
    """
    view = RunView(folder, whole=False, alone=True)
    try:
        row = row_of(view.row())
        return Now(
            row=row,
            paces=dict(view.follow(paces)),
            labels=view.labels,
            error=view.error,
            workers=_workers(view, row.state, row.outcomes),
            products=view.products(),
            events=[e for e in view.events() if e[1] != "phase"][-MOST_EVENTS:],
            has_report=folder.report.is_file(),
        )
    finally:
        view.close()


def _workers(view: RunView, state: str, tasks: int) -> str:
    """Return who works or worked, "" where counting them would take long."""
    if state == "running":
        return f"{len(view.workers())}" if tasks <= COUNTED else ""
    executor = view.record.get("executor")
    if not isinstance(executor, dict):
        return ""
    kind, slots, nodes = (executor.get(name) for name in ("executor", "slots", "nodes"))
    where = f" on {nodes} nodes" if isinstance(nodes, int) and nodes > 1 else ""
    return f"{slots} ({kind}){where}"[:80]


def run_page(now: Now) -> str:
    """Return the page; the sections come when they are drawn."""
    row = now.row
    return page(
        row.title,
        element("div", head_part(now), id="head"),
        element(
            "main",
            element("p", "The sections of the report are being drawn …", class_="soft"),
            element("noscript", element("p", "Live sections need the page's own script.")),
            id="body",
        ),
        events=f"/run/{row.key}/events",
        trail=joined(" / ", name_of(row.title)),
    )


def damaged_page(row: Row) -> str:
    """Return the page of a run that cannot be read: why, and nothing else."""
    return page(
        row.title,
        element("header", element("h1", name_of(row.title)), element("p", badge(DAMAGED))),
        element("p", "This run cannot be read:"),
        element("pre", element("code", row.error)),
        trail=joined(" / ", name_of(row.title)),
    )


def head_part(now: Now) -> Html:
    """Return what changes while a run goes on: state, step, rate, time left, best, products."""
    row = now.row
    main = main_pace(now.paces)
    running = row.state == "running"
    left = main.seconds_left() if main and running else None
    return joined(
        element(
            "header",
            element("h1", name_of(row.title)),
            element(
                "p",
                badge(row.state),
                " · ",
                row.method,
                joined(" on ", name_of(row.on)) if row.on else None,
                f", seed {row.seed}" if row.seed is not None else None,
                joined(", ", element("code", row.run)) if row.name else None,
            ),
            tags_of(row.tags),
            element("p", name_of(row.note), class_="note") if row.note else None,
        ),
        *[element("p", element("strong", "Read this first: "), x) for x in now.labels],
        joined(element("p", "It ended with:"), element("pre", element("code", now.error)))
        if now.error
        else None,
        _bar(main) if running else None,
        facts(
            ("phase", main.phase if main else ""),
            ("step", steps(main.step, main.of) if main else ""),
            ("rate", speed(main.rate()) if main and running else ""),
            ("time left", duration(left) if left is not None else ""),
            ("best", goals(row.best, 6)),
            ("tasks", f"{row.outcomes}"),
            ("failures", f"{row.failures}" if row.failures else "none"),
            ("begun", moment(row.created)),
            ("duration", took(row.seconds, row.state)),
            ("workers", now.workers),
            ("size", size(row.bytes)),
            ("digest", element("code", row.digest[:12]) if row.digest else ""),
        ),
        _latest(main) if running else None,
        _searches(now.paces),
        _products(row, now.products),
        _events(now.events),
        element("p", "Go on with: ", element("code", f"heliostat resume {row.run}"))
        if row.state in _ENDED
        else None,
        element("p", link(f"/run/{row.key}/report", "report.html as it was written"))
        if now.has_report
        else None,
    )


def main_pace(paces: dict[Key, Pace]) -> Pace | None:
    """Return the pace of the main search, or of the one that reports most."""
    return paces.get(()) or max(paces.values(), key=lambda pace: pace.reports, default=None)


def _bar(main: Pace | None) -> Html | None:
    if main is None or not main.of:
        return None
    done = min(max(main.step, 0), main.of)
    return element("progress", value=done, max=main.of, aria_label="steps done")


def _latest(main: Pace | None) -> Html | None:
    """Return what the main search said last."""
    if main is None or not main.metrics:
        return None
    pairs = [(name, number(value)) for name, value in list(main.metrics.items())[:12]]
    return facts(*pairs)


def _searches(paces: dict[Key, Pace]) -> Html | None:
    """Return how the searches within the run go, the latest first."""
    inner = {scope: pace for scope, pace in paces.items() if scope}
    if len(inner) < 2:
        return None
    shown = list(inner.items())[-MOST_SEARCHES:][::-1]
    rows = [
        element(
            "tr",
            element("td", key_text(scope), data_label="search"),
            element("td", pace.phase or "–", data_label="phase"),
            element("td", steps(pace.step, pace.of), data_label="step", class_="n"),
            element("td", speed(pace.rate()), data_label="rate", class_="n"),
        )
        for scope, pace in shown
    ]
    heads = [element("th", name) for name in ("search", "phase")]
    heads += [element("th", name, class_="n") for name in ("step", "rate")]
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *rows))
    return element("details", element("summary", f"{len(inner)} searches within"), table)


def _products(row: Row, products: Sequence[dict[str, Any]]) -> Html | None:
    if not products:
        return None
    lines = [
        element(
            "li",
            element(
                "a",
                name_of(product["unique_name"]),
                href=f"/run/{row.key}/product?{urlencode({'name': product['unique_name']})}",
                download=True,
            ),
            element("small", f" {product['kind']}, {size(product['bytes'])}"),
        )
        for product in products
    ]
    return joined(element("h2", "Products"), element("ul", *lines, class_="products"))


def _events(events: Sequence[tuple[float, str, str]]) -> Html | None:
    if not events:
        return None
    lines = [
        element("li", element("small", moment(when)), " ", kind, ": ", text[:500])
        for when, kind, text in reversed(events)
    ]
    return element("details", element("summary", "What happened"), element("ul", *lines))

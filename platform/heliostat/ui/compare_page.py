"""Several runs side by side: what differs in configuration first, then results, then curves."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliostat.contract.sections import Plot, Section, Table, Text
from heliostat.errors import Key
from heliostat.report.html import fragment
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView
from heliostat.ui.curves import Points, metrics_by_scope, over_each_other
from heliostat.ui.figures import took
from heliostat.ui.frame import name_of, page
from heliostat.ui.markup import Html, element, joined, link

MOST = 12
"""Runs side by side."""
_LONGEST = 200
Cell = str | int | float | None


@dataclass(frozen=True)
class Side:
    """One of the runs that are compared."""

    key: str
    title: str
    about: Mapping[str, Cell]
    config: Mapping[str, str]
    result: Mapping[str, Cell]
    metrics: Mapping[str, Mapping[Key, Points]]


def side(folder: RunFolder, key: str) -> Side:
    """Read a run; raises StoreError for one that cannot be read."""
    view = RunView(folder, whole=False, alone=True)
    try:
        result = dict(_numbers(view.result))
        inputs = {f"input {label}": sha256[:12] for label, sha256 in view.inputs.items()}
        return Side(
            key=key,
            title=view.marks.name or view.id,
            about={
                "method": view.method,
                "on": view.about.on or None,
                "state": view.state,
                "seed": view.seed,
                "numerics": view.about.numerics or None,
                "code": view.code[:12] or None,
                "tasks": view.count(),
                "duration": took(view.seconds(), view.state),
                "digest": (view.digest or "")[:12] or None,
            },
            config={**dict(_flat(view.config)), **inputs},
            result={**view.best(), **result},
            metrics=metrics_by_scope(view),
        )
    finally:
        view.close()


def compare_page(sides: Sequence[Side], lost: Sequence[str]) -> str:
    """Return the page; `lost` says which runs could not be read."""
    lines = [element("p", text, class_="why") for text in lost]
    names = [element("li", link(f"/run/{one.key}", name_of(one.title))) for one in sides]
    if len(sides) < 2:
        lines.append(element("p", "Pick two runs or more in the list, then Compare."))
        content: object = element("ul", *names)
    else:
        content = joined(
            element("ul", *names),
            element("p", _verdict(sides)),
            # made by `report.html`, which escapes
            element("main", Html(fragment(sections(sides))), id="body"),
        )
    head = element("header", element("h1", "Compare"))
    return page("Compare", head, *lines, content, trail=" / compare", wide=True)


def sections(sides: Sequence[Side]) -> list[Section]:
    """Return what differs, as sections of a report."""
    titles = [one.title for one in sides]
    config = _table([one.config for one in sides], titles, "field")
    about = _table([one.about for one in sides], titles, "", all_rows=True)
    results = _table([one.result for one in sides], titles, "result", all_rows=True)
    plots: list[Plot | Text] = [*over_each_other([(one.title, one.metrics) for one in sides])]
    return [
        Section("Configuration", [config or Text("Their configurations are equal.")]),
        Section("Runs", [about] if about else []),
        Section("Results", [results or Text("None of them has numbers in its result yet.")]),
        Section("Curves", plots or [Text("None of them reported a metric.")]),
    ]


def _verdict(sides: Sequence[Side]) -> str:
    digests = [one.about["digest"] for one in sides]
    if all(digests) and len(set(digests)) == 1:
        return "Equal digests: their outcomes are equal, bit for bit."
    return "Their outcomes differ, or not all of them are finished."


def _table(
    columns: Sequence[Mapping[str, Cell]], titles: Sequence[str], what: str, all_rows: bool = False
) -> Table | None:
    """Return values by name, a column a run; only the names that differ unless all are asked."""
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [
        [name, *[column.get(name) for column in columns]]
        for name in names
        if len({_exact(column.get(name)) for column in columns}) > 1
        or (all_rows and columns[0].get(name) is not None)
    ]
    return Table([what, *titles], rows) if rows else None


def _exact(value: object) -> str:
    return f"{type(value).__name__} {value!r}"


def _flat(config: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Return fields under the names that `-o` sets them by, as JSON."""
    found: list[tuple[str, str]] = []
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            found += _flat(value, f"{before}{name}.")
        else:
            found.append((f"{before}{name}", _cut(json.dumps(value, default=repr))))
    return found


def _numbers(result: Any, before: str = "", depth: int = 2) -> list[tuple[str, Cell]]:
    """Return the numbers and short texts of a result, those one level down by dotted names."""
    if not isinstance(result, Mapping):
        return []
    found: list[tuple[str, Cell]] = []
    for name, value in result.items():
        label = f"{before}{name}"
        if isinstance(value, str):
            found.append((label, _cut(value)))
        elif isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
            found.append((label, str(value)))
        elif isinstance(value, int | float):
            found.append((label, value))
        elif isinstance(value, Mapping) and depth > 1:
            found += _numbers(value, f"{label}.", depth - 1)
    return found[:200]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"

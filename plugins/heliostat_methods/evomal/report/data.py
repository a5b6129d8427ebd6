"""What a page and a terminal say of the data, before anything else."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.errors import listed
from heliostat.report import Plot, Series, Table, Text
from heliostat_methods.evomal.comparison.outcome import Account
from heliostat_methods.evomal.report.label_texts import labels_text
from heliostat_methods.evomal.report.plots import Content, Rows

MOST_ROWS = 60
"""Columns, or classes, that a table shows."""
WIDTH = 80


def data_lines(problem: Account) -> list[str]:
    """Return what a terminal shows of the data; nothing for a run of an earlier version."""
    data = _data(problem)
    if data is None:
        return []
    said = [_size(data)]
    said += [f"target: {_target_text(problem, data)}"]
    if data["left_out"]:
        said.append(f"left out: {listed(data['left_out'], 8)}")
    said += [*data["handled"], *data["remarks"]]
    lines = ["data: " + said[0], *("  " + text for text in said[1:])]
    return [
        row
        for line in lines
        for row in textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False)
    ]


def data_contents(problem: Account) -> list[Content]:
    """Return what a page begins with: what the data hold, what was left out, how it was divided."""
    data = _data(problem)
    return [] if data is None else _content(problem, data)


def _data(problem: Account) -> Mapping[str, Any] | None:
    found = (problem.labels or {}).get("data")  # runs of earlier versions kept none
    return found if isinstance(found, Mapping) else None


def _content(problem: Account, data: Mapping[str, Any]) -> list[Content]:
    content: list[Content] = [Text(f"{_size(data)}. Target: {_target_text(problem, data)}.")]
    if data["written"]:
        content.append(Text(f"The file was read with {data['written']}."))
    if data["left_out"]:
        content.append(Text(f"Left out: {', '.join(data['left_out'])}.", strong=True))
    content += [Text(_sentence(text), strong=True) for text in data["handled"]]
    content += [Text(_sentence(text), strong=True) for text in data["remarks"]]
    content += _pictures(data)
    content += _columns(data)
    classes = data["target"].get("classes")
    if classes:
        content.append(_classes(classes, data["rows"]))
    return content


def _size(data: Mapping[str, Any]) -> str:
    parts = data["parts"]
    shape = data["shape"]
    inputs = f"images of {' x '.join(map(str, shape))}" if shape else _count(data["inputs"])
    return (
        f"{data['rows']:,} rows ({parts['train']:,} to train, {parts['valid']:,} for validation, "
        f"{parts['test']:,} to test), {inputs}"
    )


def _count(inputs: int) -> str:
    return f"{inputs:,} input" if inputs == 1 else f"{inputs:,} inputs"


def _target_text(problem: Account, data: Mapping[str, Any]) -> str:
    target = data["target"]
    name = f"{target['name']}, " if "name" in target else ""
    classes = target.get("classes")
    if classes:
        shown = listed([f"{one[0]} {one[1]:,}" for one in classes], 8)
        return f"{name}{len(classes)} classes, rows: {shown}"
    unit = f" in {target['unit']}" if target.get("unit") else ""
    return f"{name}a number{unit}; {labels_text(problem.task, problem.labels)}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _pictures(data: Mapping[str, Any]) -> list[Plot]:
    target = data["target"]
    classes = target.get("classes")
    if classes:
        places = [float(number) for number in range(len(classes))]
        key = listed([f"{number}: {one[0]}" for number, one in enumerate(classes)], MOST_ROWS)
        parts = ((2, "train"), (3, "validation"), (4, "test"))
        series = [
            Series(name, places, [float(one[column]) for one in classes], style="points")
            for column, name in parts
        ]
        return [Plot("Rows of each class", "class", "rows", series, note=f"{key}.")]
    histogram = target.get("histogram") or {}
    edges, rows = histogram.get("edges", ()), histogram.get("rows", ())
    if not rows:
        return []
    heights = [float(count) for count in rows]
    return [
        Plot(
            "The target in the training part",
            target.get("name", "target"),
            "rows",
            [Series("rows", list(edges), [*heights, heights[-1]], style="step")],
            note="Rows in each of equally wide bins, in the target's own unit.",
        )
    ]


def _columns(data: Mapping[str, Any]) -> list[Table]:
    columns = data["columns"]
    if not columns:
        return []
    rows: Rows = [
        [
            column["name"],
            column["kind"],
            column.get("range"),
            column.get("unit"),
            column.get("missing"),
            column.get("becomes", "left out: " + column.get("left_out", "not asked for")),
        ]
        for column in columns[:MOST_ROWS]
    ]
    more = f" The first {MOST_ROWS} of {len(columns):,}." if len(columns) > MOST_ROWS else ""
    caption = (
        "Columns and what they became; levels, medians, means and deviations are those of the "
        f"training part, and inputs are in units of their deviation there.{more}"
    )
    heads = ["column", "kind", "range", "unit", "missing cells", "becomes"]
    # data that are no table know no range, unit or missing cells
    told = [at for at in range(len(heads)) if any(row[at] is not None for row in rows)]
    return [Table([heads[at] for at in told], [[row[at] for at in told] for row in rows], caption)]


def _classes(classes: Sequence[Sequence[Any]], total: int) -> Table:
    rows: Rows = [
        [number, str(name), count, f"{count / total:.1%}", *parts]
        for number, (name, count, *parts) in enumerate(classes[:MOST_ROWS])
    ]
    heads = ["number", "class", "rows", "share", "train", "validation", "test"]
    return Table(heads, rows, "The order of the classes is that of a model's outputs.")

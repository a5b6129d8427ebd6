"""Runs as a prompt and a notebook show them: a line, a table, a headline with one picture."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.contract.method import MethodSpec
from heliostat.contract.sections import Frames, HeatMap, Picture, Plot, Section
from heliostat.errors import PluginError
from heliostat.plugins.offers import listed
from heliostat.plugins.registry import registry
from heliostat.process.guard import contained
from heliostat.report.heat import draw_heat
from heliostat.report.svg import draw
from heliostat.report.typeset import escape
from heliostat.store.view import RunView
from heliostat.terminal import printable

WIDTH = 80
"""Columns of a table in a terminal."""
_COLUMNS = ("run", "state", "step", "best", "on", "name")


def line_of(row: Mapping[str, Any]) -> str:
    """Return a run on one line: name, state, what it is about, what it came to."""
    about = f"{row['method']} on {row['on']}" if row["on"] else str(row["method"])
    parts = [f"{row['run']}: {about}, seed {row['seed']}, {_state(row)}"]
    parts += [best] if (best := _best(row)) else []
    parts += [f"digest {row['digest'][:12]}"] if row["digest"] else []
    return ", ".join(parts)


def text_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a line for each run, at most 80 columns wide; the first columns are whole."""
    if not rows:
        return "no runs"
    cells = [list(_COLUMNS), *(list(_cells(row).values()) for row in rows)]
    used = [place for place in range(len(_COLUMNS)) if any(line[place] for line in cells[1:])]
    widths = {place: max(len(line[place]) for line in cells) for place in used}
    lines = ["  ".join(f"{line[p]:<{widths[p]}}" for p in used).rstrip() for line in cells]
    return "\n".join(line if len(line) <= WIDTH else line[: WIDTH - 3] + "..." for line in lines)


def html_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of runs; all text in it is escaped."""
    if not rows:
        return "<p>no runs</p>"
    head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    lines = [
        "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in _cells(row).values()) + "</tr>"
        for row in rows
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def html_of(view: RunView) -> str:
    """Return headline, best result and one picture of a run; all text in it is escaped."""
    row = view.row()
    about = f"{row['method']} on {row['on']}" if row["on"] else str(row["method"])
    facts = [f"run {row['run']}", f"seed {row['seed']}", _state(row)]
    facts += [f"digest {row['digest'][:12]}"] if row["digest"] else []
    facts += [f"label: {label}" for label in view.labels]
    parts = [f"<p><strong>{escape(about)}</strong>"]
    parts += [f": {escape(best)}" if (best := _best(row)) else ""]
    parts += [f"<br/><small>{escape(', '.join(facts))}</small></p>"]
    return "".join([*parts, _picture(view)])


def _state(row: Mapping[str, Any]) -> str:
    step = _step(row)
    return f"{row['state']} at {step}" if step and row["state"] != "finished" else row["state"]


def _step(row: Mapping[str, Any]) -> str:
    if row.get("step") is None:
        return ""
    of = f"/{row['of']}" if row["of"] else ""
    return f"{row['phase']} {row['step']}{of}".strip()


def _best(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in row["best"].items())


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    step = "" if row["state"] == "finished" else _step(row)
    values = {**row, "best": _best(row).partition(",")[0], "step": step}
    return {name: printable(values.get(name) or "") for name in _COLUMNS}


def _picture(view: RunView) -> str:
    """Return the first drawing of the run's report as an image, in which nothing runs."""
    try:
        method = registry().method(view.method)
        drawn = _first_drawing(_sections(method, view))
    except Exception:  # a stranger's report: the headline stands without it
        drawn = None
    if drawn is None:
        return ""
    title, svg = drawn
    data = base64.b64encode(svg.encode()).decode("ascii")
    style = "max-width:45rem;width:100%;background:#fff;padding:.5rem"
    return f'<img alt="{escape(title)}" style="{style}" src="data:image/svg+xml;base64,{data}"/>'


def _sections(method: MethodSpec, view: RunView) -> Sequence[Section]:
    from heliostat.report.standing import convergence

    if method.report is None:
        return convergence(view)
    try:
        with contained("report"):
            found: list[Section] = listed("report", method.report(view), Section)
            return found
    except PluginError:
        return convergence(view)


def _first_drawing(sections: Sequence[Section]) -> tuple[str, str] | None:
    for section in sections:
        for block in section.content:
            match block:
                case Plot():
                    return block.title, draw(block)
                case Frames():
                    return block.title, draw(block.plots[-1], beside=block.plots)
                case HeatMap():
                    return block.title, draw_heat(block)
                case Picture():
                    return block.title, block.svg
    return None

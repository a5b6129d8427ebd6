"""A run that is still going: what it has told so far."""

from __future__ import annotations

from heliostat.contract import RunView
from heliostat.errors import key_text
from heliostat.report import Plot, Section, Series, Text

NEWEST = 6
"""Searches that are shown: the newest."""
_PLOTS = {
    "loss": Plot("Loss of the supernet", "step", "mean loss of its subnets", []),
    "accuracy": Plot("Most accurate network of each search", "different networks evaluated",
                     "accuracy on validation data", []),
}  # fmt: skip


def so_far(view: RunView) -> Section:
    """Return pictures of the metrics that there are, and how many tasks are done."""
    content: list[Plot | Text] = []
    for name, empty in _PLOTS.items():
        lines = _lines(view, name)
        if lines:
            note = f"By where a search stands; the newest {NEWEST} at most. Nothing is final."
            content.append(Plot(empty.title, empty.x_label, empty.y_label, lines[-NEWEST:],
                                note=note))  # fmt: skip
    text = f"{view.count():,} tasks are done; front and comparison stand here when all are."
    return Section("So far", [*content, Text(text)])


def _lines(view: RunView, name: str) -> list[Series]:
    found = [(scope, view.metrics(scope).get(name, [])) for scope in view.scopes()]
    return [
        Series(key_text(scope), [float(at) for at, _ in points],
               [value for _, value in points])
        for scope, points in found
        if points
    ]  # fmt: skip

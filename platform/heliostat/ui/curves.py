"""The metrics of runs as plots: one run's, or those of several over each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from heliostat.contract.sections import Plot, Section, Series, Text
from heliostat.errors import Key, key_text
from heliostat.store.view import RunView

MOST_PLOTS = 24
MOST_SERIES = 8
"""Searches of one run in a plot: more can be told apart by nobody."""
PROGRESS = "Progress so far"
Points = Sequence[tuple[int, float]]


def metrics_by_scope(view: RunView) -> dict[str, dict[Key, Points]]:
    """Return {metric: {search: points}}, the main search first."""
    found: dict[str, dict[Key, Points]] = {}
    for scope in view.scopes():
        for name, points in view.metrics(scope).items():
            found.setdefault(name, {})[scope] = points
    return found


def series_of(label: str, points: Points) -> Series:
    """Return points as a line; what is no number is a gap."""
    steps = [step for step, _ in points]
    return Series(label, steps, [y if math.isfinite(y) else math.nan for _, y in points])


def progress(metrics: Mapping[str, Mapping[Key, Points]]) -> list[Section]:
    """Return what a run reported, as a section of plots; nothing for a run that said nothing."""
    plots: list[Plot | Text] = []
    for name, scopes in list(metrics.items())[:MOST_PLOTS]:
        series = [
            series_of(name if len(scopes) == 1 else key_text(scope), points)
            for scope, points in list(scopes.items())[:MOST_SERIES]
        ]
        left = len(scopes) - len(series)
        note = f"{left} more searches reported it." if left else ""
        plots.append(Plot(name, "step", name, series, note=note))
    if len(metrics) > MOST_PLOTS:
        plots.append(Text(f"{len(metrics) - MOST_PLOTS} more metrics are not drawn."))
    return [Section(PROGRESS, plots)] if plots else []


def over_each_other(
    runs: Sequence[tuple[str, Mapping[str, Mapping[Key, Points]]]],
) -> list[Plot]:
    """Return a plot for each metric that a run has, with a line for each run: its main search's."""
    names = dict.fromkeys(name for _, metrics in runs for name in metrics)
    shared = sorted(names, key=lambda name: -sum(name in metrics for _, metrics in runs))
    plots = []
    for name in shared[:MOST_PLOTS]:
        series = []
        for label, metrics in runs:
            scopes = metrics.get(name, {})
            if scopes:
                scope = () if () in scopes else next(iter(scopes))
                told = label if not scope else f"{label}, {key_text(scope)}"
                series.append(series_of(told, scopes[scope]))
        plots.append(Plot(name, "step", name, series))
    return plots

"""A run that is still going: what it has told so far, and the networks that were evaluated."""

from __future__ import annotations

import math

import numpy as np

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
    content += [*_supernet(view), *_evaluated(view), *_known(view)]
    text = f"{view.count():,} tasks are done; front and comparison stand here when all are."
    return Section("Searches so far", [*content, Text(text)])


def _supernet(view: RunView) -> list[Plot]:
    """Return the losses of the supernet whose training has ended."""
    lines = [
        Series("supernet", range(1, len(trained.losses) + 1), trained.losses)
        for _, _, trained in view.found("pnag.train_supernet")
    ]
    title, y = "Loss of the supernet by epoch", "mean loss of its subnets"
    return [Plot(title, "epoch", y, lines)] if lines else []


def _evaluated(view: RunView) -> list[Plot]:
    """Return the accuracy of networks in the order of asking, with the best so far."""
    found = [
        accuracies for _, item, accuracies in view.found("pnag.evaluate") if item.part == "valid"
    ]
    if not found:
        return []
    accuracies = np.concatenate(found)
    places = range(1, len(accuracies) + 1)
    series = [
        Series("network", places, accuracies.tolist(), style="points"),
        Series("best so far", places, np.maximum.accumulate(accuracies).tolist(), style="step"),
    ]
    return [Plot("Networks evaluated so far", "in the order of asking",
                 "accuracy on validation data", series,
                 note="Costs are known when the front is made.")]  # fmt: skip


def _known(view: RunView) -> list[Plot]:
    """Return accuracy for cost of whole searches on known results, a series for each searcher."""
    by_name: dict[str, list[tuple[float, float]]] = {}
    for _, item, searched in view.found("pnag.search_known"):
        pairs = zip(searched.cost.tolist(), searched.accuracy.tolist(), strict=True)
        by_name.setdefault(item.searcher, []).extend(p for p in pairs if math.isfinite(p[0]))
    if not by_name:
        return []
    series = [Series(name, [cost for cost, _ in pairs], [accuracy for _, accuracy in pairs],
                     style="points") for name, pairs in by_name.items()]  # fmt: skip
    return [Plot("Accuracy for cost so far", f"cost: {view.config['cost']}",
                 "accuracy on validation data", series, log_x=True,
                 note="All networks of the searches that have ended.")]  # fmt: skip


def _lines(view: RunView, name: str) -> list[Series]:
    found = [(scope, view.metrics(scope).get(name, [])) for scope in view.scopes()]
    return [
        Series(key_text(scope), [float(at) for at, _ in points],
               [value for _, value in points])
        for scope, points in found
        if points
    ]  # fmt: skip

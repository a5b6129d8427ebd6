"""The analysis as tables and plots of a report, each with a sentence that says how to read it.

Every function takes plain data, as ``behaviour`` and ``landscape`` return them, and gives the
contents of a section; nothing is computed here but scales, means and intervals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from heliostat.report import HeatMap, Plot, Series, Table, Text
from heliostat_search.statistics import mean_interval

Content = Text | Table | Plot | HeatMap
Rows = list[list[str | int | float | None]]
"""Lines of a table."""
Accounts = Sequence[tuple[str, Mapping[str, Any]]]
"""Losses in the order of the legend: (label, account of ``behaviour``)."""

_SCALED = (
    "Each curve is divided by its implicit learning rate and moved so that its lowest point is 0: "
    "what is left is the shape."
)
_RATE = "A loss times c has c times the rate, and trains as a learning rate times c does."
_CURVES = (
    (
        "target",
        "The loss of the target class, m(y = 1, p)",
        "probability p of the target class",
        "A curve that rises again before p = 1 punishes certainty, as label smoothing does.",
    ),
    (
        "other",
        "The loss of the other classes, m(y = 0, p)",
        "probability p of a class that is not the target",
        "A flat curve leaves the other classes to the softmax, as cross-entropy does.",
    ),
    (
        "sample",
        "The loss of a whole sample",
        "probability p of the target class; the others share the rest evenly",
        "The lowest point is where a model trained with the loss comes to rest.",
    ),
    (
        "output",
        "The loss m(y = 0, f)",
        "output f of the model, for a standardised target y = 0",
        "A lopsided curve fears errors of one sign more; a flat one ignores far outliers.",
    ),
)


def analysis_contents(accounts: Accounts, *, scaled: bool = True) -> list[Content]:
    """Return all that is shown of some losses of one task: curves, equilibrium, gradients."""
    return [*loss_curves(accounts, scaled=scaled), *equilibria(accounts), *pushes(accounts)]


def loss_curves(accounts: Accounts, *, scaled: bool = True) -> list[Content]:
    """Return a plot for each kind of curve that the accounts hold."""
    contents: list[Content] = []
    for kind, title, x_label, reading in _CURVES:
        series = []
        for label, account in accounts:
            curve = account["curves"].get(kind)
            if curve is not None:
                y = _shape(curve["value"], account["implicit_rate"]) if scaled else curve["value"]
                series.append(Series(label, curve["x"], y))
        if series:
            note = f"{reading} {_SCALED}" if scaled else reading
            y_label = "loss, scale divided out" if scaled else "loss"
            contents.append(Plot(title, x_label, y_label, series, note=note))
    return contents


def equilibria(accounts: Accounts) -> list[Content]:
    """Return the table of where each loss lets a model rest, and the pull that leads there."""
    if not accounts:
        return []
    if accounts[0][1]["task"] == "regression":
        labels = [label for label, _ in accounts[0][1]["equilibrium"]]
        rows = [[name, *(f for _, f in account["equilibrium"])] for name, account in accounts]
        caption = (
            "The output at which each loss rests, for a target y. Outputs nearer to 0 than y mean "
            "that the loss shrinks predictions; an empty cell, that there is no rest."
        )
        return [Table(["loss", *(f"y = {y:g}" for y in labels)], rows, caption)]
    rows = [[name, account["equilibrium"], account["smoothing"]] for name, account in accounts]
    classes = accounts[0][1]["classes"]
    series = []
    for name, account in accounts:
        curve, rate = account["curves"]["sample"], account["implicit_rate"] or 1.0
        series.append(Series(name, curve["x"], [slope / rate for slope in curve["slope"]]))
    return [
        Table(
            ["loss", "rests at p", "as label smoothing xi"],
            rows,
            f"Target probability at which training comes to rest, for {classes} classes, and the "
            "label smoothing that would rest there too. 1 is certainty.",
        ),
        Plot(
            "The pull on the target's logit",
            "probability p of the target class; the others share the rest evenly",
            "dL/dz, scale divided out",
            series,
            note="Below 0 the loss raises p, above 0 it lowers p; it rests where the curve "
            "crosses 0 upwards.",
        ),
    ]


def pushes(accounts: Accounts) -> list[Content]:
    """Return the table of gradients at the start and the end, and of implicit learning rates."""
    if not accounts:
        return []
    if accounts[0][1]["task"] == "regression":
        rows = [[n, a["null_epoch"], a["zero_error"], a["implicit_rate"]] for n, a in accounts]
        return [
            Text(
                "The first push and the last one: root mean square of dm/df over standard normal "
                "targets, where the model still gives 0 and where it is right. The implicit rate "
                "is the first push over that of squared error. " + _RATE
            ),
            Table(["loss", "start", "zero error", "implicit rate"], rows, "Gradients."),
        ]
    rows = [
        [
            name,
            a["null_epoch"]["target"],
            a["null_epoch"]["other"],
            a["zero_error"]["target"],
            a["zero_error"]["other"],
            a["implicit_rate"],
        ]
        for name, a in accounts
    ]
    first = accounts[0][1]
    return [
        Text(
            f"The first push and the last one: dL/dz where all {first['classes']} classes are "
            f"equally likely, and where the target has 1 - {first['zero_error']['gap']:g}. A "
            "target entry above 0 at the end pushes a perfect prediction back. The implicit rate "
            "is the first push over that of cross-entropy. " + _RATE
        ),
        Table(
            ["loss", "start: target", "others", "end: target", "others", "implicit rate"],
            rows,
            "Gradients by the logits.",
        ),
    ]


def landscape_contents(landscapes: Accounts) -> list[Content]:
    """Return slices and flatness of the networks that each loss trained (of ``landscape``)."""
    contents: list[Content] = []
    for part in ("train", "test"):
        series = [_banded(name, a["line"]["steps"], a["line"][part]) for name, a in landscapes]
        contents.append(
            Plot(
                f"Around the trained networks: {_of(part)} objective",
                "distance along a random direction, in lengths of each filter",
                "objective",
                series,
                note="Mean over seeds and its 95 % interval. A wide bowl is a flat minimum, which "
                "changes little when weights do.",
            )
        )
    for name, account in landscapes:
        contents += plane_maps(name, account["plane"])
    return [*contents, *flatness_table(landscapes)]


def plane_maps(name: str, account: Mapping[str, Any]) -> list[Content]:
    """Return a plane of two random directions as heat maps around the network of the first seed."""
    steps = account["steps"]
    return [
        HeatMap(
            f"{name}: plane of two directions, {_of(part)} objective",
            "distance along the first direction, in lengths of each filter",
            "along the second one",
            steps,
            steps,
            account[part],
            note="The network of the first seed is in the middle; darker is worse. A wide pale "
            "basin is a flat minimum.",
        )
        for part in ("train", "test")
    ]


def flatness_table(landscapes: Accounts) -> list[Content]:
    """Return the table of mean increases of the objective at the stated radius."""
    if not landscapes:
        return []
    rows: Rows = []
    for name, account in landscapes:
        row: list[str | float | None] = [name]
        for part in ("train", "test"):
            row += _interval(account["flatness"][part])
        rows.append(row)
    first = landscapes[0][1]["flatness"]
    return [
        Table(
            ["loss", "train", "low", "high", "test", "low", "high"],
            rows,
            f"Flatness: mean increase of the objective at distance {first['radius']:g} over "
            f"{first['directions']} random directions and both ends of each, mean over seeds with "
            "its 95 % interval. Smaller is flatter.",
        )
    ]


def _shape(values: Sequence[float], rate: float) -> list[float]:
    finite = [v for v in values if math.isfinite(v)]
    lowest = min(finite, default=0.0)
    return [(v - lowest) / (rate or 1.0) for v in values]


def _banded(name: str, steps: Sequence[float], runs: Sequence[Sequence[float]]) -> Series:
    intervals = [_interval(column) for column in np.asarray(runs, np.float64).T]
    mean, low, high = (
        [math.nan if x is None else x for x in column] for column in zip(*intervals, strict=True)
    )
    if len(runs) < 2:
        return Series(name, list(steps), mean)
    return Series(name, list(steps), mean, low, high)


def _interval(values: Any) -> list[float | None]:
    """Return mean, low and high; None where a value is not finite or there is but one."""
    values = np.asarray(values, np.float64)
    if not np.isfinite(values).all():
        return [None, None, None]
    interval = mean_interval(values)
    if interval.n < 2:
        return [interval.mean, None, None]
    return [interval.mean, interval.low, interval.high]


def _of(part: str) -> str:
    return "training" if part == "train" else "test"

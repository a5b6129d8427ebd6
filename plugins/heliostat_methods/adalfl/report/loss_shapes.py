"""The loss itself during training: its curve at moments that a reader chooses, and side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from heliostat.report import Folded, Frames, Plot, Section, Series, Text
from heliostat_search.trainings.numbers import Plain, drawable

FRAMES = 24
"""Moments that can be chosen, at most."""
LINES = 6
"""Moments that stand in one picture, at most: more lie on one another."""
_SCALE = (
    "Curves of a moment are normalised to [0, 1] together: the scale of a loss is a learning rate, "
    "and is shown as such below."
)

_One = TypeVar("_One")


def loss_shapes(outcome: Plain) -> list[Section]:
    """Return the pictures of losses that adapt, and of all losses at the end; nothing without."""
    drawn = [one for one in outcome["contestants"] if one["course"]["curves"]]
    adaptive = [one for one in drawn if one["adapts"] == "loss"]
    if not drawn:
        return []
    content: list[Text | Plot | Frames | Folded] = []
    if adaptive:
        first, *others = adaptive
        content += [*_of(first, outcome), Text(_reading(outcome))]
        content += [Folded(f"The loss of {one['label']}", _of(one, outcome)) for one in others]
    content.append(_at_the_end(drawn, outcome))
    return [Section("The loss during training", content)]


def _of(one: Plain, outcome: Plain) -> list[Plot | Frames]:
    """Return one loss: a picture to step through, and one for each label with some moments."""
    return [_frames(one, outcome), *_by_label(one, outcome)]


def _frames(one: Plain, outcome: Plain) -> Frames:
    course = one["course"]
    places = _evenly(range(len(course["drawn"])), FRAMES)
    begins = _series(course, 0, ", before the first step")
    plots = [
        Plot(
            f"The loss of {one['label']} after {course['drawn'][at]:,} steps",
            _across(outcome), "loss, normalised", [*begins, *_series(course, at, ", now")],
        )
        for at in places
    ]  # fmt: skip
    return Frames(
        "Choose a step:",
        [f"{course['drawn'][at]:,}" for at in places],
        plots,
        note="The loss of the first training at the chosen step, beside what it was before the "
        f"first one: where the two part, its shape has changed. {_SCALE}",
    )


def _series(course: Plain, at: int, when: str) -> list[Series]:
    return [
        Series(f"label {label:g}{when}", course["grid"], drawable(curve))
        for label, curve in zip(course["labels"], course["curves"][at], strict=True)
    ]


def _by_label(one: Plain, outcome: Plain) -> list[Plot]:
    course = one["course"]
    places = _evenly(range(len(course["drawn"])), LINES)
    return [
        Plot(
            f"{one['label']}: the loss of label {label:g} over training",
            _across(outcome), "loss, normalised",
            [
                Series(f"step {course['drawn'][at]:,}", course["grid"],
                       drawable(course["curves"][at][row]))
                for at in places
            ],
            note="Lines that lie on one another: the loss hardly changed. "
            + _label_reading(outcome, label),
        )
        for row, label in enumerate(course["labels"])
    ]  # fmt: skip


def _at_the_end(drawn: Sequence[Plain], outcome: Plain) -> Plot:
    """Return all losses at the end for the label that tells most."""
    series = []
    wanted = 1.0 if outcome["task"] == "classification" else 0.0
    for one in drawn:
        course = one["course"]
        row = min(range(len(course["labels"])), key=lambda at: abs(course["labels"][at] - wanted))
        curve = drawable(course["curves"][-1][row])
        series.append(Series(one["label"], course["grid"], curve))
    return Plot(
        f"All losses at the end, label {wanted:g}", _across(outcome), "loss, normalised", series,
        note="Of the first training of each. Those that were frozen are what they began as. "
        + _label_reading(outcome, wanted),
    )  # fmt: skip


def _across(outcome: Plain) -> str:
    if outcome["task"] == "classification":
        which = "class 1" if outcome["classes"] == 1 else "the class"
        return f"probability p that the model gives {which}"
    return "output f of the model, target standardised"


def _label_reading(outcome: Plain, label: float) -> str:
    if outcome["task"] == "regression":
        return (
            f"The lowest point is the output that costs least where the target is {label:g}; a "
            "lopsided curve fears errors of one sign more."
        )
    if label:
        return (
            "The lowest point is the probability of the right class that costs least: left of 1 "
            "the loss punishes certainty, as label smoothing does."
        )
    if outcome["classes"] == 1:
        return (
            "The lowest point is the probability of class 1 that costs least for a row of class 0."
        )
    return "A flat curve leaves the wrong classes to the softmax, as cross-entropy does."


def _reading(outcome: Plain) -> str:
    if outcome["task"] == "regression":
        labels = "A label is the target, standardised by training rows."
    elif outcome["classes"] == 1:
        labels = "Labels are the two classes, p is the probability of class 1."
    else:
        labels = "Label 1 is the right class of a row, label 0 each of the others."
    return (
        f"{labels} These are curves of one training: what holds over all of them is in the next "
        "section, and a change of shape alone says nothing of whether it helped."
    )


def _evenly(values: Sequence[_One], most: int) -> list[_One]:
    """Return so many of the values at most, the ends among them."""
    if len(values) <= most:
        return list(values)
    last = len(values) - 1
    return [values[round(place * last / (most - 1))] for place in range(most)]

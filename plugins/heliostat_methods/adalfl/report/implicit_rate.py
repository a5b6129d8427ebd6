"""How much of a loss is a learning rate, and what its shape became: ratio, angle and minimum.

``M = c L`` is SGD on L at c times the rate, so the ratio of the two gradients' norms is an implicit
schedule, and one minus the cosine between them is what really changed of the shape.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from heliostat.report import Plot, Section, Series, Text
from heliostat_search.trainings.numbers import Plain, drawable, quartiles, spread_out

STOPPED = 0.1
"""Below this share of what it began with the ratio has ended a training."""
_MOVED = {"classification": 0.0075, "regression": 0.045}
"""From here on a minimum has moved: more than one point of the grid on which it is looked for."""


def implicit_rate(outcome: Plain) -> list[Section]:
    """Return the pictures of ratio, angle, minimum and rate, with what they came to in words."""
    learned = [one for one in outcome["contestants"] if _is_learned(one)]
    rated = [one for one in outcome["contestants"]
             if one["adapts"] == "rate" and one["course"]["history"].get("rate")]  # fmt: skip
    content: list[Plot | Text] = []
    if learned:
        content += [
            *_ratio(learned, outcome["seeds"]),
            *(Text(text) for one in _adaptive(learned) if (text := stopping_text(one))),
            *_angle(learned, outcome["seeds"]),
        ]
    minima = [one for one in outcome["contestants"]
              if one["adapts"] == "loss" and one["course"]["minima"]]  # fmt: skip
    if minima:
        content += [
            _minima(minima, outcome),
            *(Text(text) for one in minima if (text := minimum_text(one, outcome["task"]))),
        ]
    if rated:
        content += [
            _rate(rated, outcome["seeds"]),
            *(Text(text) for one in rated if (text := rate_text(one))),
        ]
    return [Section("Learning rate or shape?", content)] if content else []


def stopping_text(one: Plain) -> str:
    """Return whether the ratio fell so far that it ended the training; empty where unknown."""
    ends = _ends(quartiles(one["course"]["history"]["ratio"])[1])
    if ends is None or not ends[0]:
        return ""
    share = ends[1] / ends[0]
    told = f"The ratio of {one['label']} ends at {share:.2g} of what it began with"
    if share < STOPPED:
        return f"{told}, below a tenth: implicit early stopping."
    return f"{told}, not below a tenth: there is no implicit early stopping."


def minimum_text(one: Plain, task: str) -> str:
    """Return where the loss was least in the beginning and in the end; empty where unknown."""
    ends = _ends(quartiles(one["course"]["minima"])[1])
    if ends is None:
        return ""
    first, last = ends
    classify = task == "classification"
    what = "label 1 is least at p =" if classify else "target 0 is least at an output of"
    told = f"The loss of {one['label']} for {what}"
    if abs(last - first) < _MOVED[task]:
        said = f"{told} {_short(last)} from beginning to end"
        if classify and last < 1 - _MOVED[task]:
            return f"{said}: it smooths labels, always alike."
        return f"{said}: no label smoothing came of it." if classify else f"{said}."
    said = f"{told} {_short(first)} in the beginning and {_short(last)} in the end"
    if not classify:
        return f"{said}: it came to favour outputs on one side of the target."
    if last < first:
        return f"{said}: it came to punish certainty, adaptive label smoothing."
    return f"{said}: it came to smooth labels less."


def rate_text(one: Plain) -> str:
    """Return what the learning rate that adapts came to; empty where unknown."""
    ends = _ends(quartiles(one["course"]["history"]["rate"])[1])
    if ends is None or not ends[0]:
        return ""
    return (
        f"The learning rate of {one['label']} went from {ends[0]:.3g} to {ends[1]:.3g}, "
        f"{ends[1] / ends[0]:.2g} times what it was, drops of the configuration included."
    )


def _is_learned(one: Plain) -> bool:
    """Return whether a contestant's gradient is another one than that of the task's loss."""
    learned = one["adapts"] == "loss" or one["beginning"] is not None
    return learned and bool(one["course"]["history"].get("ratio"))


def _adaptive(learned: Sequence[Plain]) -> list[Plain]:
    return [one for one in learned if one["adapts"] == "loss"]


def _ratio(learned: Sequence[Plain], seeds: int) -> list[Plot]:
    series = [_over(one, "ratio", seeds) for one in learned]
    frozen = [one["label"] for one in learned if one["adapts"] == "nothing"]
    still = (
        " It moves for a frozen loss as well, because the model does: what adaptation adds is the "
        "difference from one that began alike."
        if frozen
        else ""
    )
    return [
        Plot(
            "Implicit learning rate", "step", "norm of the loss's gradient over the task's",
            series, log_y=spread_out([value for one in series for value in one.y]),
            note=f"{_spread(seeds)} The ratio multiplies the learning rate: a curve of this "
            "picture is a schedule, and falls to 0 where a loss ends its training. Sentences below "
            f"compare the medians of the first and the last tenth.{still}",
        )
    ]  # fmt: skip


def _angle(learned: Sequence[Plain], seeds: int) -> list[Plot | Text]:
    told = []
    for one in _adaptive(learned):
        ends = _ends(quartiles(one["course"]["history"].get("cos", []))[1])
        if ends is not None:
            told.append(
                f"{one['label']} {max(0.0, 1 - ends[0]):.2g} and {max(0.0, 1 - ends[1]):.2g}"
            )
    plot = Plot(
        "How alike the two gradients are", "step", "cosine of the two gradients",
        [_over(one, "cos", seeds) for one in learned if one["course"]["history"].get("cos")],
        note=f"{_spread(seeds)} At 1 a loss is the task's loss at another learning rate, however "
        "odd its curve looks; what is missing to 1 is a step in another direction.",
    )  # fmt: skip
    reading = (
        "The ratio is a schedule of the learning rate, which a baseline could have been given; one "
        "minus the cosine is what really changed of the shape."
    )
    if told:
        reading += f" That is, in the first and the last tenth of the steps: {'; '.join(told)}."
    return [plot, Text(reading)]


def _minima(shown: Sequence[Plain], outcome: Plain) -> Plot:
    classify, seeds = outcome["task"] == "classification", outcome["seeds"]
    series = []
    for one in shown:
        low, median, high = quartiles(one["course"]["minima"])
        at = drawable(one["course"]["drawn"])
        series.append(_banded(one["label"], at, (low, median, high), seeds))
    if classify:
        title, y = "Where the loss of label 1 is least", "probability p of the right class"
        reading = "Below 1 the loss punishes certainty, as label smoothing does."
    else:
        title, y = "Where the loss of target 0 is least", "output f, target standardised"
        reading = "Away from 0 the loss favours outputs that are off on one side."
    return Plot(title, "step", y, series, note=f"{_spread(seeds)} {reading}")


def _rate(rated: Sequence[Plain], seeds: int) -> Plot:
    series = [_over(one, "rate", seeds) for one in rated]
    return Plot(
        "The learning rate that adapts", "step", "learning rate", series,
        log_y=spread_out([value for one in series for value in one.y]),
        note=f"{_spread(seeds)} Were a loss that adapts nothing but a schedule, this would do as "
        "well at less cost.",
    )  # fmt: skip


def _over(one: Plain, name: str, seeds: int) -> Series:
    course = one["course"]
    return _banded(one["label"], drawable(course["noted"]), quartiles(course["history"][name]),
                   seeds)  # fmt: skip


def _banded(label: str, at: list[float], columns: Sequence[list[float]], seeds: int) -> Series:
    low, median, high = columns
    return Series(label, at, median, low, high) if seeds > 1 else Series(label, at, median)


def _spread(seeds: int) -> str:
    return "Median over trainings and its quartiles." if seeds > 1 else "One training."


def _ends(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the medians of the first and the last tenth: one batch alone says little."""
    found = [value for value in values if math.isfinite(value)]
    if not found:
        return None
    tenth = max(1, len(found) // 10)
    return statistics.median(found[:tenth]), statistics.median(found[-tenth:])


def _short(value: float) -> str:
    return f"{value + 0.0:.3f}".rstrip("0").rstrip(".")

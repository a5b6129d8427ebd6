"""How the widths of masks moved while networks trained: a picture a variant, and in words."""

from __future__ import annotations

import math

from heliostat.report import Plot, Section, Series, Text
from heliostat_search.trainings.numbers import Plain, drawable, spread_out

_MOVED = 0.01
"""A width that changed by less than this share of itself is said to have stayed."""
_WIDE = (
    "The wider a mask, the nearer a layer is to an ordinary convolution, so widths that grow say "
    "that training moves away from the mask; widths that shrink, that it looks less far. Where a "
    "width hardly moves it may still be no optimum: at a width of several taps its gradient is "
    "small, and sigma_rate_factor raises its learning rate."
)


def widths(outcome: Plain) -> list[Section]:
    """Return the courses of widths that are learned or predicted; nothing where there are none."""
    moving = [one for one in outcome["variants"] if one["kind"] != "fixed" and one["widths"]]
    if not moving:
        return []
    told = [Text(sentence_of(one, outcome["seeds"])) for one in moving]
    return [Section("Widths of masks", [*(_plot(one, outcome) for one in moving), *told,
                                        Text(_WIDE)])]  # fmt: skip


def sentence_of(one: Plain, seeds: int) -> str:
    """Return how the mean width of each layer of a variant moved, in words."""
    return f"{one['label']}: {'; '.join(_moved(row, seeds) for row in one['widths'])}."


def _moved(row: Plain, seeds: int) -> str:
    mean = drawable(row["mean"])
    first, last = mean[0], mean[-1]
    if not (math.isfinite(first) and math.isfinite(last)):
        return f"the mask of layer {row['layer']} has no finite width at the end"
    low, high = f"{drawable(row['low'])[-1]:.3g}", f"{drawable(row['high'])[-1]:.3g}"
    between = f" ({low} to {high} over seeds)" if seeds > 1 and low != high else ""
    if abs(last - first) < _MOVED * abs(first):
        return f"the mask of layer {row['layer']} stayed at {first:.3g}{between}"
    moved = "grew" if last > first else "shrank"
    return f"the mask of layer {row['layer']} {moved} from {first:.3g} to {last:.3g}{between}"


def _plot(one: Plain, outcome: Plain) -> Plot:
    several = outcome["seeds"] > 1
    series = []
    for row in one["widths"]:
        mean, low, high = (drawable(row[name]) for name in ("mean", "low", "high"))
        layer = f"layer {row['layer']}"
        series.append(
            Series(layer, row["steps"], mean, low, high) if several
            else Series(layer, row["steps"], mean)
        )  # fmt: skip
    of = {
        "dynamic": " Widths are predicted: the mean over the last test samples is shown.",
        "mixed": " Of layers that predict a width, the mean over the last test samples is shown.",
        "per_channel": " The mean over a layer's channels is shown.",
    }
    over = "Means over trainings, with their range." if several else "One training."
    return Plot(
        f"Width of the masks of {one['label']}", "step", "width, in taps", series,
        log_y=spread_out([v for row in series for v in row.y]),
        note=f"{over}{of.get(one['kind'], '')} At equal steps, each at its rate for them.",
    )  # fmt: skip

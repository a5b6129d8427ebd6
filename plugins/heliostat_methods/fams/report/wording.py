"""What terminal and report say alike: names of metrics, numbers with intervals, what to beware."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heliostat_methods.fams.training.measures import METRICS
from heliostat_search.statistics import mean_interval

HEADS = {
    "accuracy": "accuracy",
    "mean_group": "mean group",
    "worst_group": "worst group",
    "gap": "gap",
    "gap_uniform": "gap, uniform",
    "gap_squared": "gap squared",
    "nll": "NLL",
    "brier": "Brier",
    "ece": "ECE",
}
BOUNDS = (
    "Intervals are 95 % over seeds, each with a split and a training of its own; splits share "
    "rows, so they are somewhat too narrow. Settings were chosen on one split's validation rows, "
    "which other splits may test on: alike for all."
)
UNBIASED = (
    "The plug-in gap of many small subgroups is far above 0 even for a fair score, so judge by "
    "the squared gap, which is unbiased and may fall below 0, and by the permutation test."
)


def data_text(result: Mapping[str, Any]) -> str:
    """Return a sentence on the data of a comparison."""
    negative, positive = result["classes"]
    return (
        f"{result['dataset']}: {result['rows']:,} rows, label 1 is {positive!r} "
        f"({100 * result['positives']:.1f} %), label 0 {negative!r}; {result['groups']:,} "
        f"subgroups of {result['smallest']:,} to {result['largest']:,} rows (median "
        f"{result['median']:g}); "
        f"{result['train_rows']:,} rows train, {result['test_rows']:,} test"
    )


def whole(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the contestants that have metrics."""
    return [one for one in result["contestants"] if one["metrics"]]


def metric_text(one: Mapping[str, Any], metric: str) -> str:
    """Return a contestant's metric as `interval_text` has it, "-" where it has none."""
    return interval_text(one["metrics"][metric]) if metric in one["metrics"] else "-"


def _missing(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield one sentence for all metrics that are missing for one reason, and whose they are."""
    whose: dict[str, dict[str, list[str]]] = {}
    for one in [*result["contestants"], *result["sweep"]]:
        for metric in METRICS:  # a stored result has lost their order
            if metric in one["missing"]:
                names = whose.setdefault(one["missing"][metric], {})
                names.setdefault(one["label"] or one["name"], []).append(HEADS.get(metric, metric))
    for why, names in whose.items():
        metrics = dict.fromkeys(metric for some in names.values() for metric in some)
        yield f'"-" stands where {", ".join(metrics)} of {", ".join(names)} has no value: {why}'


def reservations(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield sentences on what could not be had: metrics, contestants refused, blocks lost."""
    yield from _missing(result)
    if result["hint"]:
        yield result["hint"]
    for one in [*result["contestants"], *result["sweep"]]:
        name = one["label"] or one["name"]
        if one["refused"]:
            yield f"{name} gave no result: {one['refused']}"
        for text in one["remarks"]:
            yield f"{name}, {text}"


def interval_text(values: Sequence[float]) -> str:
    """Return a mean over seeds with the half-width of its interval; of one seed the mean alone."""
    found = mean_interval(values)
    if math.isnan(found.half_width):
        return f"{found.mean:.4f}"
    return f"{found.mean:.3f} ±{_short(found.half_width)}"


def _short(width: float) -> str:
    if width >= 10:
        return f"{width:.1f}"
    return f"{width:.2f}" if width >= 0.9995 else f"{width:.3f}"[1:]

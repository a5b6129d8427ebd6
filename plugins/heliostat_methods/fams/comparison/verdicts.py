"""What may be said of a contestant beside the reference: paired by seed, corrected for how many."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat_methods.fams.comparison.contestants import FAMS
from heliostat_methods.fams.training.measures import METRICS
from heliostat_search.statistics import MeanInterval, holm, paired

LEVEL = 0.05
FEW = 5
CAUTION = "With so few seeds even that may be luck."
TESTED = ("accuracy", "worst_group", "gap", "gap_squared", "nll")
"""Metrics whose differences are tested."""
BETTER, WORSE, NONE = "better", "worse", "no difference shown"


def beside(
    columns: Mapping[str, Mapping[str, Sequence[float]]], reference: str
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return, by contestant and metric, the paired difference from the reference.

    `p` is of the paired t-test, corrected by Holm over the contestants of one metric; `low` and
    `high` are None for one seed. `columns`: metrics by contestant, values in the order of seeds;
    one that a contestant or the reference lacks is not tested.
    """
    base = columns[reference]
    others = [name for name in columns if name != reference]
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in others}
    for metric in [one for one in TESTED if one in base]:
        those = [name for name in others if metric in columns[name]]
        tests = [paired(columns[name][metric], base[metric]) for name in those]
        for name, test, p in zip(those, tests, holm([one.t_p for one in tests]), strict=True):
            found[name][metric] = _said(metric, test.difference, p)
    return found


def _said(metric: str, difference: MeanInterval, p: float) -> dict[str, Any]:
    bounds = (None if math.isnan(x) else x for x in (difference.low, difference.high))
    return {
        "mean": difference.mean,
        **dict(zip(("low", "high"), bounds, strict=True)),
        "p": p,
        "verdict": _verdict(metric, difference.mean, p),
    }


def _verdict(metric: str, mean: float, p: float) -> str:
    if p >= LEVEL or mean == 0:
        return NONE
    return BETTER if (mean > 0) == (METRICS[metric][0] == "max") else WORSE


def sentence(
    tests: Mapping[str, Mapping[str, Mapping[str, Any]]], reference: str, seeds: int
) -> str:
    """Return in a sentence or two what is significant, of the method first if it is there.

    `tests` as `beside` returns them; without any there is nothing to compare.
    """
    if not tests:
        return f"Nothing could be compared with {reference}."
    if seeds < 2:
        return "With one seed nothing can be concluded: take more."
    others = _ahead({name: one for name, one in tests.items() if name != FAMS})
    if FAMS in tests:
        found = _of_method(tests[FAMS], reference, seeds)
        found += f" Of the others, {'; '.join(others)}." if others else ""
    else:
        told = "; ".join(others) or "no difference was shown"
        found = f"Against {reference}, over {seeds} seeds, paired: {told}."
    return found if seeds >= FEW else f"{found} {CAUTION}"


def _of_method(tests: Mapping[str, Mapping[str, Any]], reference: str, seeds: int) -> str:
    texts = {BETTER: "better", WORSE: "worse", NONE: "not shown to differ"}
    by = {verdict: [metric.replace("_", " ") for metric, said in tests.items()
                    if said["verdict"] == verdict] for verdict in texts}  # fmt: skip
    parts = [f"{texts[verdict]} in {', '.join(metrics)}" for verdict, metrics in by.items()
             if metrics]  # fmt: skip
    return f"Over {seeds} seeds, paired, {FAMS} against {reference} is {'; '.join(parts)}."


def _ahead(tests: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Return what is better or worse than the reference, and in what."""
    return [
        f"{name} is {said['verdict']} in {metric.replace('_', ' ')}"
        for name, found in tests.items()
        for metric, said in found.items()
        if said["verdict"] != NONE
    ]

"""What may be said of a contestant beside the reference: paired by seed, corrected for how many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heliostat_methods.fams.training.measures import METRICS
from heliostat_search.statistics import holm, paired

LEVEL = 0.05
FEW = 5
CAUTION = "With so few seeds even that may be luck."
TESTED = ("accuracy", "worst_group", "gap", "gap_squared", "nll")
"""Metrics whose differences are tested."""


def beside(
    columns: Mapping[str, Mapping[str, Sequence[float]]], reference: str
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return, by contestant and metric, the paired difference from the reference.

    `p` is of the paired t-test, corrected by Holm over the contestants of one metric. `columns`:
    metrics by contestant, values in the order of seeds.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in columns}
    base = columns.get(reference, {})
    for metric in TESTED:
        others = [name for name in columns if name != reference and columns[name].get(metric)]
        if metric not in base:
            continue
        tests = {name: paired(columns[name][metric], base[metric]) for name in others}
        for name, p in zip(others, holm([tests[name].t_p for name in others]), strict=True):
            difference = tests[name].difference
            found[name][metric] = {
                "mean": difference.mean,
                "low": difference.low,
                "high": difference.high,
                "p": p,
                "verdict": _verdict(metric, difference.mean, p),
            }
    return found


def _verdict(metric: str, mean: float, p: float) -> str:
    if p >= LEVEL or mean == 0:
        return "no difference shown"
    return "better" if (mean > 0) == (METRICS[metric][0] == "max") else "worse"


def sentence(
    tests: Mapping[str, Mapping[str, Mapping[str, Any]]], reference: str, seeds: int
) -> str:
    """Return in one sentence what is significant, of the method if it is there."""
    if seeds < 2:
        return "With one seed nothing can be concluded: take more."
    if "fams" in tests and reference != "fams":
        found = _of_one("fams", tests["fams"], reference, seeds)
        return found if seeds >= FEW else f"{found} {CAUTION}"
    ahead = [
        f"{name} is {said['verdict']} in {metric}"
        for name, found in tests.items()
        for metric, said in found.items()
        if said["verdict"] != "no difference shown"
    ]
    told = "; ".join(ahead) or "no difference was shown"
    return f"Against {reference}, over {seeds} seeds: {told}."


def _of_one(name: str, tests: Mapping[str, Mapping[str, Any]], reference: str, seeds: int) -> str:
    by: dict[str, list[str]] = {"better": [], "worse": [], "no difference shown": []}
    for metric, said in tests.items():
        by[said["verdict"]].append(metric.replace("_", " "))
    parts = [
        f"{text} in {', '.join(by[kind])}"
        for kind, text in (
            ("better", "better"), ("worse", "worse"), ("no difference shown", "not shown to differ")
        )
        if by[kind]
    ]  # fmt: skip
    if not parts:
        return f"{name} could not be compared with {reference}."
    return f"Over {seeds} seeds, paired, {name} against {reference} is {'; '.join(parts)}."

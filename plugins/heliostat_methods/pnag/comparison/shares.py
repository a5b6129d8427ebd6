"""How much of a front each search reached, as it went and at its end, and who was ahead."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from heliostat_methods.pnag.comparison.outcome import Contestant
from heliostat_methods.pnag.fronts.regret import TrueFront
from heliostat_methods.pnag.searchers.names import NAMES
from heliostat_methods.pnag.tasks.searching import Searched
from heliostat_search.statistics import holm, mean_interval, paired

LEVEL = 0.05
FEW = 5
POINTS = 12
"""Places at which the growth of a share is shown."""
SHOWN = 500
"""Networks of a searcher's first search that a picture shows."""
BETTER, WORSE, NONE = "better", "worse", "no difference shown"


def contestants(
    front: TrueFront, found: Mapping[str, Sequence[Searched]], own: str
) -> list[Contestant]:
    """Return what each searcher reached; differences are corrected for their number (Holm)."""
    ends = {name: [_share(front, one, None) for one in runs] for name, runs in found.items()}
    beside = _beside(ends, own)
    return [
        _contestant(front, name, runs, ends[name], beside.get(name)) for name, runs in found.items()
    ]


def _contestant(
    front: TrueFront, name: str, runs: Sequence[Searched], ends: list[float],
    beside: Mapping[str, Any] | None,
) -> Contestant:  # fmt: skip
    shortest = min(len(one.cost) for one in runs)
    counts = sorted({max(1, round(shortest * k / POINTS)) for k in range(1, POINTS + 1)})
    rows = np.array([[_share(front, one, count) for one in runs] for count in counts])
    intervals = [mean_interval(row) for row in rows]
    return Contestant(
        name=name,
        sentence=NAMES[name],
        shares=ends,
        filled=[one.filled for one in runs],
        counts=counts,
        curve=[one.mean for one in intervals],
        low=[_or_mean(one.low, one.mean) for one in intervals],
        high=[_or_mean(one.high, one.mean) for one in intervals],
        beside=beside,
        seen_costs=runs[0].cost[:SHOWN].tolist(),
        seen_accuracies=runs[0].accuracy[:SHOWN].tolist(),
    )


def _or_mean(bound: float, mean: float) -> float:
    # one seed has no interval
    return mean if math.isnan(bound) else bound


def _share(front: TrueFront, one: Searched, count: int | None) -> float:
    return front.fraction(one.accuracy[:count], one.cost[:count])


def _beside(ends: Mapping[str, Sequence[float]], own: str) -> dict[str, dict[str, Any]]:
    others = [name for name in ends if name != own]
    tests = [paired(ends[own], ends[name]) for name in others]
    found = {}
    for name, test, p in zip(others, tests, holm([one.t_p for one in tests]), strict=True):
        mean = test.difference.mean
        shown = p < LEVEL and mean != 0
        found[name] = {
            "mean": mean,
            "low": _known(test.difference.low),
            "high": _known(test.difference.high),
            "p": _known(p),
            "verdict": (BETTER if mean > 0 else WORSE) if shown else NONE,
        }
    return found


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def sentence(own: str, found: Sequence[Contestant], evaluations: int, seeds: int) -> str:
    """Return in a sentence or two what may be concluded of the run's own searcher."""
    others = [one for one in found if one.beside is not None]
    if not others:
        return f"{own} was compared with nothing."
    if seeds < 2:
        return "With one seed nothing can be concluded: take more."
    by = {verdict: [one.name for one in others if one.beside and one.beside["verdict"] == verdict]
          for verdict in (BETTER, WORSE, NONE)}  # fmt: skip
    told = [
        f"{verdict} than {', '.join(by[verdict])}" for verdict in (BETTER, WORSE) if by[verdict]
    ]
    if by[NONE]:
        told.append(f"not shown to differ from {', '.join(by[NONE])}")
    text = (
        f"At {evaluations} evaluations over {seeds} seeds, paired, {own} is {'; '.join(told)}, by "
        "the share of the front's hypervolume."
    )
    return text if seeds >= FEW else f"{text} With so few seeds even that may be luck."

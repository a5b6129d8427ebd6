"""What an audit finds, computed once for terminal, report and JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.fams.commands.scored_rows import ScoredRows
from heliostat_methods.fams.groups.arguments import ArrayError
from heliostat_methods.fams.metrics.accuracy import (
    GroupAccuracy,
    brier_losses,
    group_accuracies,
    log_losses,
)
from heliostat_methods.fams.metrics.binning_gap import binning_gap
from heliostat_methods.fams.metrics.bootstrap import GapInterval, Interval, sufficiency_interval
from heliostat_methods.fams.metrics.calibration import CalibrationBin, calibration_table
from heliostat_methods.fams.metrics.differences import SubgroupDifference, subgroup_differences
from heliostat_methods.fams.metrics.permutation import SufficiencyTest, sufficiency_test
from heliostat_methods.fams.metrics.wilson import normal_quantile, wilson_interval
from heliostat_search.statistics import holm

CONFIDENCE, LEVEL, CLIP = 0.95, 0.05, 1e-12


@dataclass(frozen=True)
class AuditSettings:
    """How scores are compared; the meaning is that of `sufficiency_gap` and `sufficiency_test`."""

    bins: int = 10
    strategy: str = "uniform"
    weights: str = "population"
    permutations: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class Subgroup:
    """All that is said of one subgroup.

    `holm_p`: p-value of its difference, corrected for all subgroups that are not `few`; 1 for those
    that are.
    """

    difference: SubgroupDifference
    holm_p: float
    rate: Interval
    mean_score: float
    accuracy: GroupAccuracy

    @property
    def stands_out(self) -> bool:
        """Whether its outcomes are not those of its scores, at 5 % for all subgroups together."""
        return self.holm_p <= LEVEL


@dataclass(frozen=True, eq=False)
class Findings:
    """Of all rows, then of the subgroups, those first that differ most.

    `interval` is None where no bin holds two subgroups with two rows each.
    """

    rows: ScoredRows
    settings: AuditSettings
    bins: int
    test: SufficiencyTest
    bins_alone: float
    """The gap that bins would give a score that is right."""
    interval: GapInterval | None
    rate: Interval
    accuracy: Interval
    brier: Interval
    log_loss: Interval
    subgroups: tuple[Subgroup, ...]
    curves: tuple[CalibrationBin, ...]
    overall: tuple[CalibrationBin, ...]

    def plain(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        null = np.quantile(self.test.null, [0.025, 0.975])
        return {
            "source": self.rows.source,
            "rows": len(self.rows.y),
            "outcome": self.rows.outcome,
            "groups": list(self.rows.by),
            "settings": asdict(self.settings),
            "confidence": CONFIDENCE,
            "gap": {
                "plug_in": self.test.gap,
                "p_value": self.test.p_value,
                "chance": {
                    "mean": float(self.test.null.mean()),
                    "low": float(null[0]),
                    "high": float(null[1]),
                },
                "bins_alone": self.bins_alone,
                "interval": None if self.interval is None else asdict(self.interval),
            },
            "rate": asdict(self.rate),
            "accuracy": asdict(self.accuracy),
            "brier": asdict(self.brier),
            "log_loss": asdict(self.log_loss),
            "subgroups": [
                asdict(one.difference)
                | {"holm_p": one.holm_p, "stands_out": one.stands_out}
                | {"rate": asdict(one.rate), "mean_score": one.mean_score}
                | {"accuracy": {k: getattr(one.accuracy, k) for k in ("accuracy", "low", "high")}}
                for one in self.subgroups
            ],
            "calibration": [asdict(one) for one in self.curves],
        }


def find(rows: ScoredRows, settings: AuditSettings) -> Findings:
    """Return the findings; raises ArgumentError for settings that cannot be used."""
    data: dict[str, Any] = {"y_true": rows.y, "y_score": rows.score}
    by: dict[str, Any] = {"sensitive_features": rows.groups}
    cut: dict[str, Any] = {"n_bins": settings.bins, "strategy": settings.strategy}
    weighted: dict[str, Any] = {**data, **by, **cut, "weights": settings.weights}
    test = sufficiency_test(**weighted, permutations=settings.permutations, seed=settings.seed)
    overall = calibration_table(**data, sensitive_features=np.zeros(len(rows.y), int), **cut)
    right = (rows.score > 0.5) == (rows.y == 1)
    return Findings(
        rows,
        settings,
        len(overall),
        test,
        binning_gap(rows.score, **by, **cut, weights=settings.weights),
        _interval(weighted, settings.seed),
        _rate(rows.y),
        _rate(right.astype(np.float64)),
        _mean(brier_losses(rows.y, rows.score), 1.0),
        _mean(log_losses(rows.y, rows.score, CLIP), -math.log(CLIP)),
        _subgroups(rows, subgroup_differences(**weighted), group_accuracies(**data, **by)),
        calibration_table(**data, **by, **cut),
        overall,
    )


def _interval(weighted: dict[str, Any], seed: int) -> GapInterval | None:
    try:
        return sufficiency_interval(**weighted, seed=seed)
    except ArrayError:  # no bin holds two subgroups with two rows each
        return None


def _rate(hits: NDArray[np.float64]) -> Interval:
    return _rates(np.array([hits.sum()]), np.array([float(len(hits))]))[0]


def _rates(hits: NDArray[np.float64], rows: NDArray[np.float64]) -> list[Interval]:
    low, high = wilson_interval(hits, rows, CONFIDENCE)
    ends = zip(hits / rows, low, high, strict=True)
    return [Interval(*map(float, three)) for three in ends]


def _mean(losses: NDArray[np.float64], most: float) -> Interval:
    """Return the mean of losses from 0 to `most`, with normal ends no farther out than these."""
    mean = float(losses.mean())
    error = float(losses.std()) / np.sqrt(max(1, len(losses) - 1))
    half = float(normal_quantile(CONFIDENCE) * error)
    return Interval(mean, max(0.0, mean - half), min(max(most, mean), mean + half))


def _subgroups(
    rows: ScoredRows,
    differences: tuple[SubgroupDifference, ...],
    accuracies: tuple[GroupAccuracy, ...],
) -> tuple[Subgroup, ...]:
    sizes = rows.groups.sizes.astype(np.float64)
    positives = np.bincount(rows.groups.codes, rows.y).astype(np.float64)
    means = np.bincount(rows.groups.codes, rows.score) / sizes
    tested = iter(holm([one.p_value for one in differences if not one.few]))
    corrected = [1.0 if one.few else next(tested) for one in differences]
    rates = _rates(positives, sizes)
    parts = zip(differences, corrected, rates, means.tolist(), accuracies, strict=True)
    found = [Subgroup(*part) for part in parts]
    found.sort(key=lambda one: (one.difference.few, one.difference.p_value, one.difference.group))
    return tuple(found)

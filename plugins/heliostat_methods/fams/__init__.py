"""FAMS: fair and accurate prediction on many subgroups, and the measures to judge it by.

>>> from heliostat_methods.fams import sufficiency_gap, sufficiency_gap_squared
>>> y, score = [0, 0, 1, 1, 0, 1, 1, 1], [0.4, 0.4, 0.4, 0.4, 0.8, 0.8, 0.8, 0.8]
>>> sex = ["f", "f", "m", "m", "f", "f", "m", "m"]
>>> sufficiency_gap(y, score, sensitive_features=sex)
0.375
>>> sufficiency_gap_squared(y, score, sensitive_features=sex).value
0.125
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heliostat_methods.fams.metrics.accuracy import (
        GroupAccuracy,
        brier_score,
        expected_calibration_error,
        group_accuracies,
        mean_group_accuracy,
        negative_log_likelihood,
        worst_group_accuracy,
    )
    from heliostat_methods.fams.metrics.authors import sufficiency_gap_authors
    from heliostat_methods.fams.metrics.binning_gap import binning_gap
    from heliostat_methods.fams.metrics.bootstrap import (
        GapInterval,
        Interval,
        sufficiency_interval,
    )
    from heliostat_methods.fams.metrics.calibration import CalibrationBin, calibration_table
    from heliostat_methods.fams.metrics.differences import (
        SubgroupDifference,
        subgroup_differences,
    )
    from heliostat_methods.fams.metrics.gap import sufficiency_gap
    from heliostat_methods.fams.metrics.noise_floor import noise_floor
    from heliostat_methods.fams.metrics.permutation import SufficiencyTest, sufficiency_test
    from heliostat_methods.fams.metrics.squared_gap import GapEstimate, sufficiency_gap_squared

_HOME = {
    "CalibrationBin": "metrics.calibration",
    "GapEstimate": "metrics.squared_gap",
    "GapInterval": "metrics.bootstrap",
    "GroupAccuracy": "metrics.accuracy",
    "Interval": "metrics.bootstrap",
    "SubgroupDifference": "metrics.differences",
    "SufficiencyTest": "metrics.permutation",
    "binning_gap": "metrics.binning_gap",
    "brier_score": "metrics.accuracy",
    "calibration_table": "metrics.calibration",
    "expected_calibration_error": "metrics.accuracy",
    "group_accuracies": "metrics.accuracy",
    "mean_group_accuracy": "metrics.accuracy",
    "negative_log_likelihood": "metrics.accuracy",
    "noise_floor": "metrics.noise_floor",
    "subgroup_differences": "metrics.differences",
    "sufficiency_gap": "metrics.gap",
    "sufficiency_gap_authors": "metrics.authors",
    "sufficiency_gap_squared": "metrics.squared_gap",
    "sufficiency_interval": "metrics.bootstrap",
    "sufficiency_test": "metrics.permutation",
    "worst_group_accuracy": "metrics.accuracy",
}

__all__ = [
    "CalibrationBin",
    "GapEstimate",
    "GapInterval",
    "GroupAccuracy",
    "Interval",
    "SubgroupDifference",
    "SufficiencyTest",
    "binning_gap",
    "brier_score",
    "calibration_table",
    "expected_calibration_error",
    "group_accuracies",
    "mean_group_accuracy",
    "negative_log_likelihood",
    "noise_floor",
    "subgroup_differences",
    "sufficiency_gap",
    "sufficiency_gap_authors",
    "sufficiency_gap_squared",
    "sufficiency_interval",
    "sufficiency_test",
    "worst_group_accuracy",
]


def __getattr__(name: str) -> Any:
    # Found when first used, so that importing this package loads no numerical library.
    if name in _HOME:
        import importlib

        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

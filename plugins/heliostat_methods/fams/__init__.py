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

from typing import TYPE_CHECKING

from heliostat.contract import lazy_names

if TYPE_CHECKING:
    from heliostat_methods.fams.commands.saved_models import found_model
    from heliostat_methods.fams.estimators.eiil import EIIL
    from heliostat_methods.fams.estimators.erm import ERM, BalancedERM
    from heliostat_methods.fams.estimators.fams import FAMS, FCNET3, FCNET4
    from heliostat_methods.fams.estimators.fscs import FSCS
    from heliostat_methods.fams.estimators.group_dro import GroupDRO
    from heliostat_methods.fams.estimators.logistic import LogisticRegression
    from heliostat_methods.fams.estimators.mitigators import FairlearnReduction, FairlearnThresholds
    from heliostat_methods.fams.estimators.snn import SNN
    from heliostat_methods.fams.gaussian.barycenter import barycenter
    from heliostat_methods.fams.gaussian.divergence import divergence
    from heliostat_methods.fams.gaussian.moments import merge_moments
    from heliostat_methods.fams.gaussian.network import GaussianMLP
    from heliostat_methods.fams.groups.builder import build_groups
    from heliostat_methods.fams.groups.coding import subgroups
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
    from heliostat_methods.fams.metrics.bootstrap import GapInterval, Interval, sufficiency_interval
    from heliostat_methods.fams.metrics.calibration import CalibrationBin, calibration_table
    from heliostat_methods.fams.metrics.differences import SubgroupDifference, subgroup_differences
    from heliostat_methods.fams.metrics.gap import sufficiency_gap
    from heliostat_methods.fams.metrics.noise_floor import noise_floor
    from heliostat_methods.fams.metrics.permutation import SufficiencyTest, sufficiency_test
    from heliostat_methods.fams.metrics.squared_gap import GapEstimate, sufficiency_gap_squared

_HOME = {
    "BalancedERM": "estimators.erm",
    "CalibrationBin": "metrics.calibration",
    "EIIL": "estimators.eiil",
    "ERM": "estimators.erm",
    "FAMS": "estimators.fams",
    "FCNET3": "estimators.fams",
    "FCNET4": "estimators.fams",
    "FSCS": "estimators.fscs",
    "FairlearnReduction": "estimators.mitigators",
    "FairlearnThresholds": "estimators.mitigators",
    "GapEstimate": "metrics.squared_gap",
    "GapInterval": "metrics.bootstrap",
    "GaussianMLP": "gaussian.network",
    "GroupAccuracy": "metrics.accuracy",
    "GroupDRO": "estimators.group_dro",
    "Interval": "metrics.bootstrap",
    "LogisticRegression": "estimators.logistic",
    "SNN": "estimators.snn",
    "SubgroupDifference": "metrics.differences",
    "SufficiencyTest": "metrics.permutation",
    "barycenter": "gaussian.barycenter",
    "binning_gap": "metrics.binning_gap",
    "brier_score": "metrics.accuracy",
    "build_groups": "groups.builder",
    "calibration_table": "metrics.calibration",
    "divergence": "gaussian.divergence",
    "expected_calibration_error": "metrics.accuracy",
    "found_model": "commands.saved_models",
    "group_accuracies": "metrics.accuracy",
    "mean_group_accuracy": "metrics.accuracy",
    "merge_moments": "gaussian.moments",
    "negative_log_likelihood": "metrics.accuracy",
    "noise_floor": "metrics.noise_floor",
    "subgroup_differences": "metrics.differences",
    "subgroups": "groups.coding",
    "sufficiency_gap": "metrics.gap",
    "sufficiency_gap_authors": "metrics.authors",
    "sufficiency_gap_squared": "metrics.squared_gap",
    "sufficiency_interval": "metrics.bootstrap",
    "sufficiency_test": "metrics.permutation",
    "worst_group_accuracy": "metrics.accuracy",
}

__all__ = [
    "EIIL",
    "ERM",
    "FAMS",
    "FCNET3",
    "FCNET4",
    "FSCS",
    "SNN",
    "BalancedERM",
    "CalibrationBin",
    "FairlearnReduction",
    "FairlearnThresholds",
    "GapEstimate",
    "GapInterval",
    "GaussianMLP",
    "GroupAccuracy",
    "GroupDRO",
    "Interval",
    "LogisticRegression",
    "SubgroupDifference",
    "SufficiencyTest",
    "barycenter",
    "binning_gap",
    "brier_score",
    "build_groups",
    "calibration_table",
    "divergence",
    "expected_calibration_error",
    "found_model",
    "group_accuracies",
    "mean_group_accuracy",
    "merge_moments",
    "negative_log_likelihood",
    "noise_floor",
    "subgroup_differences",
    "subgroups",
    "sufficiency_gap",
    "sufficiency_gap_authors",
    "sufficiency_gap_squared",
    "sufficiency_interval",
    "sufficiency_test",
    "worst_group_accuracy",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME)

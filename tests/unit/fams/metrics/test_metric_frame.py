"""The metrics inside fairlearn's MetricFrame, by one attribute while another one is judged."""

from __future__ import annotations

import numpy as np
import pytest
from fams_laws import shifted

from heliostat_methods.fams import (
    brier_score,
    expected_calibration_error,
    negative_log_likelihood,
    sufficiency_gap,
    sufficiency_gap_squared,
    worst_group_accuracy,
)

fairlearn = pytest.importorskip("fairlearn.metrics")


def test_metrics_by_group_in_a_metric_frame():
    y, score, group = shifted(np.random.default_rng(0), 6, 50, 0.1)
    site = np.where(np.arange(300) % 3, "north", "south")
    times = 1.0 + np.arange(300) % 2

    def squared(y_true, y_score, **more):
        return sufficiency_gap_squared(y_true, y_score, **more).value

    by_group = {"sensitive_features": group}
    frame = fairlearn.MetricFrame(
        metrics={"gap": sufficiency_gap, "squared": squared, "worst": worst_group_accuracy,
                 "brier": brier_score, "nll": negative_log_likelihood,
                 "ece": expected_calibration_error},
        y_true=y,
        y_pred=score,
        sensitive_features=site,
        sample_params={"gap": {**by_group, "sample_weight": times}, "squared": by_group,
                       "worst": by_group, "brier": {"sample_weight": times}},
    )  # fmt: skip
    assert frame.overall["gap"] == sufficiency_gap(
        y, score, sensitive_features=group, sample_weight=times
    )
    for name in ("north", "south"):
        rows = site == name
        own = frame.by_group.loc[name]
        part = {"sensitive_features": group[rows]}
        assert own["gap"] == pytest.approx(
            sufficiency_gap(y[rows], score[rows], sample_weight=times[rows], **part)
        )
        assert own["squared"] == squared(y[rows], score[rows], **part)
        assert own["worst"] == worst_group_accuracy(y[rows], score[rows], **part)
        assert own["nll"] == negative_log_likelihood(y[rows], score[rows])
    assert frame.difference()["brier"] > 0

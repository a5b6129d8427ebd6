"""Metrics of one training: what cannot be worked out is missing by itself."""

from __future__ import annotations

import numpy as np
import pytest

from heliostat_methods.fams.groups.coding import subgroups
from heliostat_methods.fams.training.measures import METRICS, measured
from heliostat_methods.fams.training.problem import Rows


def rows(groups: list[str]) -> Rows:
    labels = (np.arange(len(groups)) % 2).astype(np.float64)
    return Rows(np.zeros((len(groups), 1)), labels, subgroups(groups))


def test_all_metrics_have_values_in_their_order_where_groups_have_rows() -> None:
    found, missing = measured(rows(["a", "b"] * 20), np.linspace(0.1, 0.9, 40), 4, 9, 0)
    assert list(found) == list(METRICS)
    assert missing == {}
    assert all(np.isfinite(value) for value in found.values())


def test_groups_of_one_row_cost_the_squared_gap_alone() -> None:
    found, missing = measured(rows(list("abcdef")), np.linspace(0.1, 0.9, 6), 4, 9, 0)
    assert set(found) == set(METRICS) - {"gap_squared"}
    assert found["accuracy"] == pytest.approx(4 / 6)
    (why,) = missing.values()
    assert "no subgroup has two rows in one score bin" in why


def test_scores_that_are_no_numbers_have_no_metric_at_all() -> None:
    scores = np.array([0.5, np.nan, 0.5, 0.5])
    found, missing = measured(rows(["a", "b"] * 2), scores, 4, 9, 0)
    assert found == {}
    assert set(missing) == set(METRICS)

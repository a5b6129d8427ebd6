"""The unbiased squared gap and its interval, over many samples of laws whose gap is known."""

from __future__ import annotations

import numpy as np
import pytest
from fams_laws import shifted

from heliostat_methods.fams import (
    sufficiency_gap,
    sufficiency_gap_squared,
    sufficiency_interval,
)
from heliostat_methods.fams.metrics.bootstrap import redrawn
from heliostat_methods.fams.metrics.cells import count_cells
from heliostat_methods.fams.metrics.squared_gap import paired_cells, squared_gap


@pytest.mark.parametrize(("shift", "plug_in"), [(0.15, 0.18), (0.05, 0.14), (0.0, 0.13)])
def test_the_squared_gap_is_unbiased_where_the_plug_in_gap_is_far_off(shift, plug_in):
    """The specification's check, smaller: 50 groups of 40 rows, 60 samples (section 5.2)."""
    squares, gaps = [], []
    for seed in range(60):
        y, score, group = shifted(np.random.default_rng(seed), 50, 40, shift)
        squares.append(sufficiency_gap_squared(y, score, sensitive_features=group).value)
        gaps.append(sufficiency_gap(y, score, sensitive_features=group))
    error = np.std(squares) / np.sqrt(60)
    # J_b t_b^2 of the true rates is not 0: the halves are not equal in every bin
    assert np.mean(squares) == pytest.approx(shift**2, abs=4 * error + 0.03 * shift**2)
    assert np.mean(gaps) > plug_in


@pytest.mark.parametrize(
    ("groups", "rows", "shift", "weights"),
    [(10, 60, 0.1, "population"), (10, 60, 0.0, "population"), (6, 100, 0.15, "uniform")],
)
def test_the_interval_covers_the_true_gap_about_as_often_as_it_says(groups, rows, shift, weights):
    """80 samples at 95 %: fewer than 68 or so would be a wrong interval, not chance."""
    covered, root_covered = 0, 0
    for seed in range(80):
        y, score, group = shifted(np.random.default_rng(seed), groups, rows, shift)
        found = sufficiency_interval(
            y, score, sensitive_features=group, weights=weights, resamples=120, seed=seed
        )
        true = squared_of_law(y, score, group, shift, weights)
        covered += found.squared.low <= true <= found.squared.high
        root_covered += found.root.low <= np.sqrt(true) <= found.root.high
    assert root_covered >= covered >= 69  # a root of 0 is covered by ends below 0, too


def squared_of_law(y, score, group, shift, weights):
    """The squared gap of the true rates, for the rows that were drawn."""
    cells, masses, _ = paired_cells(count_cells(y, score, group), weights)
    apart = np.where(cells.group % 2, shift, -shift)
    return float((masses * (apart - cells.pooled(masses, apart)) ** 2).sum())


def test_the_interval_tells_its_three_values():
    y, score, group = shifted(np.random.default_rng(1), 10, 60, 0.1)
    found = sufficiency_interval(y, score, sensitive_features=group)
    squared = sufficiency_gap_squared(y, score, sensitive_features=group)
    assert found.squared.value == squared.value
    assert found.root.value == squared.root == pytest.approx(squared.value**0.5)
    assert found.plug_in.value == sufficiency_gap(y, score, sensitive_features=group)
    assert (found.coverage, found.confidence) == (squared.coverage, 0.95)
    for one in (found.squared, found.root, found.plug_in):
        assert one.low < one.value < one.high
    wider = sufficiency_interval(y, score, sensitive_features=group, confidence=0.99)
    assert wider.squared.low < found.squared.low < found.squared.high < wider.squared.high


def test_the_number_of_draws_at_once_changes_no_bit():
    y, score, group = shifted(np.random.default_rng(0), 7, 20, 0.1)
    cells, masses, _ = paired_cells(count_cells(y, score, group), "population")
    rates = cells.positives / cells.rows
    drawn = [redrawn(cells, masses, rates, 50, 5, squared_gap, n).tolist() for n in (1, 200, 10**6)]
    assert drawn[0] == drawn[1] == drawn[2]

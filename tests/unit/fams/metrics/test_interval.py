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
from heliostat_methods.fams.metrics.cells import count_cells
from heliostat_methods.fams.metrics.inversion import redrawn
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
    """24 samples at 95 %: fewer than 20 has a chance of .6 % for an interval that is right."""
    covered, root_covered = 0, 0
    for seed in range(24):
        y, score, group = shifted(np.random.default_rng(seed), groups, rows, shift)
        found = sufficiency_interval(
            y, score, sensitive_features=group, weights=weights, resamples=50, seed=seed
        )
        true = squared_of_law(y, score, group, shift, weights)
        covered += found.squared.low <= true <= found.squared.high
        root_covered += found.root.low <= np.sqrt(true) <= found.root.high
    assert root_covered >= covered >= 20


def squared_of_law(y, score, group, shift, weights):
    """The squared gap of the true rates, for the rows that were drawn."""
    cells, masses, _ = paired_cells(count_cells(y, score, group), weights)
    apart = np.where(cells.group % 2, shift, -shift)
    return float((masses * (apart - cells.pooled(masses, apart)) ** 2).sum())


def test_the_interval_tells_its_three_values():
    y, score, group = shifted(np.random.default_rng(1), 10, 60, 0.2)
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


@pytest.mark.parametrize(
    ("rows", "rates"),
    [
        ((50, 50), [[(i + 0.5) / 10 - 0.04, (i + 0.5) / 10 + 0.04] for i in range(10)]),
        ((200, 200), [[0.3, 0.5]]),
        ((1000, 1000), [[0.45, 0.5]]),
        ((50, 50), [[0.9, 0.99]]),
        ((3, 3), [[0.8, 0.4]]),
        ((300, 300, 300), [[0.01, 0.01, 0.03]]),
    ],
)
def test_the_interval_covers_where_groups_are_few(rows, rates):
    """24 samples at 95 %: fewer than 20 has a chance of .6 % for an interval that is right."""
    covered = 0
    for seed in range(24):
        y, score, group = sampled(rows, rates, seed)
        found = sufficiency_interval(y, score, sensitive_features=group, resamples=60, seed=seed)
        part = np.array(rows) / sum(rows)
        true = np.mean([part @ (np.array(one) - part @ one) ** 2 for one in rates])
        covered += found.squared.low <= true <= found.squared.high
        for one in (found.squared, found.root, found.plug_in):
            assert one.low <= one.value <= one.high and one.low < one.high
    assert covered >= 20


def sampled(rows, rates, seed):
    """Labels of groups of so many rows in each bin, drawn by the rates of bins and groups."""
    chances = np.concatenate([np.repeat(one, rows) for one in rates])
    score = np.repeat((np.arange(len(rates)) + 0.5) / len(rates), sum(rows))
    group = np.tile(np.repeat(np.arange(len(rows)), rows), len(rates))
    return np.random.default_rng(seed).uniform(size=len(score)) < chances, score, group


@pytest.mark.parametrize("y", [[1, 1, 1, 0, 0, 0], [1] * 6, [0] * 6, [1, 0, 1, 1, 0, 1]])
def test_no_interval_of_six_rows_is_a_point(y):
    found = sufficiency_interval(y, [0.5] * 6, sensitive_features=list("aaabbb"))
    assert found.root.low <= 0.1 and found.root.high >= 0.35
    assert found.plug_in.high - found.plug_in.low > 0.2


def test_an_estimate_far_below_zero_does_not_say_that_there_is_no_gap():
    """Equal rates of both groups in each bin, more alike than chance would have it."""
    y = np.tile([0, 1], 200)
    score, group = np.repeat([0.15, 0.35, 0.55, 0.75], 100), np.tile([0, 0, 1, 1], 100)
    found = sufficiency_interval(y, score, sensitive_features=group)
    assert found.squared.value < 0 and found.root.low == 0
    assert found.root.high > 0.05


def test_subgroups_that_share_no_bin_have_no_interval():
    y, score, group = [0, 1, 0, 1], [0.1, 0.1, 0.9, 0.9], [0, 0, 1, 1]
    with pytest.raises(ValueError, match="no score bin holds two subgroups with two rows each"):
        sufficiency_interval(y, score, sensitive_features=group)

"""What holds for every sufficiency gap (section 5.1), over drawn data."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.fams import (
    binning_gap,
    brier_score,
    expected_calibration_error,
    mean_group_accuracy,
    negative_log_likelihood,
    subgroup_differences,
    sufficiency_gap,
    sufficiency_gap_authors,
    sufficiency_gap_squared,
    sufficiency_interval,
    sufficiency_test,
    worst_group_accuracy,
)
from heliostat_methods.fams.groups.coding import Subgroups
from heliostat_methods.fams.metrics.binning import bin_edges, bin_numbers

rows_of_data = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 1), min_size=n, max_size=n),
        st.lists(st.integers(0, 20).map(lambda k: k / 20), min_size=n, max_size=n),
        st.lists(st.integers(0, 4), min_size=n, max_size=n),
    )
)
both = st.sampled_from(["population", "uniform"])


@settings(max_examples=25, deadline=None)
@given(rows_of_data, both, st.randoms(use_true_random=False))
def test_names_of_groups_and_the_order_of_rows_change_no_bit(data, weights, random):
    y, score, group = map(np.array, data)
    order = np.array(random.sample(range(len(y)), len(y)))
    named = np.array(random.sample(["red", "green", "a", "b", "c"], 5))[group]
    before = to_the_bit(y, score, group, weights)
    assert to_the_bit(y, score, named, weights) == before
    assert to_the_bit(y[order], score[order], group[order], weights) == before
    sums = pytest.approx(to_rounding(y, score, group), abs=1e-12)
    assert to_rounding(y, score, named) == sums
    assert to_rounding(y[order], score[order], group[order]) == sums


def to_rounding(y, score, group):
    apart = subgroup_differences(y, score, sensitive_features=group)
    losses = brier_score(y, score), negative_log_likelihood(y, score)
    bins = expected_calibration_error(y, score)
    return [*sorted(one.difference for one in apart), *losses, bins]


def to_the_bit(y, score, group, weights):
    here = {"sensitive_features": group, "n_bins": 4}
    found = [sufficiency_gap(y, score, weights=weights, **here)]
    test = sufficiency_test(y, score, weights=weights, permutations=20, **here)
    found += [test.p_value, *test.null]
    try:
        squared = sufficiency_gap_squared(y, score, weights=weights, **here)
        found += [squared.value, squared.coverage]
        interval = sufficiency_interval(y, score, weights=weights, resamples=20, **here)
        found += [interval.squared, interval.plug_in]
    except ValueError as error:  # no two rows in a cell, whatever the names
        found.append(str(error))
    del here["n_bins"]
    found += [worst_group_accuracy(y, score, **here), mean_group_accuracy(y, score, **here)]
    return found


@pytest.mark.filterwarnings("ignore:sufficiency_gap_authors")
@settings(max_examples=25, deadline=None)
@given(rows_of_data, st.randoms(use_true_random=False))
def test_the_released_metric_does_not_depend_on_the_order_of_rows(data, random):
    y, score, group = map(np.array, data)
    order = np.array(random.sample(range(len(y)), len(y)))
    before = sufficiency_gap_authors(y, score, sensitive_features=group, n_bins=2)
    after = sufficiency_gap_authors(
        y[order], score[order], sensitive_features=group[order], n_bins=2
    )
    assert after == pytest.approx(before, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(rows_of_data)
def test_in_one_bin_the_gap_is_the_mean_distance_of_rates(data):
    y, score, group = map(np.array, data)
    present = np.unique(group)
    rates = np.array([y[group == a].mean() for a in present])
    sizes = np.array([np.mean(group == a) for a in present])
    for weights, w in (("population", sizes), ("uniform", np.full(len(rates), 1 / len(rates)))):
        expected = (w * np.abs(rates - (w * rates).sum())).sum()
        gap = sufficiency_gap(y, score, sensitive_features=group, n_bins=1, weights=weights)
        assert gap == pytest.approx(expected, abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(rows_of_data, both)
def test_one_group_has_no_gap(data, weights):
    y, score, group = map(np.array, data)
    one = {"sensitive_features": np.zeros(len(group)), "weights": weights}
    assert sufficiency_gap(y, score, **one) == pytest.approx(0, abs=1e-15)
    assert sufficiency_test(y, score, permutations=9, **one).p_value == 1
    if len(y) > 10:  # more rows than bins: a pair somewhere
        assert sufficiency_gap_squared(y, score, **one).value == pytest.approx(0, abs=1e-15)


@settings(max_examples=15, deadline=None)
@given(rows_of_data, both)
def test_whole_weights_count_as_repeated_rows(data, weights):
    y, score, group = map(np.array, data)
    times = 1 + np.arange(len(y)) % 3
    repeated = sufficiency_gap(
        *(np.repeat(one, times) for one in (y, score)),
        sensitive_features=np.repeat(group, times), weights=weights,
    )  # fmt: skip
    weighted = sufficiency_gap(
        y, score, sensitive_features=group, weights=weights, sample_weight=times
    )
    assert weighted == pytest.approx(repeated, abs=1e-12)


unit = st.floats(0, 1, allow_nan=False)
laws = st.lists(
    # group, mass, one of three scores, Bayes probability
    st.tuples(st.integers(0, 3), st.floats(0.01, 1), st.integers(0, 2), unit),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(laws, st.tuples(unit, unit, unit), both)
def test_the_gap_is_at_most_twice_the_distance_to_the_subgroups_best(law, values, weights):
    """Suf_f <= 2 E |f - f_a^B| (section 2.2), the law written as weighted rows, a bin a score."""
    group, mass, which, best = (np.array(column) for column in zip(*law, strict=True))
    score = np.array(values)[which]
    total = np.bincount(group, mass)[group]
    share = mass / (mass.sum() if weights == "population" else total * len(np.unique(group)))
    bound = 2 * (share * np.abs(score - best)).sum()
    known = np.unique([0.0, *score, 1.0])
    gap = sufficiency_gap(
        np.repeat([1, 0], len(law)), np.tile(score, 2), sensitive_features=np.tile(group, 2),
        sample_weight=np.concatenate([mass * best, mass * (1 - best)]), weights=weights,
        edges=np.unique([*known, *(known[:-1] + known[1:]) / 2]),
    )  # fmt: skip
    # weights uniform leave out groups of mass 0 alone, and here none has it
    assert gap <= bound + 1e-9


def test_the_factor_two_of_the_bound_is_tight():
    q = 0.001
    gap = sufficiency_gap(
        [1, 0], [0, 0], sensitive_features=["ill", "well"], sample_weight=[q, 1 - q]
    )
    assert gap / q == pytest.approx(2 * (1 - q))


def test_splitting_a_group_raises_the_plug_in_gap_and_leaves_the_unbiased_square():
    """The mean over all 36 ways of halving a group, six rows by six of two bins."""
    y = np.array([1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1])
    score = np.repeat([0.2, 0.7, 0.2, 0.7], [4, 4, 2, 2])
    group = np.repeat([0, 1], [8, 4])
    whole = sufficiency_gap(y, score, sensitive_features=group)
    square = sufficiency_gap_squared(y, score, sensitive_features=group).value
    gaps, squares = [], []
    for low, high in product(combinations(range(4), 2), combinations(range(4, 8), 2)):
        split = group.copy()
        split[[*low, *high]] = 2
        gaps.append(sufficiency_gap(y, score, sensitive_features=split))
        squares.append(sufficiency_gap_squared(y, score, sensitive_features=split).value)
    assert np.mean(squares) == pytest.approx(square, abs=1e-12)
    assert np.mean(gaps) > whole + 0.01


def test_a_score_on_an_inner_edge_is_in_the_upper_bin_and_one_in_the_last():
    # in tenths, 0.3 as float64 is the edge itself
    y, group = [1, 0, 1, 0], ["a", "b", "a", "b"]
    assert sufficiency_gap(y, [0.3, 0.29, 0.3, 0.29], sensitive_features=group) == 0
    assert sufficiency_gap(y, [0.3, 0.31, 0.3, 0.31], sensitive_features=group) == 0.5
    assert sufficiency_gap(y, [1.0, 0.95, 1.0, 0.95], sensitive_features=group) == 0.5
    cut = [0, 0.3, 1]
    assert sufficiency_gap(y, [0.3, 0.29, 0.3, 0.29], sensitive_features=group, edges=cut) == 0


def test_bins_alone_give_the_distance_of_mean_scores_inside_them():
    score, group = [0.22, 0.28, 0.28, 0.61], ["a", "b", "b", "a"]
    assert binning_gap(score, sensitive_features=group) == pytest.approx((0.04 + 2 * 0.02) / 4)
    wide = binning_gap(score, sensitive_features=group, edges=[0, 0.25, 1])
    assert wide == pytest.approx((0.22 + 2 * 0.11) / 4)
    assert binning_gap([0.5, 0.5], sensitive_features=["a", "b"]) == 0
    # the gap of many labels that come as often as their scores say
    near = np.random.default_rng(0).random(200_000)
    sites = (near * 20).astype(int) % 2  # halves of each bin
    y = np.random.default_rng(1).random(200_000) < near
    gap = sufficiency_gap(y, near, sensitive_features=sites)
    assert gap == pytest.approx(binning_gap(near, sensitive_features=sites), abs=0.005)


def test_quantile_bins_hold_equally_many_rows_and_ties_leave_fewer():
    score = np.array([0.01, 0.02, 0.03, 0.04, 0.91, 0.92, 0.93, 0.94])
    y, group = np.array([1, 0, 1, 0, 1, 1, 0, 0]), np.array([0, 1, 0, 1, 0, 0, 1, 1])
    here = {"sensitive_features": group, "strategy": "quantile", "n_bins": 2}
    assert sufficiency_gap(y, score, **here) == 0.5
    assert sufficiency_gap(y, score**8, **here) == 0.5  # equal width would merge them
    tied = sufficiency_gap(y, np.full(8, 0.5), **here)
    assert tied == sufficiency_gap(y, score, sensitive_features=group, n_bins=1)


@pytest.mark.parametrize(
    ("values", "counts"),
    [((0, 1), (91, 9)), ((0.1, 0.2, 0.9), (91, 8, 1)), ((0, 0.5, 1), (1, 1, 98)), ((0.3,), (5,))],
)
def test_quantile_bins_keep_scores_apart_where_there_are_bins_enough(values, counts):
    score = np.repeat(values, counts).astype(float)
    for n_bins in (len(values), 10, 100):
        edges = bin_edges(score, n_bins, strategy="quantile")
        assert edges[0] == 0 and edges[-1] == 1 and np.all(np.diff(edges) > 0)
        np.testing.assert_array_equal(
            bin_numbers(score, edges), np.repeat(np.arange(len(values)), counts)
        )


def test_quantile_bins_are_all_filled_whatever_is_tied():
    generator = np.random.default_rng(0)
    for _ in range(100):
        score = generator.integers(0, 12, generator.integers(1, 60)) / 11
        n_bins = int(generator.integers(1, 14))
        filled = np.bincount(bin_numbers(score, bin_edges(score, n_bins, strategy="quantile")))
        assert len(filled) == min(n_bins, len(np.unique(score))) and filled.min() > 0


def test_groups_without_a_row_count_for_nothing():
    y, score = [0, 1, 1, 0, 1, 0], [0.1, 0.15, 0.12, 0.18, 0.19, 0.11]
    held = Subgroups(np.array([0, 0, 1, 1, 1, 0]), ("a", "c"))
    more = Subgroups(np.array([0, 0, 2, 2, 2, 0]), ("a", "nobody", "c", "nobody else"))
    for metric in (sufficiency_gap, sufficiency_gap_squared, subgroup_differences):
        both_ways = [
            metric(y, score, sensitive_features=groups, weights="uniform")
            for groups in (held, more)
        ]
        assert both_ways[0] == both_ways[1]
    for metric in (sufficiency_gap_authors, mean_group_accuracy):
        one_bin = {"n_bins": 1} if metric is sufficiency_gap_authors else {}
        both_ways = [
            metric(y, score, sensitive_features=groups, **one_bin) for groups in (held, more)
        ]
        assert both_ways[0] == both_ways[1]

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from heliostat.errors import ConfigError, DataError
from heliostat_search.statistics import holm, mean_interval, paired, signed_rank


def test_interval_by_hand():
    # 1..5: mean 3, deviation sqrt(2.5), t(0.975, 4) = 2.776445 (tables), half width 1.963243.
    result = mean_interval([1, 2, 3, 4, 5])
    assert (result.n, result.mean) == (5, 3)
    assert result.deviation == pytest.approx(1.5811388)
    assert result.half_width == pytest.approx(1.9632432)
    assert (result.low, result.high) == pytest.approx((1.0367568, 4.9632432))


def test_interval_and_tests_agree_with_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=12), rng.normal(0.4, size=12)
    result = paired(a, b, confidence=0.9)
    peer = stats.ttest_rel(a, b)
    assert (result.t, result.t_p) == pytest.approx((peer.statistic, peer.pvalue))
    bounds = peer.confidence_interval(0.9)
    assert (result.difference.low, result.difference.high) == pytest.approx(
        (bounds.low, bounds.high)
    )
    assert result.wilcoxon_p == pytest.approx(stats.wilcoxon(a, b).pvalue)
    assert result.n == 12


def test_paired_by_hand():
    # Differences 1, 2, 3: mean 2, deviation 1, t = 2 sqrt(3) = 3.4641, p = 0.0742 (2 degrees).
    # Signed ranks: all positive, the smallest of 2^3 sign patterns, two-sided 2/8.
    result = paired([2, 4, 6], [1, 2, 3])
    assert result.t == pytest.approx(3.4641016)
    assert result.t_p == pytest.approx(0.0741799)
    assert result.wilcoxon_p == pytest.approx(0.25)


def test_one_value_gives_no_interval_and_no_evidence():
    interval = mean_interval([0.5])
    assert interval.mean == 0.5
    assert all(math.isnan(v) for v in (interval.low, interval.high, interval.half_width))
    result = paired([1.0], [0.5])
    assert (result.difference.mean, result.t_p, result.wilcoxon_p) == (0.5, 1, 1)


def test_equal_methods_give_p_of_one():
    result = paired([0.1, 0.2, 0.3], [0.1, 0.2, 0.3])
    assert (result.difference.mean, result.difference.low, result.difference.high) == (0, 0, 0)
    assert (result.t, result.t_p, result.wilcoxon_p) == (0, 1, 1)


def test_a_constant_difference_is_the_limit_of_the_t_test():
    result = paired([1, 2, 3, 4], [2, 3, 4, 5])
    assert (result.t, result.t_p) == (-math.inf, 0)
    assert result.wilcoxon_p == pytest.approx(2 / 2**4)


def test_zero_differences_are_left_out_of_the_rank_test():
    result = paired([1, 1, 1, 3, 4], [1, 0, 3, 0, 0])
    # Ranks of 1, -2, 3, 4: negative sum 2; sums up to 2 come from {}, {1}, {2}: 2 * 3 / 16.
    assert result.wilcoxon_p == pytest.approx(6 / 16)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_the_rank_test_counts_all_patterns_of_signs_also_with_ties(differences):
    found = signed_rank(differences, np.zeros(len(differences)))
    kept = [d for d in differences if d]
    ranks = stats.rankdata(np.abs(kept)) if kept else []
    above = sum(r for r, d in zip(ranks, kept, strict=True) if d > 0)
    least = min(above, sum(ranks) - above)
    sums = [sum(itertools.compress(ranks, signs))
            for signs in itertools.product((0, 1), repeat=len(kept))]  # fmt: skip
    assert found.n == len(kept)
    assert found.p == pytest.approx(min(1, 2 * sum(s <= least for s in sums) / len(sums)))
    assert found.sign == np.sign(2 * above - sum(ranks))


def test_the_rank_test_agrees_with_scipy_beyond_what_is_counted():
    differences = np.random.default_rng(1).normal(0.2, size=80)
    peer = stats.wilcoxon(differences, method="asymptotic")
    assert signed_rank(differences, np.zeros(80)).p == pytest.approx(peer.pvalue)


def test_an_explosion_is_worse_whatever_its_size():
    usual = np.linspace(0.5, 0.6, 10)
    for blown in (8_000.0, 1e12, math.inf):
        worse = usual + np.r_[np.full(9, 1.0), blown]
        assert signed_rank(worse, usual) == signed_rank(usual + np.arange(1, 11), usual)
    assert signed_rank(worse, usual).p == 2 / 2**10
    assert signed_rank(worse, usual).sign == 1
    # the t-interval of the same values says nothing
    finite = usual + np.r_[np.full(9, 1.0), 8_000.0]
    assert paired(finite, usual).t_p > 0.3 and paired(finite, usual).difference.low < 0


def test_two_that_explode_are_equal():
    result = signed_rank([math.inf, math.inf, 1.0], [math.inf, 2.0, 2.0])
    assert (result.n, result.sign) == (2, 1)  # inf above 2 ranks before 1 below 2
    assert signed_rank([math.inf], [math.inf]).p == 1


def test_splits_that_share_rows_widen_the_interval():
    # Nadeau and Bengio's factor for five splits tested on a third of what they train on:
    # sqrt(1/5 + 1/3) in place of sqrt(1/5).
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    plain, wide = mean_interval(values), mean_interval(values, overlap=1 / 3)
    assert wide.half_width / plain.half_width == pytest.approx(math.sqrt((1 / 5 + 1 / 3) * 5))
    difference = paired(values, np.zeros(5), overlap=1 / 3)
    assert (difference.difference.low, difference.difference.high) == (wide.low, wide.high)
    assert difference.t == pytest.approx(3 / (math.sqrt(2.5) * math.sqrt(1 / 5 + 1 / 3)))
    assert difference.t_p > paired(values, np.zeros(5)).t_p


def test_equal_values_have_an_interval_of_no_width():
    result = mean_interval([0.1] * 7)
    assert (result.mean, result.low, result.high, result.deviation) == (0.1, 0.1, 0.1, 0)


def test_holm_by_hand():
    # Sorted .005 .01 .03 .04 times 4 3 2 1 = .02 .03 .06 .04, running maximum .02 .03 .06 .06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1, 1]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_interval([]), "at least one value"),
        (lambda: mean_interval([[1.0]]), "one column"),
        (lambda: mean_interval([1.0, math.inf]), "got inf at position 1"),
        (lambda: paired([1.0, 2.0], [1.0, math.nan]), "b: finite values needed, got nan"),
        (lambda: signed_rank([1.0, math.nan], [1.0, 2.0]), "a: numbers needed, got nan"),
        (lambda: signed_rank([1.0, 2.0], [1.0]), "a has 2 values, b has 1"),
        (lambda: paired([1.0, 2.0], [1.0]), "a has 2 values, b has 1"),
        (lambda: holm([0.5, 1.5]), "got 1.5 at position 1"),
        (lambda: holm([math.nan]), "got nan at position 0"),
    ],
)
def test_values_that_cannot_be_compared_are_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()


def test_a_confidence_in_percent_is_refused():
    with pytest.raises(ConfigError, match="confidence = 95"):
        mean_interval([1.0, 2.0], confidence=95)


def test_an_overlap_below_nothing_is_refused():
    with pytest.raises(ConfigError, match="overlap"):
        mean_interval([1.0, 2.0], overlap=-0.1)

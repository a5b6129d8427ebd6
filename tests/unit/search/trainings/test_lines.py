"""Lines of a comparison by hand: what exploded, what is paired, what Holm makes of it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_search.statistics import mean_interval, paired
from heliostat_search.trainings.lines import differences, line_of, mean_curve

NAMES = ("error_rate", "cross_entropy")
NOISE = np.array([0.03, -0.02, 0.01, -0.04, 0.025, -0.015, 0.005, 0.005])


def line(values, way="end", edge=False, limit=10.0):
    both = np.stack([np.asarray(values, float), np.full(len(values), 7.0)], axis=1)
    return line_of(way, 0.1, edge, both, NAMES, "error_rate", [5] * len(values), limit)


def test_a_line_holds_the_metric_and_beside_it_the_other_measures():
    made = line([0.1, 0.2, 0.4])
    assert made.values == [0.1, 0.2, 0.4] and made.others == {"cross_entropy": [7.0] * 3}
    assert made.mean == pytest.approx(0.7 / 3)
    assert made.low == pytest.approx(mean_interval([0.1, 0.2, 0.4]).low)


def test_what_is_above_the_limit_or_no_number_exploded():
    made = line([0.1, 10.0, 10.1, math.inf, math.nan])
    assert made.exploded == 3
    assert made.mean == pytest.approx((0.1 + 10.0 + 10.1) / 3)
    assert line([math.inf, 0.1]).mean is None


def test_differences_are_paired_with_the_first_and_corrected_over_the_others():
    usual, better, same = 0.5 + NOISE, 0.3 + NOISE[::-1], 0.5 + NOISE[::-1]
    first, one, two = differences(
        [{"end": line(usual)}, {"end": line(better)}, {"end": line(same)}], ("end",)
    )
    assert first == []
    assert (one[0].verdict, two[0].verdict) == ("better", "none")
    assert one[0].mean == pytest.approx(-0.2)
    assert one[0].p == pytest.approx(2 * paired(better, usual).t_p)  # the smaller of two, by Holm
    assert two[0].p == pytest.approx(paired(same, usual).t_p)


def test_a_way_that_either_lacks_is_no_difference_and_no_more_in_the_correction():
    usual, better = 0.5 + NOISE, 0.3 + NOISE[::-1]
    lines = [
        {"end": line(usual), "cut": line(usual, "cut")},
        {"end": line(better)},
        {"end": line(better), "cut": line(better, "cut")},
    ]
    _, one, two = differences(lines, ("end", "cut", "area"))
    assert [row.way for row in one] == ["end"] and [row.way for row in two] == ["end", "cut"]
    assert two[1].p == pytest.approx(paired(better, usual).t_p)
    assert differences([{}, {"end": line(better)}], ("end",)) == [[], []]


def test_edges_and_explosions_decide_before_any_test():
    usual = {"end": line(0.5 + NOISE)}
    _, edge = differences([usual, {"end": line(0.3 + NOISE, edge=True)}], ("end",))
    assert edge[0].verdict == "edge"
    _, far = differences([usual, {"end": line([*(0.3 + NOISE)[:7], math.inf])}], ("end",))
    assert far[0].verdict == "explodes"
    _, lost = differences([usual, {"end": line([math.inf] * 8)}], ("end",))
    assert (lost[0].verdict, lost[0].mean, lost[0].p) == ("worse", None, None)


@given(st.integers(0, 2**32), st.integers(0, 6), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_a_mean_curve_lies_in_its_interval_and_runs_that_break_off_are_left_out(seed, runs, steps):
    curves = np.random.default_rng(seed).normal(size=(runs, steps))
    broken = np.full((2, steps), math.inf)
    broken[1] = math.nan
    mean, low, high = mean_curve(np.concatenate([curves, broken]))
    assert len(mean) == len(low) == len(high) == (steps if runs else 0)
    assert all(a <= b <= c for a, b, c in zip(low, mean, high, strict=True))
    if runs:
        assert mean == pytest.approx(curves.mean(axis=0))
    if runs == 1:
        assert low == mean == high
